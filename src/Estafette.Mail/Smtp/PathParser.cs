using System.Net;
using System.Net.Sockets;
using System.Text;
using Estafette.Mail;

namespace Estafette.Smtp;

/// <summary>Which written forms of a path are taken; a dialect's habit (E27, V1). None of them changes what an address means.</summary>
[Flags]
public enum PathSyntax : byte
{
    None = 0,

    /// <summary><c>MAIL FROM:a@b</c>, without angle brackets.</summary>
    BareAddress = 1,

    /// <summary><c>"a b"@c</c> (RFC 5321 s4.1.2).</summary>
    QuotedLocalPart = 2,

    /// <summary><c>a@b.</c>; the dot is dropped.</summary>
    TrailingDot = 4,

    /// <summary><c>a@</c>, the same as <c>a</c>.</summary>
    EmptyDomain = 8,

    /// <summary><c>a..b@c</c> and dots at either end of the local part.</summary>
    LooseDots = 16,

    /// <summary>Characters beyond ASCII (RFC 6531 s3.3); on while SMTPUTF8 is asked for.</summary>
    Utf8 = 32,

    /// <summary>All that RFC 5321 has.</summary>
    Rfc5321 = QuotedLocalPart,
}

/// <summary>
/// Reads the path of MAIL and RCPT (RFC 5321 s4.1.2). Source routes are read and dropped (s4.1.1.3). Pure; on a syntax error the answer is false and
/// nothing else is said. Work is linear in the text, which the command line's limit bounds.
/// </summary>
public static class PathParser
{
    /// <summary>RFC 5321 s4.5.3.1.1 asks for 64; senders of mailing lists need more (VERP).</summary>
    public const int MaximumLocalPart = 256;

    /// <summary>RFC 5321 s4.5.3.1.2.</summary>
    public const int MaximumDomain = 255;

    private const int MaximumLabel = 63;

    /// <param name="rest">What follows the path: the parameters, blanks in front removed.</param>
    public static bool TryParse(ReadOnlySpan<byte> text, PathSyntax syntax, out MailAddress address, out ReadOnlySpan<byte> rest)
    {
        address = MailAddress.Null;
        rest = default;
        if (text.IsEmpty)
            return false;
        bool bracketed = text[0] == '<';
        if (!bracketed && (syntax & PathSyntax.BareAddress) == 0)
            return false;
        int start = bracketed ? 1 : 0;
        int end = EndOfPath(text, start, bracketed);
        if (end < 0)
            return false;
        ReadOnlySpan<byte> after = bracketed ? text[(end + 1)..] : text[end..];
        if (!after.IsEmpty && after[0] is not ((byte)' ' or (byte)'\t'))
            return false;
        rest = after.TrimStart((byte)' ').TrimStart((byte)'\t');
        ReadOnlySpan<byte> path = text[start..end];
        if (path.IsEmpty)
            return bracketed;
        return DropSourceRoute(ref path) && TryMailbox(path, syntax, out address);
    }

    /// <summary>A mailbox or an unqualified local part, without brackets.</summary>
    public static bool TryMailbox(ReadOnlySpan<byte> text, PathSyntax syntax, out MailAddress address)
    {
        address = MailAddress.Null;
        if (!TryLocalPart(text, syntax, out string? local, out int used) || local.Length == 0)
            return false;
        if (used == text.Length)
        {
            address = new MailAddress(local, "");
            return true;
        }
        if (text[used] != '@')
            return false;
        ReadOnlySpan<byte> domain = text[(used + 1)..];
        if (domain.IsEmpty && (syntax & PathSyntax.EmptyDomain) != 0)
        {
            address = new MailAddress(local, "");
            return true;
        }
        if (!TryDomain(domain, syntax, out string? name))
            return false;
        address = new MailAddress(local, name);
        return true;
    }

    /// <summary>A domain name or an address literal (RFC 5321 s4.1.2, s4.1.3). The underscore is taken: it is out there.</summary>
    public static bool TryDomain(ReadOnlySpan<byte> text, PathSyntax syntax, out string name)
    {
        name = "";
        if (text.IsEmpty || text.Length > MaximumDomain + 1)
            return false;
        if (text[0] == '[')
            return TryLiteral(text, out name);
        if (text[^1] == '.')
        {
            if ((syntax & PathSyntax.TrailingDot) == 0)
                return false;
            text = text[..^1];
        }
        if (text.Length is 0 or > MaximumDomain || !AreLabels(text, (syntax & PathSyntax.Utf8) != 0))
            return false;
        return TryText(text, out name);
    }

    private static int EndOfPath(ReadOnlySpan<byte> text, int start, bool bracketed)
    {
        bool quoted = false;
        for (int i = start; i < text.Length; i++)
        {
            byte b = text[i];
            if (quoted && b == '\\')
                i++;
            else if (b == '"')
                quoted = !quoted;
            else if (!quoted && bracketed && b == '>')
                return i;
            else if (!quoted && !bracketed && b is (byte)' ' or (byte)'\t')
                return i;
        }
        return bracketed || quoted ? -1 : text.Length;
    }

    /// <summary>Drops <c>@a,@b:</c>; false where it is broken.</summary>
    private static bool DropSourceRoute(ref ReadOnlySpan<byte> path)
    {
        if (path[0] != '@')
            return true;
        int colon = path.IndexOf((byte)':');
        if (colon < 0)
            return false;
        foreach (Range hop in path[..colon].Split((byte)','))
        {
            ReadOnlySpan<byte> name = path[..colon][hop];
            if (name.Length < 2 || name[0] != '@' || !TryDomain(name[1..], PathSyntax.None, out _))
                return false;
        }
        path = path[(colon + 1)..];
        return !path.IsEmpty;
    }

    private static bool TryLocalPart(ReadOnlySpan<byte> text, PathSyntax syntax, out string local, out int used)
    {
        local = "";
        used = 0;
        if (!text.IsEmpty && text[0] == '"')
            return (syntax & PathSyntax.QuotedLocalPart) != 0 && TryQuoted(text, syntax, out local, out used);
        int end = text.IndexOf((byte)'@');
        used = end < 0 ? text.Length : end;
        ReadOnlySpan<byte> part = text[..used];
        if (part.Length is 0 or > MaximumLocalPart)
            return false;
        bool utf8 = (syntax & PathSyntax.Utf8) != 0;
        bool loose = (syntax & PathSyntax.LooseDots) != 0;
        for (int i = 0; i < part.Length; i++)
        {
            byte b = part[i];
            if (b == '.')
            {
                if (!loose && (i == 0 || i == part.Length - 1 || part[i - 1] == '.'))
                    return false;
            }
            else if (b >= 0x80 ? !utf8 : !AddressSyntax.IsAtomText((char)b))
            {
                return false;
            }
        }
        return TryText(part, out local);
    }

    /// <summary>RFC 5321 s4.1.2 Quoted-string: the quoting goes, the meaning stays.</summary>
    private static bool TryQuoted(ReadOnlySpan<byte> text, PathSyntax syntax, out string local, out int used)
    {
        local = "";
        used = 0;
        bool utf8 = (syntax & PathSyntax.Utf8) != 0;
        Span<byte> plain = stackalloc byte[MaximumLocalPart];
        int n = 0;
        for (int i = 1; i < text.Length && n < plain.Length; i++)
        {
            byte b = text[i];
            if (b == '"')
            {
                used = i + 1;
                return TryText(plain[..n], out local);
            }
            if (b == '\\' && ++i < text.Length)
                b = text[i];
            if (b is < 0x20 or 0x7f || (b >= 0x80 && !utf8))
                return false;
            plain[n++] = b;
        }
        return false;
    }

    private static bool AreLabels(ReadOnlySpan<byte> text, bool utf8)
    {
        int label = 0;
        for (int i = 0; i <= text.Length; i++)
        {
            if (i == text.Length || text[i] == '.')
            {
                if (label is 0 or > MaximumLabel || text[i - 1] == '-')
                    return false;
                label = 0;
                continue;
            }
            byte b = text[i];
            bool fine = b >= 0x80 ? utf8 : char.IsAsciiLetterOrDigit((char)b) || b == '_' || (b == '-' && label > 0);
            if (!fine)
                return false;
            label++;
        }
        return true;
    }

    private static bool TryLiteral(ReadOnlySpan<byte> text, out string name)
    {
        name = "";
        if (text.Length < 3 || text[^1] != ']')
            return false;
        ReadOnlySpan<byte> inner = text[1..^1];
        if (inner.Length > 5 && Ascii.EqualsIgnoreCase(inner[..5], "IPv6:"u8))
            inner = inner[5..];
        if (!Ascii.IsValid(inner) || inner.Contains((byte)'%'))
            return false;
        Span<char> chars = stackalloc char[inner.Length];
        Encoding.ASCII.GetChars(inner, chars);
        if (!IPAddress.TryParse(chars, out IPAddress? address))
            return false;
        // The parser of addresses also reads "1" and "0x7f.1": a literal has four decimal parts.
        if (address.AddressFamily == AddressFamily.InterNetwork && !chars.SequenceEqual(address.ToString()))
            return false;
        name = Encoding.ASCII.GetString(text);
        return true;
    }

    private static bool TryText(ReadOnlySpan<byte> octets, out string text)
    {
        text = "";
        if (!System.Text.Unicode.Utf8.IsValid(octets))
            return false;
        text = Encoding.UTF8.GetString(octets);
        return true;
    }
}
