using System.Buffers;
using System.Buffers.Text;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Estafette.Mail;

/// <summary>
/// The private dialect between the daemon and the privileged side of local delivery: LMTP (RFC 2033) with BDAT (RFC 3030), everything pipelined, one
/// recipient and one reply a transaction. The first line of a connection names the identity (<see cref="LocalIdentity"/>), the helper greets with 220,
/// then come <c>MAIL FROM:&lt;s&gt;</c>, <c>RCPT TO:&lt;user&gt; KEY=value...</c>, <c>BDAT n [LAST]</c>, <c>RSET</c>, <c>XFORWARD detail action</c> and <c>QUIT</c>. Values are xtext (RFC 3461 s4).
/// </summary>
public static class LocalProtocol
{
    /// <summary>Octets of a line with its CRLF.</summary>
    public const int MaximumLine = 8192;

    /// <summary>Transactions that may wait for one shared flush.</summary>
    public const int BatchLimit = 64;

    /// <summary>Octets of the text of a reply: a command's output is part of it.</summary>
    public const int MaximumReplyText = 2048;

    /// <summary>Recipients of one transaction; more than one only for pipe(8).</summary>
    public const int MaximumRecipients = 1000;

    public static void AppendXtext(IBufferWriter<byte> output, ReadOnlySpan<char> value)
    {
        // A character has at most three octets of UTF-8, each of which may become three.
        Span<byte> room = output.GetSpan(value.Length * 9 + 1);
        Span<byte> utf8 = room[(value.Length * 6)..];
        int length = Encoding.UTF8.GetBytes(value, utf8), written = 0;
        // The source stands behind the result, which never catches up with it.
        for (int i = 0; i < length; i++)
        {
            byte b = utf8[i];
            if (b is > 32 and < 127 and not (byte)'+' and not (byte)'=' and not (byte)'>')
            {
                room[written++] = b;
                continue;
            }
            room[written++] = (byte)'+';
            Utf8Formatter.TryFormat(b, room[written..], out int digits, new StandardFormat('X', 2));
            written += digits;
        }
        output.Advance(written);
    }

    public static string Xtext(string value)
    {
        var output = new ArrayBufferWriter<byte>();
        AppendXtext(output, value);
        return Encoding.ASCII.GetString(output.WrittenSpan);
    }

    public static bool TryDecodeXtext(ReadOnlySpan<byte> xtext, out string value)
    {
        value = "";
        byte[] octets = new byte[xtext.Length];
        int length = 0;
        for (int i = 0; i < xtext.Length; i++)
        {
            if (xtext[i] != (byte)'+')
            {
                octets[length++] = xtext[i];
                continue;
            }
            if (i + 2 >= xtext.Length || !byte.TryParse(xtext.Slice(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte octet))
                return false;
            octets[length++] = octet;
            i += 2;
        }
        value = Encoding.UTF8.GetString(octets, 0, length);
        return !value.Contains('\0', StringComparison.Ordinal);
    }
}

public enum LocalIdentityKind : byte
{
    /// <summary>A user of the system.</summary>
    User,

    /// <summary>The fixed user of an action.</summary>
    Action,

    /// <summary>A user of the user table of an action.</summary>
    Table,

    /// <summary>Whom a command or file of alias tables runs as: the digest that stands in the place of the user says which; without one, the user of all.</summary>
    Alias,

    /// <summary>Nobody: a helper that checks logins (<see cref="LoginQuestion"/>) with the PAM service that stands in the place of the action.</summary>
    Login,

    /// <summary>The uid and gid of a mailbox of virtual(8), <c>uid:gid</c> in the place of the user; the action's compiled rules say which are allowed.</summary>
    Virtual,
}

/// <summary>Who a connection's helper shall be, by names that only the privileged side resolves.</summary>
public sealed record LocalIdentity(LocalIdentityKind Kind, string Action = "", string User = "")
{
    private static readonly string[] Words = ["user", "action", "table", "alias", "login", "virtual"];

    public string ToLine() => string.Create(CultureInfo.InvariantCulture, $"XUSER {Words[(int)Kind]} ={LocalProtocol.Xtext(Action)} ={LocalProtocol.Xtext(User)}\r\n");

    /// <summary>Reads a line without its line end; null when it is none.</summary>
    public static LocalIdentity? Parse(ReadOnlySpan<byte> line)
    {
        Span<Range> parts = stackalloc Range[5];
        int count = Ascii.IsValid(line) ? Encoding.ASCII.GetString(line).AsSpan().Split(parts, ' ') : 0;
        if (count != 4 || !line[parts[0]].SequenceEqual("XUSER"u8))
            return null;
        int kind = Array.IndexOf(Words, Encoding.ASCII.GetString(line[parts[1]]));
        ReadOnlySpan<byte> action = line[parts[2]], user = line[parts[3]];
        if (kind < 0 || action.IsEmpty || user.IsEmpty || action[0] != (byte)'=' || user[0] != (byte)'='
            || !LocalProtocol.TryDecodeXtext(action[1..], out string actionName) || !LocalProtocol.TryDecodeXtext(user[1..], out string userName))
            return null;
        return new LocalIdentity((LocalIdentityKind)kind, actionName, userName);
    }
}

/// <summary>The envelope of one transaction, for one recipient.</summary>
public sealed record LocalEnvelope
{
    /// <summary>The user whose mailbox it is; empty for targets of alias tables.</summary>
    public required string User { get; init; }
    public required string Action { get; init; }

    /// <summary>The address after expansion.</summary>
    public required MailAddress Destination { get; init; }

    /// <summary>What the client said in RCPT TO.</summary>
    public required MailAddress Original { get; init; }
    public string Detail { get; init; } = "";

    /// <summary><see cref="LocalActions.DigestOf"/> of a command or file; empty for the action's own method.</summary>
    public string Target { get; init; } = "";

    /// <summary>Where the target was written.</summary>
    public TargetSource Source { get; init; }

    /// <summary>For virtual(8): the mailbox, below the folder of the action.</summary>
    public string Path { get; init; } = "";

    /// <summary>What a command's arguments or environment may name: <c>client_address</c>, <c>queue_id</c> and others.</summary>
    public IReadOnlyDictionary<string, string> Values { get; init; } = ImmutableDictionary<string, string>.Empty;

    public void AppendTo(IBufferWriter<byte> output) => AppendTo(output, "RCPT TO:"u8);

    /// <param name="verb">What stands before the envelope.</param>
    /// <param name="output">Where it goes.</param>
    public void AppendTo(IBufferWriter<byte> output, ReadOnlySpan<byte> verb)
    {
        output.Write(verb);
        output.Write("<"u8);
        LocalProtocol.AppendXtext(output, User);
        output.Write(">"u8);
        Append(output, " ACTION="u8, Action);
        Append(output, " DLOCAL="u8, Destination.LocalPart);
        Append(output, " DDOMAIN="u8, Destination.Domain);
        Append(output, " OLOCAL="u8, Original.LocalPart);
        Append(output, " ODOMAIN="u8, Original.Domain);
        if (Detail.Length > 0)
            Append(output, " DETAIL="u8, Detail);
        if (Target.Length > 0)
            Append(output, Source switch { TargetSource.AliasTable => " ALIAS="u8, TargetSource.CommandTable => " MAILBOX="u8, _ => " FORWARD="u8 }, Target);
        if (Path.Length > 0)
            Append(output, " PATH="u8, Path);
        foreach ((string name, string value) in Values)
        {
            output.Write(" V-"u8);
            output.Write(Encoding.ASCII.GetBytes(name));
            Append(output, "="u8, value);
        }
        output.Write("\r\n"u8);
    }

    /// <summary>Reads what follows <c>RCPT TO:</c>, without the line end; null when it is malformed.</summary>
    public static LocalEnvelope? Parse(ReadOnlySpan<byte> argument)
    {
        int end = argument.IndexOf((byte)'>');
        if (end < 1 || argument[0] != (byte)'<' || !LocalProtocol.TryDecodeXtext(argument[1..end], out string user))
            return null;
        string action = "", destinationLocal = "", destinationDomain = "", originalLocal = "", originalDomain = "", detail = "", target = "", path = "";
        Dictionary<string, string>? values = null;
        var source = TargetSource.AliasTable;
        ReadOnlySpan<byte> rest = argument[(end + 1)..];
        while (!rest.IsEmpty)
        {
            if (rest[0] != (byte)' ')
                return null;
            rest = rest[1..];
            int stop = rest.IndexOf((byte)' ') is var space and >= 0 ? space : rest.Length;
            ReadOnlySpan<byte> word = rest[..stop];
            int equals = word.IndexOf((byte)'=');
            if (equals < 0 || !LocalProtocol.TryDecodeXtext(word[(equals + 1)..], out string value))
                return null;
            switch (Encoding.ASCII.GetString(word[..equals]))
            {
                case "ACTION": action = value; break;
                case "DLOCAL": destinationLocal = value; break;
                case "DDOMAIN": destinationDomain = value; break;
                case "OLOCAL": originalLocal = value; break;
                case "ODOMAIN": originalDomain = value; break;
                case "DETAIL": detail = value; break;
                case "ALIAS": target = value; break;
                case "FORWARD": (target, source) = (value, TargetSource.ForwardFile); break;
                case "MAILBOX": (target, source) = (value, TargetSource.CommandTable); break;
                case "PATH": path = value; break;
                case ['V', '-', .. var name]: (values ??= new(StringComparer.Ordinal))[name] = value; break;
                default: return null;
            }
            rest = rest[stop..];
        }
        return new LocalEnvelope
        {
            User = user,
            Action = action,
            Destination = new MailAddress(destinationLocal, destinationDomain),
            Original = new MailAddress(originalLocal, originalDomain),
            Detail = detail,
            Target = target,
            Source = source,
            Path = path,
            Values = values ?? (IReadOnlyDictionary<string, string>)ImmutableDictionary<string, string>.Empty,
        };
    }

    private static void Append(IBufferWriter<byte> output, ReadOnlySpan<byte> key, string value)
    {
        output.Write(key);
        LocalProtocol.AppendXtext(output, value);
    }
}

/// <summary>The answer to one transaction: a reply code of class 2, 4 or 5, an enhanced code, one line of clean text.</summary>
public sealed record LocalReply(int Code, EnhancedStatus Status, string Text)
{
    public static LocalReply Delivered { get; } = new(250, new(2, 0, 0), "Delivered");

    public static LocalReply Defer(ushort subject, ushort detail, string text) => new(450, new(4, subject, detail), text);

    public static LocalReply Fail(ushort subject, ushort detail, string text) => new(550, new(5, subject, detail), text);

    public string ToLine() => string.Create(CultureInfo.InvariantCulture, $"{Code} {Status} {Clean(Text)}\r\n");

    /// <summary>Reads a line without its line end; null when it is no reply.</summary>
    public static LocalReply? Parse(ReadOnlySpan<byte> line)
    {
        string text = Encoding.UTF8.GetString(line);
        if (text.Length < 4 || text[3] != ' ' || !int.TryParse(text.AsSpan(0, 3), NumberStyles.None, CultureInfo.InvariantCulture, out int code) || code is < 200 or > 599)
            return null;
        int space = text.IndexOf(' ', 4);
        return space > 0 && EnhancedStatus.TryParse(text.AsSpan(4, space - 4), out EnhancedStatus status)
            ? new LocalReply(code, status, text[(space + 1)..])
            : new LocalReply(code, new((byte)(code / 100), 0, 0), text[4..]);
    }

    /// <summary>One line: control characters become spaces (E12), the length is bounded.</summary>
    private static string Clean(string text)
    {
        ReadOnlySpan<char> part = text.AsSpan(0, Math.Min(text.Length, LocalProtocol.MaximumReplyText));
        return string.Concat(part.ToString().Select(c => char.IsControl(c) ? ' ' : c)).TrimEnd();
    }
}
