using System.Buffers;
using System.Text;
using Estafette.Policy.Restrictions;
using Estafette.Smtpd.Cleanup;

namespace Estafette.Smtpd.Postfix;

/// <summary>
/// The end of data in a session of smtpd(8): the restrictions that are asked then, the envelope's way through the maps, and what access tables wanted done with the message. A table that cannot
/// be read is a temporary refusal, and nothing is lost (E44).
/// </summary>
internal static class SmtpdCommit
{
    /// <summary>The header lines that PREPEND asked for, in their order, and what stands below them.</summary>
    public static ReadOnlyMemory<byte> WithPrepended(Transaction transaction, ReadOnlyMemory<byte> trace)
    {
        if (!transaction.Actions.Any(a => a.Kind == MessageActionKind.Prepend))
            return trace;
        var text = new ArrayBufferWriter<byte>();
        foreach (MessageAction action in transaction.Actions.Where(a => a.Kind == MessageActionKind.Prepend))
            text.Write(Encoding.UTF8.GetBytes(action.Text + "\r\n"));
        text.Write(trace.Span);
        return text.WrittenMemory;
    }

    /// <summary>Asks the last restrictions, and gives cleanup what all of them wanted done.</summary>
    public static async ValueTask<CommandResult?> RefusalAsync(SmtpSession session, MessageReception message, CancellationToken cancellationToken)
    {
        SmtpdSession smtpd = session.Smtpd!;
        if (smtpd.Restrictions is { } restrictions
            && RestrictionResult.Take(session, await restrictions.AtEndOfDataAsync(smtpd.Facts(session), smtpd.Memory, cancellationToken), "END-OF-MESSAGE") is { } refused)
            return refused;
        if (message.Cleanup is { } cleanup)
            Hand(session.Transaction!.Actions, cleanup.Findings);
        return null;
    }

    /// <summary>What the content said itself comes after what was said of the envelope.</summary>
    private static void Hand(List<MessageAction> actions, CleanupFindings findings)
    {
        foreach (MessageAction action in actions)
        {
            switch (action.Kind)
            {
                case MessageActionKind.Discard: findings.Discard = true; break;
                case MessageActionKind.Hold: findings.Hold = true; break;
                case MessageActionKind.Filter when findings.Filter.Length == 0: findings.Filter = action.Text; break;
                case MessageActionKind.Redirect when findings.Redirect.Length == 0: findings.Redirect = action.Text; break;
                case MessageActionKind.Bcc when !findings.Copies.Contains(action.Text): findings.Copies.Add(action.Text); break;
            }
        }
    }
}
