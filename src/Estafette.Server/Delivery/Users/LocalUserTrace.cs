using System.Buffers;
using System.Globalization;
using System.Text;
using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Delivery.Users;

/// <summary>What stands above the stored message where Postfix delivers it (P21): for commands the From_ line too, which mailboxes write themselves.</summary>
internal static class LocalUserTrace
{
    /// <param name="sender">The reverse-path.</param>
    /// <param name="original">The address as it came.</param>
    /// <param name="delivered">Null where there is no Delivered-To.</param>
    /// <param name="fromLine">The time of the From_ line; null where there is none.</param>
    public static ReadOnlyMemory<byte> Build(MailAddress sender, MailAddress original, MailAddress? delivered, DateTimeOffset? fromLine)
    {
        var output = new ArrayBufferWriter<byte>(256);
        if (fromLine is { } now)
            WriteFromLine(output, sender, now);
        TraceFields.WriteReturnPath(output, TraceStyle.Postfix, sender);
        TraceFields.WriteOriginalTo(output, original);
        if (delivered is not null)
            TraceFields.WriteDeliveredTo(output, delivered);
        return output.WrittenMemory;
    }

    public static void WriteFromLine(ArrayBufferWriter<byte> output, MailAddress sender, DateTimeOffset now)
    {
        DateTimeOffset local = now.ToLocalTime();
        string from = sender.IsNull ? "MAILER-DAEMON" : string.Concat(sender.ToString().Select(c => char.IsControl(c) ? '_' : c));
        output.Write(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"From {from}  {local:ddd MMM} {local.Day,2} {local:HH:mm:ss yyyy}\r\n")));
    }

    public static bool Wants(ActionConfig.LocalUsers action, DeliveredHeader where) => action.DeliveredHeaders.HasFlag(where);
}
