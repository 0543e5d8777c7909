using System.Text;

namespace Estafette.Smtp;

public enum SmtpVerb : byte
{
    Unknown, Helo, Ehlo, Mail, Rcpt, Data, Bdat, Rset, Noop, Vrfy, Expn, Help, Quit, StartTls, Auth, Etrn,

    /// <summary>The first line of another protocol (an HTTP request): somebody's browser is being used against us.</summary>
    Foreign,
}

/// <summary>
/// One command line, taken apart. <paramref name="Argument"/> has no blanks around it; for MAIL and RCPT it is what follows <c>FROM:</c>
/// and <c>TO:</c>, and <paramref name="HasKeyword"/> tells whether that word was there. The memory belongs to the reader of lines.
/// </summary>
public readonly record struct SmtpCommand(SmtpVerb Verb, ReadOnlyMemory<byte> Argument, bool HasKeyword = false)
{
    public bool HasArgument => !Argument.IsEmpty;
}

/// <summary>Takes a command line apart (RFC 5321 s4.1.1). Pure; never fails: what it does not know is <see cref="SmtpVerb.Unknown"/>.</summary>
public static class CommandParser
{
    private const int LongestVerb = 8;

    /// <param name="line">The line without its end.</param>
    public static SmtpCommand Parse(ReadOnlyMemory<byte> line)
    {
        ReadOnlySpan<byte> span = line.Span;
        int end = span.IndexOfAny((byte)' ', (byte)'\t');
        int length = end < 0 ? span.Length : end;
        SmtpVerb verb = VerbOf(span[..length]);
        ReadOnlyMemory<byte> rest = Trim(line[length..]);
        return verb switch
        {
            SmtpVerb.Mail => WithKeyword(verb, rest, "FROM:"u8),
            SmtpVerb.Rcpt => WithKeyword(verb, rest, "TO:"u8),
            _ => new SmtpCommand(verb, rest),
        };
    }

    /// <summary>True where a command line holds octets that no command may hold: NUL and the other controls but the tab (E19).</summary>
    public static bool HasControls(ReadOnlySpan<byte> line)
    {
        foreach (byte b in line)
        {
            if (b is < 0x20 and not (byte)'\t' or 0x7f)
                return true;
        }
        return false;
    }

    private static SmtpCommand WithKeyword(SmtpVerb verb, ReadOnlyMemory<byte> rest, ReadOnlySpan<byte> keyword) =>
        rest.Length >= keyword.Length && Ascii.EqualsIgnoreCase(rest.Span[..keyword.Length], keyword)
            ? new SmtpCommand(verb, Trim(rest[keyword.Length..]), true)
            : new SmtpCommand(verb, rest);

    private static SmtpVerb VerbOf(ReadOnlySpan<byte> word)
    {
        if (word.Length is < 3 or > LongestVerb)
            return SmtpVerb.Unknown;
        Span<byte> upper = stackalloc byte[LongestVerb];
        Ascii.ToUpper(word, upper, out int n);
        ReadOnlySpan<byte> name = upper[..n];
        if (name.Length != 4)
            return LongOrShort(name);
        if (name.SequenceEqual("HELO"u8)) return SmtpVerb.Helo;
        if (name.SequenceEqual("EHLO"u8)) return SmtpVerb.Ehlo;
        if (name.SequenceEqual("MAIL"u8)) return SmtpVerb.Mail;
        if (name.SequenceEqual("RCPT"u8)) return SmtpVerb.Rcpt;
        if (name.SequenceEqual("DATA"u8)) return SmtpVerb.Data;
        if (name.SequenceEqual("BDAT"u8)) return SmtpVerb.Bdat;
        if (name.SequenceEqual("RSET"u8)) return SmtpVerb.Rset;
        if (name.SequenceEqual("NOOP"u8)) return SmtpVerb.Noop;
        if (name.SequenceEqual("QUIT"u8)) return SmtpVerb.Quit;
        if (name.SequenceEqual("AUTH"u8)) return SmtpVerb.Auth;
        if (name.SequenceEqual("VRFY"u8)) return SmtpVerb.Vrfy;
        if (name.SequenceEqual("EXPN"u8)) return SmtpVerb.Expn;
        if (name.SequenceEqual("HELP"u8)) return SmtpVerb.Help;
        if (name.SequenceEqual("ETRN"u8)) return SmtpVerb.Etrn;
        return name.SequenceEqual("POST"u8) || name.SequenceEqual("HEAD"u8) ? SmtpVerb.Foreign : SmtpVerb.Unknown;
    }

    private static SmtpVerb LongOrShort(ReadOnlySpan<byte> name)
    {
        if (name.SequenceEqual("STARTTLS"u8))
            return SmtpVerb.StartTls;
        return name.SequenceEqual("GET"u8) || name.SequenceEqual("PUT"u8) || name.SequenceEqual("OPTIONS"u8) || name.SequenceEqual("CONNECT"u8)
            ? SmtpVerb.Foreign
            : SmtpVerb.Unknown;
    }

    private static ReadOnlyMemory<byte> Trim(ReadOnlyMemory<byte> text)
    {
        ReadOnlySpan<byte> span = text.Span;
        int start = span.IndexOfAnyExcept((byte)' ', (byte)'\t');
        if (start < 0)
            return default;
        int last = span.LastIndexOfAnyExcept((byte)' ', (byte)'\t');
        return text[start..(last + 1)];
    }
}
