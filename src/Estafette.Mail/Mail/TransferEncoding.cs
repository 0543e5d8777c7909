namespace Estafette.Mail;

/// <summary>Content-Transfer-Encoding (RFC 2045 s6).</summary>
internal enum TransferEncoding : byte { SevenBit, EightBit, Binary, QuotedPrintable, Base64, Unknown }

internal static class TransferEncodings
{
    public static TransferEncoding Parse(ReadOnlySpan<byte> value) => new MimeValueReader(value).Token()?.ToLowerInvariant() switch
    {
        "7bit" => TransferEncoding.SevenBit,
        "8bit" => TransferEncoding.EightBit,
        "binary" => TransferEncoding.Binary,
        "quoted-printable" => TransferEncoding.QuotedPrintable,
        "base64" => TransferEncoding.Base64,
        _ => TransferEncoding.Unknown,
    };

    /// <summary>The octets stand there as they are.</summary>
    public static bool IsIdentity(this TransferEncoding encoding) => encoding <= TransferEncoding.Binary;
}
