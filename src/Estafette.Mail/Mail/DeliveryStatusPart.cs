using System.Buffers;
using System.Globalization;
using System.Text;

namespace Estafette.Mail;

/// <summary>The fields of message/delivery-status (RFC 3464 s2) and of its international form (RFC 6533 s4).</summary>
internal static class DeliveryStatusPart
{
    public static void WriteMessageFields(IBufferWriter<byte> output, StatusNotificationRequest request, string boundary)
    {
        bool international = request.Original.SmtpUtf8;
        FieldText.WriteRaw(output, $"--{boundary}\r\nContent-Description: Delivery report\r\n");
        FieldText.WriteRaw(output, international
            ? "Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
            : "Content-Type: message/delivery-status\r\n\r\n");
        Field(output, "Reporting-MTA", "dns; " + ReportText.Plain(request.ReportingHost, international));
        if (request.Original.DsnEnvelopeId is { } id && Xtext.TryDecode(id, Xtext.MaximumEnvelopeId, out string envelopeId))
            Field(output, "Original-Envelope-Id", ReportText.Plain(envelopeId, international));
        if (request.Style is NotificationStyle.Postfix)
        {
            // Bounce handlers of mailing lists look for them.
            Field(output, "X-Postfix-Queue-ID", request.Original.Id.ToString());
            Field(output, "X-Postfix-Sender", Typed(request.Original.ReversePath, international));
        }
        Field(output, "Arrival-Date", HeaderDate.Format(request.Original.Received));
    }

    public static void WriteRecipientFields(IBufferWriter<byte> output, StatusNotificationRequest request, NotifiedRecipient notified)
    {
        bool international = request.Original.SmtpUtf8;
        DeliveryOutcome outcome = notified.Outcome;
        output.Write("\r\n"u8);
        if (OriginalRecipient(request, notified.Recipient) is { } original)
            Field(output, "Original-Recipient", original);
        Field(output, "Final-Recipient", Typed(Qualified(notified.Recipient.Address, request.ReportingHost), international));
        Field(output, "Action", ActionWord(notified.Action));
        Field(output, "Status", StatusOf(request.Style, notified).ToString());
        if (outcome.RemoteMta is { } mta)
            Field(output, "Remote-MTA", "dns; " + ReportText.Plain(mta, international));
        if (outcome.Text.Length > 0 && notified.Action is NotificationAction.Failed or NotificationAction.Delayed or NotificationAction.Deliverable or NotificationAction.Undeliverable)
            Field(output, "Diagnostic-Code", DiagnosticCode(request.Style, outcome, international));
        if (notified.LastAttempt is { } last)
            Field(output, "Last-Attempt-Date", HeaderDate.Format(last));
        if (notified is { Action: NotificationAction.Delayed, WillRetryUntil: { } until })
            Field(output, "Will-Retry-Until", HeaderDate.Format(until));
    }

    public static string ActionWord(NotificationAction action) => action switch
    {
        NotificationAction.Failed => "failed",
        NotificationAction.Delayed => "delayed",
        NotificationAction.Delivered => "delivered",
        NotificationAction.Relayed => "relayed",
        NotificationAction.Deliverable => "deliverable",
        NotificationAction.Undeliverable => "undeliverable",
        _ => "expanded",
    };

    /// <summary>
    /// The class is that of the action. OpenSMTPD's notifications tell only the class of what a next hop said: subject and detail stay in Diagnostic-Code.
    /// The expiry of a message is its own verdict and keeps its code.
    /// </summary>
    public static EnhancedStatus StatusOf(NotificationStyle style, NotifiedRecipient notified)
    {
        byte statusClass = notified.Action switch { NotificationAction.Failed or NotificationAction.Undeliverable => 5, NotificationAction.Delayed => 4, _ => 2 };
        EnhancedStatus status = notified.Outcome.Status;
        bool expired = status is { Subject: 4, Detail: 7 };
        bool classOnly = status.IsNone || (style is NotificationStyle.OpenSmtpd && notified.Recipient.Target is DeliveryTarget.Relay && !expired);
        return classOnly ? new EnhancedStatus(statusClass, 0, 0) : status with { Class = statusClass };
    }

    /// <summary>ORCPT as the sender gave it (RFC 3464 s2.3.1); Postfix names the given address where there was none.</summary>
    private static string? OriginalRecipient(StatusNotificationRequest request, Recipient recipient)
    {
        bool international = request.Original.SmtpUtf8;
        if (recipient.DsnOriginalRecipient is { } given)
        {
            int semicolon = given.IndexOf(';', StringComparison.Ordinal);
            if (semicolon is > 0 and < 64 && given.AsSpan(0, semicolon).IndexOfAnyExcept(TypeCharacters) < 0
                && Xtext.TryDecode(given.AsSpan(semicolon + 1), Xtext.MaximumOriginalRecipient, out string address))
                return given[..semicolon] + "; " + ReportText.Plain(address, international);
        }
        return request.Style is NotificationStyle.Postfix ? Typed(Qualified(recipient.Original, request.ReportingHost), international) : null;
    }

    private static readonly SearchValues<char> TypeCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");

    private static string DiagnosticCode(NotificationStyle style, DeliveryOutcome outcome, bool international)
    {
        string text = outcome.Text;
        if (outcome.Diagnostic is { } own)
            return ReportText.Plain(own, international);
        if (outcome.ReplyCode == 0)
            return (style is NotificationStyle.Postfix ? "x-postfix; " : "x-estafette; ") + ReportText.Plain(text, international);
        string code = outcome.ReplyCode.ToString(CultureInfo.InvariantCulture);
        if (!text.StartsWith(code, StringComparison.Ordinal))
            text = code + " " + text;
        return "smtp; " + ReportText.Plain(text, international);
    }

    /// <summary>RFC 6533 s3: an address beyond ASCII has the type utf-8, and is escaped unless the report is international.</summary>
    private static string Typed(MailAddress address, bool international) =>
        (address.NeedsSmtpUtf8 ? "utf-8; " : "rfc822; ") + ReportText.Plain(address.ToString(), international);

    private static MailAddress Qualified(MailAddress address, string host) => address.Domain.Length > 0 ? address : address with { Domain = host };

    private static void Field(IBufferWriter<byte> output, string name, string value) => ReportText.WriteFolded(output, name + ": " + value);
}
