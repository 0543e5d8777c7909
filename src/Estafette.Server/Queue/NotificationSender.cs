using Estafette.Mail;

namespace Estafette.Queue;

/// <summary>Whom a notification about a recipient goes to: its own reverse-path (<c>owner-list</c>) or the envelope's. Nobody for what came from the null sender (E33).</summary>
internal static class NotificationSender
{
    public static MailAddress Of(Envelope envelope, Recipient recipient) =>
        envelope.ReversePath.IsNull || envelope.IsNotification ? MailAddress.Null : recipient.ReversePath ?? envelope.ReversePath;
}
