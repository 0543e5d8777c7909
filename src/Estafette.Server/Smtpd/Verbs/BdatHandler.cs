using Estafette.Config.Model;
using Estafette.Smtp;

namespace Estafette.Smtpd.Verbs;

/// <summary>
/// BDAT (RFC 3030). Octets are counted, never searched. A chunk that is refused is still read and dropped, so that it is never taken for commands (E48); one whose size cannot be
/// read, or that is far beyond every limit, ends the session.
/// </summary>
internal sealed class BdatHandler : CommandHandler
{
    public override SmtpVerb Verb => SmtpVerb.Bdat;

    public override Reply? Check(SmtpSession session, SmtpCommand command) =>
        BdatCommand.TryParse(command.Argument.Span, out _) ? null : session.Replies.BadBdat.ThenClose();

    public override async ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken)
    {
        BdatCommand.TryParse(command.Argument.Span, out BdatCommand chunk);
        if (chunk.Size > (2 * session.Limits.MessageSize) + (1 << 20))
            return session.Replies.MessageTooBig.ThenClose();
        if (await RefusalAsync(session, cancellationToken) is { } refusal)
            return await BodyReceiver.DropAsync(session, chunk.Size) ?? refusal;
        Transaction transaction = session.Transaction!;
        if (transaction.Chunks is null)
        {
            transaction.Chunks = await MessageIntake.BeginAsync(session, cancellationToken);
            transaction.Decoder = new DataDecoder(session.Connection.MendsLineEnds ? DataFraming.CountedMending : DataFraming.Counted, session.Limits.TextLine);
        }
        MessageReception message = transaction.Chunks;
        DataDecoder decoder = transaction.Decoder!;
        if (await BodyReceiver.ReceiveChunkAsync(session, message, decoder, chunk, cancellationToken) is { } ended)
        {
            await session.EndTransactionAsync();
            return ended;
        }
        if (!chunk.Last && decoder.Problem == DataProblem.None && message.Problem == ReceptionProblem.None)
            return session.Replies.ChunkTaken(chunk.Size);
        CommandResult result = await MessageIntake.CommitAsync(session, message, decoder.Problem, cancellationToken);
        await session.EndTransactionAsync();
        return result;
    }

    private static async ValueTask<CommandResult?> RefusalAsync(SmtpSession session, CancellationToken cancellationToken)
    {
        if (session.Transaction is not { } transaction)
            return session.Replies.NotAllowedNow;
        if (transaction.Given.Count == 0)
            return session.Replies.NoRecipient;
        if (transaction.Chunks is not null)
            return null;
        (CommandResult? refusal, _) = await session.AskPolicyAsync(FilterPhase.Data, session.Subject(), cancellationToken);
        return refusal;
    }
}
