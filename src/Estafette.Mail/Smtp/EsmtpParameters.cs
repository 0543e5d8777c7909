using System.Buffers.Text;
using System.Text;
using Estafette.Mail;

namespace Estafette.Smtp;

/// <summary>Which groups of parameters a session takes; a parameter of a group that is off is an unknown one.</summary>
[Flags]
public enum ParameterGroups : byte
{
    None = 0,
    Dsn = 1,
    SmtpUtf8 = 2,
    Esmtp = 4,

    /// <summary>What our own sendmail(1) says beside the standard; at the local socket only.</summary>
    Submission = 8,
}

public enum ParameterProblem : byte
{
    None,

    /// <summary>Not known, or not offered in this session.</summary>
    Unsupported,

    /// <summary>Known, but its value is broken, or it came twice.</summary>
    BadValue,

    /// <summary>NOTIFY=NEVER together with others (RFC 3461 s4.1).</summary>
    Contradiction,
}

/// <summary>What parsing parameters came to: <paramref name="Word"/> is the parameter that was wrong.</summary>
public readonly record struct ParameterResult(ParameterProblem Problem, string Word)
{
    public static ParameterResult Ok { get; }

    public bool IsOk => Problem == ParameterProblem.None;
}

/// <summary>The parameters of MAIL FROM: SIZE, BODY, SMTPUTF8, RET, ENVID, AUTH (RFC 1870, 6152, 6531, 3461, 4954).</summary>
public sealed record MailParameters
{
    /// <summary>RFC 3461 s4.4: an envelope identifier has at most 100 characters.</summary>
    private const int MaximumEnvelopeId = 100;

    private const int MaximumAuth = 500;

    /// <summary>SIZE=; null when not told. A number too large to count is <see cref="long.MaxValue"/>.</summary>
    public long? Size { get; init; }
    public BodyType Body { get; init; }
    public bool SmtpUtf8 { get; init; }
    public DsnReturn Return { get; init; }

    /// <summary>ENVID= in xtext, as received.</summary>
    public string? EnvelopeId { get; init; }

    /// <summary>XSENDMAIL=: what only our own sendmail(1) says; null where somebody else speaks.</summary>
    public SendmailWords? Sendmail { get; init; }

    public static MailParameters None { get; } = new();

    public static ParameterResult TryParse(ReadOnlySpan<byte> text, ParameterGroups groups, out MailParameters parameters)
    {
        parameters = None;
        var read = new MailParameters();
        var words = new EsmtpWords(text);
        while (words.MoveNext())
        {
            int bit = EsmtpWords.Index(words.Name, "SIZE"u8, "BODY"u8, "SMTPUTF8"u8, "RET"u8, "ENVID"u8, "AUTH"u8, "XSENDMAIL"u8);
            ParameterGroups group = bit switch
            {
                1 or 2 or 32 => ParameterGroups.Esmtp,
                4 => ParameterGroups.SmtpUtf8,
                8 or 16 => ParameterGroups.Dsn,
                64 => ParameterGroups.Submission,
                _ => 0,
            };
            if (group == 0 || (groups & group) == 0)
                return words.Wrong(ParameterProblem.Unsupported);
            if (words.IsRepeated(bit) || !Apply(bit, words.Value, ref read))
                return words.Wrong(bit == 2 ? ParameterProblem.Unsupported : ParameterProblem.BadValue);
        }
        parameters = read;
        return ParameterResult.Ok;
    }

    private static bool Apply(int bit, ReadOnlySpan<byte> value, ref MailParameters read)
    {
        switch (bit)
        {
            case 1:
                if (value.Length is 0 or > 20 || value.IndexOfAnyExceptInRange((byte)'0', (byte)'9') >= 0)
                    return false;
                read = read with { Size = Utf8Parser.TryParse(value, out long size, out int used) && used == value.Length ? size : long.MaxValue };
                return true;
            case 2:
                if (!Ascii.EqualsIgnoreCase(value, "7BIT"u8) && !Ascii.EqualsIgnoreCase(value, "8BITMIME"u8))
                    return false;
                read = read with { Body = value[0] == '7' ? BodyType.SevenBit : BodyType.EightBitMime };
                return true;
            case 4:
                read = read with { SmtpUtf8 = true };
                return value.IsEmpty;
            case 8:
                if (!Ascii.EqualsIgnoreCase(value, "FULL"u8) && !Ascii.EqualsIgnoreCase(value, "HDRS"u8))
                    return false;
                read = read with { Return = (value[0] | 0x20) == 'f' ? DsnReturn.Full : DsnReturn.Headers };
                return true;
            case 16:
                if (value.Length is 0 or > MaximumEnvelopeId || !XTextSyntax.IsValid(value))
                    return false;
                read = read with { EnvelopeId = EsmtpWords.Text(value) };
                return true;
            case 64:
                read = read with { Sendmail = SendmailWords.Parse(EsmtpWords.Text(value)) };
                return read.Sendmail is not null;
            default:
                // RFC 4954 s5: the identity is read and not passed on, as MAIL FROM:<> AUTH=<> would.
                return value.Length is > 0 and <= MaximumAuth && (value.SequenceEqual("<>"u8) || XTextSyntax.IsValid(value));
        }
    }
}

/// <summary>The parameters of RCPT TO: NOTIFY and ORCPT (RFC 3461 s4.1, s4.2).</summary>
public sealed record RcptParameters
{
    /// <summary>RFC 3461 s4.2: an original recipient has at most 500 characters (E35).</summary>
    private const int MaximumOriginal = 500;

    public DsnNotify Notify { get; init; }

    /// <summary>ORCPT=, type and xtext as received.</summary>
    public string? OriginalRecipient { get; init; }

    public static RcptParameters None { get; } = new();

    public static ParameterResult TryParse(ReadOnlySpan<byte> text, ParameterGroups groups, out RcptParameters parameters)
    {
        parameters = None;
        var read = new RcptParameters();
        var words = new EsmtpWords(text);
        while (words.MoveNext())
        {
            int bit = EsmtpWords.Index(words.Name, "NOTIFY"u8, "ORCPT"u8);
            if (bit == 0 || (groups & ParameterGroups.Dsn) == 0)
                return words.Wrong(ParameterProblem.Unsupported);
            if (words.IsRepeated(bit))
                return words.Wrong(ParameterProblem.BadValue);
            if (bit == 1)
            {
                if (!TryNotify(words.Value, out DsnNotify notify))
                    return words.Wrong(ParameterProblem.BadValue);
                if ((notify & DsnNotify.Never) != 0 && notify != DsnNotify.Never)
                    return words.Wrong(ParameterProblem.Contradiction);
                read = read with { Notify = notify };
            }
            else
            {
                if (!IsTypedAddress(words.Value))
                    return words.Wrong(ParameterProblem.BadValue);
                read = read with { OriginalRecipient = EsmtpWords.Text(words.Value) };
            }
        }
        parameters = read;
        return ParameterResult.Ok;
    }

    private static bool TryNotify(ReadOnlySpan<byte> value, out DsnNotify notify)
    {
        notify = DsnNotify.Unspecified;
        foreach (Range range in value.Split((byte)','))
        {
            ReadOnlySpan<byte> word = value[range];
            int bit = EsmtpWords.Index(word, "NEVER"u8, "SUCCESS"u8, "FAILURE"u8, "DELAY"u8);
            if (bit == 0)
                return false;
            notify |= (DsnNotify)bit;
        }
        return true;
    }

    /// <summary>RFC 3461 s4.2, RFC 6533 s3: <c>rfc822;xtext</c> or <c>utf-8;text</c>.</summary>
    private static bool IsTypedAddress(ReadOnlySpan<byte> value)
    {
        int semicolon = value.IndexOf((byte)';');
        if (value.Length > MaximumOriginal || semicolon <= 0 || semicolon == value.Length - 1)
            return false;
        foreach (byte b in value[..semicolon])
        {
            if (!char.IsAsciiLetterOrDigit((char)b) && b != '-')
                return false;
        }
        return Ascii.EqualsIgnoreCase(value[..semicolon], "utf-8"u8)
            ? System.Text.Unicode.Utf8.IsValid(value)
            : XTextSyntax.IsValid(value[(semicolon + 1)..]);
    }
}

/// <summary>The <c>NAME=value</c> words of MAIL or RCPT, one after the other (RFC 5321 s4.1.2 esmtp-param); none may come twice.</summary>
internal ref struct EsmtpWords(ReadOnlySpan<byte> text)
{
    private ReadOnlySpan<byte> _rest = text;
    private ReadOnlySpan<byte> _word;
    private int _seen;

    public ReadOnlySpan<byte> Name { get; private set; }
    public ReadOnlySpan<byte> Value { get; private set; }

    public bool MoveNext()
    {
        _rest = _rest.TrimStart(" \t"u8);
        if (_rest.IsEmpty)
            return false;
        int end = _rest.IndexOfAny((byte)' ', (byte)'\t');
        _word = end < 0 ? _rest : _rest[..end];
        _rest = _rest[_word.Length..];
        int equals = _word.IndexOf((byte)'=');
        Name = equals < 0 ? _word : _word[..equals];
        Value = equals < 0 ? default : _word[(equals + 1)..];
        return true;
    }

    /// <summary>Notes that the parameter of this bit came; true when it had come before.</summary>
    public bool IsRepeated(int bit)
    {
        bool repeated = (_seen & bit) != 0;
        _seen |= bit;
        return repeated;
    }

    public readonly ParameterResult Wrong(ParameterProblem problem) => new(problem, Text(_word));

    /// <summary>The bit of the name among the given ones: 1, 2, 4, ...; 0 when it is none of them.</summary>
    public static int Index(ReadOnlySpan<byte> name, ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, ReadOnlySpan<byte> c = default,
        ReadOnlySpan<byte> d = default, ReadOnlySpan<byte> e = default, ReadOnlySpan<byte> f = default, ReadOnlySpan<byte> g = default)
    {
        if (name.IsEmpty)
            return 0;
        if (Ascii.EqualsIgnoreCase(name, a)) return 1;
        if (Ascii.EqualsIgnoreCase(name, b)) return 2;
        if (Ascii.EqualsIgnoreCase(name, c)) return 4;
        if (Ascii.EqualsIgnoreCase(name, d)) return 8;
        if (Ascii.EqualsIgnoreCase(name, e)) return 16;
        if (Ascii.EqualsIgnoreCase(name, f)) return 32;
        return Ascii.EqualsIgnoreCase(name, g) ? 64 : 0;
    }

    public static string Text(ReadOnlySpan<byte> octets) => Encoding.UTF8.GetString(octets);
}

/// <summary>RFC 3461 s4: printable ASCII but <c>+</c> and <c>=</c>, and <c>+XX</c> for the rest.</summary>
internal static class XTextSyntax
{
    public static bool IsValid(ReadOnlySpan<byte> text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            byte b = text[i];
            if (b is < 0x21 or > 0x7e or (byte)'=')
                return false;
            if (b != '+')
                continue;
            if (i + 2 >= text.Length || !IsUpperHex(text[i + 1]) || !IsUpperHex(text[i + 2]))
                return false;
            i += 2;
        }
        return true;
    }

    private static bool IsUpperHex(byte b) => b is (>= (byte)'0' and <= (byte)'9') or (>= (byte)'A' and <= (byte)'F');
}
