using System.Buffers;
using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Delivery.Local;

/// <summary>The fields that final delivery puts on top of a message (RFC 5321 s4.4, P21), in the words of the dialect.</summary>
internal static class LocalTrace
{
    public static ReadOnlyMemory<byte> Build(MailConfig config, Recipient recipient, MailAddress reversePath)
    {
        var output = new ArrayBufferWriter<byte>(256);
        TraceStyle style = config.BareReturnPath ? TraceStyle.OpenSmtpdOld : config.Dialect is Dialect.OpenSmtpd or Dialect.OpenSmtpdOld ? TraceStyle.OpenSmtpd : TraceStyle.Postfix;
        TraceFields.WriteReturnPath(output, style, reversePath);
        if (config.Dialect is Dialect.Postfix)
            TraceFields.WriteOriginalTo(output, recipient.Original);
        TraceFields.WriteDeliveredTo(output, config.Dialect is Dialect.Postfix ? recipient.Address : recipient.Original);
        return output.WrittenMemory;
    }
}
