using System.Buffers;
using System.Globalization;
using System.Text;
using Estafette.Mail;

namespace Estafette.Smtp;

/// <summary>The parameters of MAIL FROM; each is written only when set, so the caller sets what the server announced.</summary>
public readonly record struct MailArguments
{
    /// <summary>RFC 1870; null leaves it out.</summary>
    public long? Size { get; init; }
    public bool EightBitMime { get; init; }
    public bool SmtpUtf8 { get; init; }
    public DsnReturn Return { get; init; }

    /// <summary>In xtext, as received (RFC 3461 s4.4).</summary>
    public string? EnvelopeId { get; init; }
}

/// <summary>
/// Writes the commands of an SMTP or LMTP client. Whatever an envelope holds, one call writes exactly one line: a value with a control character
/// or, outside quotes, a space or an angle bracket is refused (false, nothing written), never sent (command injection).
/// </summary>
public static class CommandWriter
{
    public static bool TryMail(IBufferWriter<byte> to, MailAddress reversePath, in MailArguments parameters)
    {
        string path = reversePath.ToString();
        if (!IsPath(path) || (parameters.EnvelopeId is string id && !IsXtext(id)))
            return false;
        Write(to, "MAIL FROM:<");
        Write(to, path);
        Write(to, ">");
        if (parameters.Size is long size)
        {
            Write(to, " SIZE=");
            Write(to, size.ToString(CultureInfo.InvariantCulture));
        }
        if (parameters.EightBitMime)
            Write(to, " BODY=8BITMIME");
        if (parameters.SmtpUtf8)
            Write(to, " SMTPUTF8");
        if (parameters.Return != DsnReturn.Unspecified)
            Write(to, parameters.Return == DsnReturn.Full ? " RET=FULL" : " RET=HDRS");
        if (parameters.EnvelopeId is not null)
        {
            Write(to, " ENVID=");
            Write(to, parameters.EnvelopeId);
        }
        Write(to, "\r\n");
        return true;
    }

    /// <summary><paramref name="path"/> is in its external form; LMTP services also take a plain user name.</summary>
    public static bool TryRcpt(IBufferWriter<byte> to, string path, DsnNotify notify = DsnNotify.Unspecified, string? originalRecipient = null)
    {
        if (path.Length == 0 || !IsPath(path) || (originalRecipient is not null && !IsXtext(originalRecipient)))
            return false;
        Write(to, "RCPT TO:<");
        Write(to, path);
        Write(to, ">");
        if (notify != DsnNotify.Unspecified)
        {
            Write(to, " NOTIFY=");
            Write(to, NotifyText(notify));
        }
        if (originalRecipient is not null)
        {
            Write(to, " ORCPT=");
            Write(to, originalRecipient);
        }
        Write(to, "\r\n");
        return true;
    }

    /// <summary>EHLO, HELO or LHLO with the client's name.</summary>
    public static bool TryHello(IBufferWriter<byte> to, string verb, string name)
    {
        if (name.Length == 0 || name.AsSpan().IndexOfAnyInRange('\0', ' ') >= 0 || name.Contains('\x7f', StringComparison.Ordinal))
            return false;
        Line(to, verb + " " + name);
        return true;
    }

    public static void Chunk(IBufferWriter<byte> to, int octets, bool last) =>
        Line(to, string.Create(CultureInfo.InvariantCulture, $"BDAT {octets}{(last ? " LAST" : "")}"));

    /// <summary>A line that holds nothing from outside.</summary>
    public static void Line(IBufferWriter<byte> to, string text)
    {
        Write(to, text);
        Write(to, "\r\n");
    }

    private static void Write(IBufferWriter<byte> to, string text)
    {
        Span<byte> room = to.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length));
        to.Advance(Encoding.UTF8.GetBytes(text, room));
    }

    private static string NotifyText(DsnNotify notify)
    {
        if (notify.HasFlag(DsnNotify.Never))
            return "NEVER";
        var words = new List<string>(3);
        if (notify.HasFlag(DsnNotify.Success))
            words.Add("SUCCESS");
        if (notify.HasFlag(DsnNotify.Failure))
            words.Add("FAILURE");
        if (notify.HasFlag(DsnNotify.Delay))
            words.Add("DELAY");
        return string.Join(',', words);
    }

    /// <summary>Whether an address can stand in a command.</summary>
    public static bool IsPath(string path)
    {
        bool quoted = false;
        for (int i = 0; i < path.Length; i++)
        {
            char c = path[i];
            if (char.IsControl(c))
                return false;
            if (quoted && c == '\\')
            {
                // The escaped character cannot end the quotes, but it must be no control character either.
                if (++i == path.Length || char.IsControl(path[i]))
                    return false;
            }
            else if (c == '"')
            {
                quoted = !quoted;
            }
            else if (!quoted && (c is ' ' or '<' or '>'))
            {
                return false;
            }
        }
        return !quoted;
    }

    private static bool IsXtext(string text) => text.Length > 0 && text.AsSpan().IndexOfAnyExceptInRange('!', '~') < 0;
}
