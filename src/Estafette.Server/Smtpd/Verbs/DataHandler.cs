using Estafette.Config.Model;
using Estafette.Smtp;

namespace Estafette.Smtpd.Verbs;

/// <summary>DATA (RFC 5321 s4.1.1.4).</summary>
internal sealed class DataHandler : CommandHandler
{
    public override SmtpVerb Verb => SmtpVerb.Data;

    public override Reply? Check(SmtpSession session, SmtpCommand command)
    {
        Replies replies = session.Replies;
        if (command.HasArgument)
            return replies.NoArguments;
        if (session.Transaction is not { Chunks: null } transaction)
            return replies.NotAllowedNow;
        return transaction.Given.Count == 0 ? replies.NoRecipient : null;
    }

    public override async ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken)
    {
        // RFC 2920 s3.1: DATA is the last of its group. What follows would be commands if DATA were refused.
        if (session.Habits.Synchronous && !session.Connection.IsLocal && session.Transport.HasBufferedInput())
        {
            session.Abuse("pipelined after DATA");
            return session.Replies.Unsynchronized;
        }
        (CommandResult? refusal, _) = await session.AskPolicyAsync(FilterPhase.Data, session.Subject(), cancellationToken);
        if (refusal is not null)
            return refusal.Value;
        await using MessageReception message = await MessageIntake.BeginAsync(session, cancellationToken);
        session.Transport.Send(session.Replies.EnterMail);
        var decoder = new DataDecoder(session.Connection.MendsLineEnds ? DataFraming.DotMending : DataFraming.Dot, session.Limits.TextLine);
        CommandResult result = await BodyReceiver.ReceiveAsync(session, message, decoder, cancellationToken)
            ?? await MessageIntake.CommitAsync(session, message, decoder.Problem, cancellationToken);
        await session.EndTransactionAsync();
        return result;
    }
}
