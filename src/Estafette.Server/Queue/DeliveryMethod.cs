using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Queue;

/// <summary>The words of the log line for local deliveries (O22): method and user; both empty for relaying.</summary>
internal static class DeliveryMethod
{
    public static (string Method, string User) Of(MailConfig config, Recipient recipient) => recipient.Target switch
    {
        DeliveryTarget.File file => ("file", file.RunAs),
        DeliveryTarget.Command command => ("command", command.RunAs),
        DeliveryTarget.User user => (OfAction(config, recipient.Action), user.Name),
        _ => ("", ""),
    };

    /// <summary>What stands for the peer in a log where there is none.</summary>
    public static string RelayOf(ActionConfig? action) => action switch
    {
        ActionConfig.Local or ActionConfig.LocalUsers => "local",
        ActionConfig.VirtualMailboxes => "virtual",
        ActionConfig.Pipe pipe => pipe.Name,
        _ => "none",
    };

    public static DeliveryKind KindOf(Recipient recipient) => recipient.Target is DeliveryTarget.Relay ? DeliveryKind.Relay : DeliveryKind.Local;

    /// <summary>The kind as the scheduler's line tells it (O20).</summary>
    public static string WordOf(Recipient recipient) => KindOf(recipient) is DeliveryKind.Relay ? "mta" : "mda";

    private static string OfAction(MailConfig config, string name) =>
        config.Actions.TryGetValue(name, out ActionConfig? action) && action is ActionConfig.Local local
            ? local.Method switch
            {
                LocalMethod.Mbox => "mbox",
                LocalMethod.Maildir => "maildir",
                LocalMethod.Command => "mda",
                LocalMethod.Lmtp => "lmtp",
                _ => "",
            }
            : "";
}
