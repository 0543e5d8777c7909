namespace Estafette.Mail;

/// <summary>One header with what follows it: the message, a part, or a message within a part. Numbered in the order of the headers.</summary>
internal sealed record MimeEntity(int Number, MimeType? Type, TransferEncoding Encoding, bool IsSealed, bool IsContainer)
{
    public bool IsMessage => Number == 0;
}
