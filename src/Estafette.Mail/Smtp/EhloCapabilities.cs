using System.Globalization;
using System.Text;

namespace Estafette.Smtp;

[Flags]
public enum EhloKeywords : ushort
{
    None = 0,
    Pipelining = 1,
    EightBitMime = 2,
    SmtpUtf8 = 4,
    Dsn = 8,
    StartTls = 16,
    Chunking = 32,
    Size = 64,
    Auth = 128,
    EnhancedStatusCodes = 256,
}

[Flags]
public enum SaslMechanisms : byte { None = 0, Plain = 1, Login = 2, CramMd5 = 4, ScramSha256 = 8, ScramSha256Plus = 16 }

/// <summary>What a server's answer to EHLO or LHLO promises (RFC 5321 s4.1.1.1). Unknown words are ignored; nothing here survives STARTTLS (E6).
/// <paramref name="MaximumSize"/> is 0 when no limit is known (RFC 1870 s4).</summary>
public sealed record EhloCapabilities(EhloKeywords Keywords, long MaximumSize, SaslMechanisms Mechanisms)
{
    /// <summary>A server that only knows HELO.</summary>
    public static EhloCapabilities None { get; } = new(EhloKeywords.None, 0, SaslMechanisms.None);

    public bool Has(EhloKeywords keyword) => (Keywords & keyword) != 0;

    /// <summary>Reads the octets of a positive reply.</summary>
    public static EhloCapabilities Read(ReadOnlySpan<byte> reply)
    {
        EhloKeywords keywords = EhloKeywords.None;
        SaslMechanisms mechanisms = SaslMechanisms.None;
        long size = 0;
        bool first = true;
        foreach (Range range in reply.Split((byte)'\n'))
        {
            ReadOnlySpan<byte> line = reply[range];
            if (line.Length <= 4 || first)
            {
                first = false;
                continue;
            }
            string[] words = Encoding.ASCII.GetString(line[4..]).Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0)
                continue;
            // "AUTH=LOGIN PLAIN" is what servers of the nineties announced beside or instead of "AUTH ".
            string keyword = words[0].StartsWith("AUTH=", StringComparison.OrdinalIgnoreCase) ? "AUTH" : words[0].ToUpperInvariant();
            EhloKeywords known = KeywordOf(keyword);
            keywords |= known;
            if (known == EhloKeywords.Auth)
                mechanisms |= MechanismsOf(words);
            else if (known == EhloKeywords.Size && words.Length > 1 && long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out long limit))
                size = limit;
        }
        return new EhloCapabilities(keywords, size, mechanisms);
    }

    public static EhloKeywords KeywordOf(string word) => word switch
    {
        "PIPELINING" => EhloKeywords.Pipelining,
        "8BITMIME" => EhloKeywords.EightBitMime,
        "SMTPUTF8" => EhloKeywords.SmtpUtf8,
        "DSN" => EhloKeywords.Dsn,
        "STARTTLS" => EhloKeywords.StartTls,
        "CHUNKING" => EhloKeywords.Chunking,
        "SIZE" => EhloKeywords.Size,
        "AUTH" => EhloKeywords.Auth,
        "ENHANCEDSTATUSCODES" => EhloKeywords.EnhancedStatusCodes,
        _ => EhloKeywords.None,
    };

    public static SaslMechanisms MechanismsOf(string[] words)
    {
        SaslMechanisms found = SaslMechanisms.None;
        foreach (string word in words)
        {
            string name = word.StartsWith("AUTH=", StringComparison.OrdinalIgnoreCase) ? word[5..] : word;
            found |= name.ToUpperInvariant() switch
            {
                "PLAIN" => SaslMechanisms.Plain,
                "LOGIN" => SaslMechanisms.Login,
                "CRAM-MD5" => SaslMechanisms.CramMd5,
                "SCRAM-SHA-256" => SaslMechanisms.ScramSha256,
                "SCRAM-SHA-256-PLUS" => SaslMechanisms.ScramSha256Plus,
                _ => SaslMechanisms.None,
            };
        }
        return found;
    }
}
