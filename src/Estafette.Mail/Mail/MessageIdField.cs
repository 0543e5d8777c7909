using System.Globalization;
using System.Security.Cryptography;

namespace Estafette.Mail;

/// <summary>Values of Message-ID (RFC 5322 s3.6.4): 64 random bits at the server's name.</summary>
public static class MessageIdField
{
    /// <summary>With angle brackets.</summary>
    public static string Create(string host, ulong random) =>
        string.Create(CultureInfo.InvariantCulture, $"<{random:x16}@{FieldText.Sanitize(host)}>");

    public static string Generate(string host)
    {
        Span<byte> random = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(random);
        return Create(host, BitConverter.ToUInt64(random));
    }
}
