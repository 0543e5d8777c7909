using Estafette.Smtp;
using Estafette.Smtpd.Verbs;

namespace Estafette.Smtpd.Postfix;

/// <summary>BDAT: the same as elsewhere (E48), with Postfix's words for what is out of turn.</summary>
internal sealed class SmtpdBdatHandler : SmtpdHandler
{
    private static readonly BdatHandler s_chunks = new();

    public override SmtpVerb Verb => SmtpVerb.Bdat;

    public override Reply? Check(SmtpSession session, SmtpCommand command) => s_chunks.Check(session, command);

    public override async ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken)
    {
        if (session.Smtpd is { Restrictions: { } restrictions } smtpd && session.Transaction is { Chunks: null, Given.Count: > 0 }
            && Take(session, await restrictions.AtDataAsync(smtpd.Facts(session), smtpd.Memory, cancellationToken), "BDAT") is { } refused)
        {
            BdatCommand.TryParse(command.Argument.Span, out BdatCommand chunk);
            return await BodyReceiver.DropAsync(session, Math.Min(chunk.Size, (2 * session.Limits.MessageSize) + (1 << 20))) ?? refused;
        }
        if (session.Transaction is null)
        {
            BdatCommand.TryParse(command.Argument.Span, out BdatCommand chunk);
            return await BodyReceiver.DropAsync(session, Math.Min(chunk.Size, (2 * session.Limits.MessageSize) + (1 << 20))) ?? Words(session).NeedsRecipient;
        }
        return await s_chunks.ActAsync(session, command, cancellationToken);
    }
}
