namespace Estafette.Mail;

/// <summary>The header fields that some part of the server looks at; everything else is <see cref="Other"/>.</summary>
public enum KnownField : byte
{
    Other,
    Received,
    ReturnPath,
    DeliveredTo,
    Date,
    From,
    Sender,
    ReplyTo,
    To,
    Cc,
    Bcc,
    MessageId,
    Subject,
    MimeVersion,
    ContentType,
    ContentTransferEncoding,
    ContentDisposition,
    AutoSubmitted,
    DkimSignature,
    ResentDate,
    ResentFrom,
    ResentSender,
    ResentTo,
    ResentCc,
    ResentBcc,
    ResentMessageId,
}
