using System.Buffers;

namespace Estafette.Mail;

/// <summary>What a person reads of a notification: its header, the text part, and the line above what comes back.</summary>
internal static class NotificationText
{
    public static void WriteHeader(IBufferWriter<byte> output, StatusNotificationRequest request, string boundary)
    {
        bool international = request.Original.SmtpUtf8;
        string host = FieldText.Sanitize(request.ReportingHost);
        string name = request.Style is NotificationStyle.OpenSmtpd ? "Mailer Daemon" : "Mail Delivery System";
        FieldText.WriteRaw(output, $"Subject: {Subject(request)}\r\nFrom: {name} <MAILER-DAEMON@{host}>\r\nTo: ");
        FieldText.Write(output, request.To.ToString());
        FieldText.WriteRaw(output, $"\r\nDate: {HeaderDate.Format(request.Now)}\r\nMessage-ID: {MessageIdField.Create(host, (ulong)(request.Random >> 64))}\r\n");
        // RFC 3834 s5: automatic, and an answer to a message.
        FieldText.WriteRaw(output, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
        FieldText.WriteRaw(output, $"Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{boundary}\"\r\n");
        if (international || request.Original.Body is not BodyType.SevenBit)
            output.Write("Content-Transfer-Encoding: 8bit\r\n"u8);
        output.Write("\r\nThis is a report in MIME format.\r\n\r\n"u8);
    }

    public static void WriteIntroduction(IBufferWriter<byte> output, StatusNotificationRequest request, string boundary)
    {
        bool international = request.Original.SmtpUtf8;
        FieldText.WriteRaw(output, $"--{boundary}\r\nContent-Description: Notification\r\nContent-Type: text/plain; charset={(international ? "utf-8" : "us-ascii")}\r\n");
        if (international)
            output.Write("Content-Transfer-Encoding: 8bit\r\n"u8);
        FieldText.WriteRaw(output, $"\r\nThis is the mail system at {FieldText.Sanitize(request.ReportingHost)}.\r\n\r\n");
        FieldText.WriteRaw(output, request.Recipients[0].Action switch
        {
            NotificationAction.Failed => "Your message could not be delivered to:\r\n\r\n",
            NotificationAction.Delayed => "Your message has not been delivered yet to:\r\n\r\n",
            NotificationAction.Delivered => "Your message was delivered to:\r\n\r\n",
            NotificationAction.Deliverable or NotificationAction.Undeliverable => "This is the report that you asked for; nothing was sent. Mail would go:\r\n\r\n",
            NotificationAction.Relayed => "Your message was handed on, to a system that sends no further reports, for:\r\n\r\n",
            _ => "Your message was delivered to a list and goes on to its members:\r\n\r\n",
        });
    }

    public static void WriteRecipient(IBufferWriter<byte> output, NotifiedRecipient notified, bool international)
    {
        DeliveryOutcome outcome = notified.Outcome;
        string said = outcome.RemoteMta is { } mta && outcome.ReplyCode > 0 ? $"{mta} said: {outcome.Text}" : outcome.Text;
        // What the sender typed is what the sender recognises.
        string address = ReportText.Plain(notified.Recipient.Original.ToString(), international);
        ReportText.WriteFolded(output, $"  {address}: {ReportText.Plain(said, international)}", "    ");
    }

    public static void WriteClosing(IBufferWriter<byte> output, StatusNotificationRequest request)
    {
        output.Write("\r\n"u8);
        if (request.Recipients[0].Action is NotificationAction.Delayed)
        {
            string until = request.Recipients[0].WillRetryUntil is { } time ? $" until {HeaderDate.Format(time)}" : "";
            ReportText.WriteFolded(output, $"This is a warning only. Delivery is tried again{until}; you need not send the message again.", "");
            output.Write("\r\n"u8);
        }
        FieldText.WriteRaw(output, request.ReturnsFull ? "Your message follows.\r\n\r\n" : "The header of your message follows.\r\n\r\n");
    }

    public static void WriteReturnedPartHeader(IBufferWriter<byte> output, StatusNotificationRequest request, string boundary)
    {
        Envelope original = request.Original;
        string type = (request.ReturnsFull, original.SmtpUtf8) switch
        {
            (true, false) => "message/rfc822",
            (true, true) => "message/global",
            (false, false) => "text/rfc822-headers",
            (false, true) => "message/global-headers",
        };
        FieldText.WriteRaw(output, $"\r\n--{boundary}\r\nContent-Description: {(request.ReturnsFull ? "Message" : "Message header")}\r\nContent-Type: {type}\r\n");
        if (original.SmtpUtf8 || original.Body is not BodyType.SevenBit)
            output.Write("Content-Transfer-Encoding: 8bit\r\n"u8);
        output.Write("\r\n"u8);
    }

    private static string Subject(StatusNotificationRequest request)
    {
        NotificationAction action = request.Recipients[0].Action;
        if (request.Style is NotificationStyle.OpenSmtpd)
            return "Delivery status notification: " + DeliveryStatusPart.ActionWord(action);
        return action switch
        {
            NotificationAction.Failed => "Undelivered Mail Returned to Sender",
            NotificationAction.Delayed => "Delayed Mail (still being retried)",
            NotificationAction.Deliverable or NotificationAction.Undeliverable => "Mail Delivery Status Report",
            _ => "Successful Mail Delivery Report",
        };
    }
}
