using System.Text;
using Estafette.Mail;

namespace Estafette.Smtp;

public enum EnvelopeAddressStatus : byte { Ok, Missing, Malformed }

/// <summary>
/// Reads the address of MAIL, RCPT and VRFY as tolerantly as Postfix does (<c>strict_rfc821_envelopes = no</c>): brackets may be missing, what follows them needs no blank, the text is read by the rules of
/// headers (RFC 822: quoted strings, backslashes, comments), a source route is dropped. The last <c>@</c> parts the domain from the rest, which may hold further ones. Pure, linear, and nothing it gives holds a control
/// character.
/// </summary>
public static class EnvelopeAddressReader
{
    /// <summary>Characters of a local part and of a domain: RFC 5321 s4.5.3.1 asks for 64 and 255; senders of mailing lists need more.</summary>
    private const int MaximumLocalPart = 1024;
    private const int MaximumDomain = 255;

    /// <param name="strict">Brackets must be there (<c>strict_rfc821_envelopes</c>).</param>
    /// <param name="address">Null sender included; the domain without a trailing dot.</param>
    /// <param name="rest">What follows: the parameters.</param>
    public static EnvelopeAddressStatus Read(ReadOnlySpan<byte> text, bool strict, out MailAddress address, out ReadOnlySpan<byte> rest)
    {
        address = MailAddress.Null;
        rest = default;
        text = text.TrimStart(" \t"u8);
        if (text.IsEmpty)
            return EnvelopeAddressStatus.Missing;
        bool bracketed = text[0] == '<';
        int end = End(text, bracketed);
        if (end < 0 || (strict && !bracketed))
            return EnvelopeAddressStatus.Malformed;
        ReadOnlySpan<byte> inner = bracketed ? text[1..end] : text[..end];
        rest = (bracketed ? text[(end + 1)..] : text[end..]).TrimStart(" \t"u8);
        inner = inner.Trim(" \t"u8);
        if (inner.IsEmpty)
            return bracketed ? EnvelopeAddressStatus.Ok : EnvelopeAddressStatus.Malformed;
        if (inner[0] == '@' && inner.IndexOf((byte)':') is var colon and > 0)
            inner = inner[(colon + 1)..];
        return TryRead(inner, out address) ? EnvelopeAddressStatus.Ok : EnvelopeAddressStatus.Malformed;
    }

    private static int End(ReadOnlySpan<byte> text, bool bracketed)
    {
        bool quoted = false;
        for (int i = bracketed ? 1 : 0; i < text.Length; i++)
        {
            byte b = text[i];
            if (b == '\\')
                i++;
            else if (b == '"')
                quoted = !quoted;
            else if (!quoted && (bracketed ? b == '>' : b is (byte)' ' or (byte)'\t'))
                return i;
        }
        return bracketed || quoted ? -1 : text.Length;
    }

    private static bool TryRead(ReadOnlySpan<byte> text, out MailAddress address)
    {
        address = MailAddress.Null;
        var plain = new List<byte>(text.Length);
        bool blank = false;
        for (int i = 0; i < text.Length; i++)
        {
            byte b = text[i];
            switch (b)
            {
                case (byte)' ' or (byte)'\t':
                    blank = plain.Count > 0;
                    continue;
                case (byte)'(':
                    if (!SkipComment(text, ref i))
                        return false;
                    blank = plain.Count > 0;
                    continue;
                case (byte)'"':
                    if (Joins(plain, blank, b) || !TakeQuoted(text, ref i, plain))
                        return false;
                    break;
                case (byte)'[':
                    int close = text[i..].IndexOf((byte)']');
                    if (close < 0 || Joins(plain, blank, b))
                        return false;
                    plain.AddRange(text.Slice(i, close + 1));
                    i += close;
                    break;
                case (byte)'\\' when i + 1 < text.Length && text[i + 1] >= ' ':
                    plain.Add(text[++i]);
                    break;
                case < 0x20 or 0x7f or (byte)'<' or (byte)'>' or (byte)',' or (byte)';' or (byte)':' or (byte)')' or (byte)']' or (byte)'\\':
                    return false;
                default:
                    if (Joins(plain, blank, b))
                        return false;
                    plain.Add(b);
                    break;
            }
            blank = false;
        }
        return TrySplit(plain, out address);
    }

    /// <summary>Two words with nothing but a blank between are no address; around <c>@</c> and dots a blank means nothing.</summary>
    private static bool Joins(List<byte> plain, bool blank, byte next) => blank && next is not ((byte)'@' or (byte)'.') && plain[^1] is not ((byte)'@' or (byte)'.');

    private static bool TakeQuoted(ReadOnlySpan<byte> text, ref int i, List<byte> plain)
    {
        for (i++; i < text.Length; i++)
        {
            byte b = text[i];
            if (b == '"')
                return true;
            if (b == '\\' && ++i < text.Length)
                b = text[i];
            if (b is < 0x20 or 0x7f)
                return false;
            plain.Add(b);
        }
        return false;
    }

    private static bool SkipComment(ReadOnlySpan<byte> text, ref int i)
    {
        int depth = 0;
        for (; i < text.Length; i++)
        {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '(')
                depth++;
            else if (text[i] == ')' && --depth == 0)
                return true;
        }
        return false;
    }

    private static bool TrySplit(List<byte> plain, out MailAddress address)
    {
        address = MailAddress.Null;
        byte[] octets = [.. plain];
        if (!System.Text.Unicode.Utf8.IsValid(octets))
            return false;
        string text = Encoding.UTF8.GetString(octets);
        int at = text.LastIndexOf('@');
        string local = at < 0 ? text : text[..at];
        string domain = at < 0 ? "" : text[(at + 1)..];
        if (at >= 0 && domain.Length == 0)
            return false;
        if (domain.EndsWith('.'))
            domain = domain[..^1];
        if (local.Length > MaximumLocalPart || domain.Length > MaximumDomain || (at >= 0 && !IsDomain(domain)))
            return false;
        address = new MailAddress(local, domain);
        return !address.IsNull;
    }

    /// <summary>An address literal, or labels without a hole. Whether a bare address is taken for one in brackets is routing's to say (<c>resolve_numeric_domain</c>).</summary>
    private static bool IsDomain(string domain)
    {
        if (domain.StartsWith('['))
            return PathParser.TryDomain(Encoding.UTF8.GetBytes(domain), PathSyntax.None, out _);
        foreach (Range range in domain.AsSpan().Split('.'))
        {
            ReadOnlySpan<char> label = domain.AsSpan()[range];
            if (label.Length is 0 or > 63 || label[0] == '-' || label[^1] == '-')
                return false;
            foreach (char c in label)
            {
                if (c < 0x80 && !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))
                    return false;
            }
        }
        return true;
    }
}
