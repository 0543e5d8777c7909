using Estafette.Smtp;

namespace Estafette.Smtpd.Postfix;

/// <summary>DATA. Its restrictions are asked before 354; those of the end of data when the message is whole.</summary>
internal sealed class SmtpdDataHandler : SmtpdHandler
{
    public override SmtpVerb Verb => SmtpVerb.Data;
    public override bool EndsGroup => true;

    public override Reply? Check(SmtpSession session, SmtpCommand command)
    {
        PostfixReplies words = Words(session);
        if (session.Transaction is not { } transaction)
            return words.NeedsRecipient;
        if (transaction.Chunks is not null)
            return words.DataAfterChunks;
        if (transaction.Given.Count == 0)
            return words.NoRecipient;
        return command.HasArgument ? PostfixReplies.Syntax("DATA") : null;
    }

    public override async ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken)
    {
        SmtpdSession smtpd = session.Smtpd!;
        if (smtpd.Restrictions is { } restrictions && Take(session, await restrictions.AtDataAsync(smtpd.Facts(session), smtpd.Memory, cancellationToken), "DATA") is { } refused)
            return refused;
        await using MessageReception message = await MessageIntake.BeginAsync(session, cancellationToken);
        session.Transport.Send(session.Replies.EnterMail);
        var decoder = new DataDecoder(session.Connection.MendsLineEnds ? DataFraming.DotMending : DataFraming.Dot, session.Limits.TextLine);
        CommandResult result = await BodyReceiver.ReceiveAsync(session, message, decoder, cancellationToken)
            ?? await MessageIntake.CommitAsync(session, message, decoder.Problem, cancellationToken);
        await session.EndTransactionAsync();
        return result;
    }
}
