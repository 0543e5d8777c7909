using Estafette.Mail;

namespace Estafette.Policy.Restrictions;

/// <summary>
/// Fits an enhanced status code to whom a refusal is about: access(5) lets one table serve senders, recipients and hosts, but "no such mailbox" (RFC 3463 X.1.1) is said of a recipient and
/// "bad sender's mailbox" (X.1.7) of a sender; of a host neither.
/// </summary>
internal static class StatusFit
{
    private const ushort Address = 1;

    /// <summary>The detail for a sender, by the detail as written.</summary>
    private static readonly ushort[] s_sender = [0, 7, 8, 7, 7, 0, 7, 7, 8];

    private static readonly ushort[] s_recipient = [0, 1, 2, 3, 4, 5, 6, 3, 2];

    public static EnhancedStatus For(EnhancedStatus status, string about)
    {
        if (status.Subject != Address)
            return status;
        return about switch
        {
            ReplyAbout.SenderAddress => status with { Detail = Mapped(s_sender, status.Detail) },
            ReplyAbout.RecipientAddress => status with { Detail = Mapped(s_recipient, status.Detail) },
            _ => status with { Subject = 0, Detail = 0 },
        };
    }

    private static ushort Mapped(ushort[] details, ushort detail) => detail < details.Length ? details[detail] : (ushort)0;
}
