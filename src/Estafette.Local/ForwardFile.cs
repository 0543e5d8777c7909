using System.Text;
using Estafette.Mail;

namespace Estafette.Local;

internal enum ForwardState { None, Text, Unsafe, Unavailable }

/// <summary>
/// Reads the forward file of the user whom this process is. It must be a regular file with one name, of the user or of root, that nobody else may write,
/// of bounded size; a file that is there but cannot be read is never the same as none (E18).
/// </summary>
internal static unsafe class ForwardFile
{
    public const int MaximumSize = 64 * 1024;

    public static (ForwardState State, byte[] Text, string Reason) Read(LocalUser user, string detail, MailboxStyle style)
    {
        // OpenSMTPD knows one file only; Postfix looks for the sub-address's own first.
        if (style is MailboxStyle.Postfix && detail.Length > 0 && !detail.Contains('/', StringComparison.Ordinal) && !detail.Contains('\0', StringComparison.Ordinal))
        {
            var special = ReadOne(user, ".forward+" + detail);
            if (special.State is not ForwardState.None)
                return special;
        }
        return ReadOne(user, ".forward");
    }

    private static (ForwardState State, byte[] Text, string Reason) ReadOne(LocalUser user, string name)
    {
        if (!user.Home.StartsWith('/'))
            return (ForwardState.None, [], "");
        if (!Native.TryStat(user.Home, follow: true, out Native.Statx home) || (home.Mode & Native.S_IFMT) != Native.S_IFDIR)
            return HomeTrouble(user);
        // Anybody could put a forward file into a home that everybody may write.
        if ((home.Mode & 0x2) != 0)
            return (ForwardState.None, [], "");
        int fd = Native.openat(Native.AT_FDCWD, user.Home + "/" + name, Native.O_RDONLY | Native.O_NONBLOCK | Native.O_CLOEXEC, 0);
        if (fd < 0)
        {
            int errno = Native.Errno;
            return errno == Native.ENOENT ? (ForwardState.None, [], "") : (ForwardState.Unavailable, [], $"cannot open {name} of {user.Name}: {Native.ErrorText(errno)}");
        }
        try
        {
            if (!Native.TryStat(fd, out Native.Statx stat))
                return (ForwardState.Unavailable, [], $"cannot examine {name} of {user.Name}: {Native.ErrorText(Native.Errno)}");
            if (Fault(stat, user) is { } fault)
                return (ForwardState.Unsafe, [], $"{name} of {user.Name} {fault}");
            byte[] text = new byte[MaximumSize];
            int length = 0;
            fixed (byte* start = text)
            {
                nint count;
                while (length < text.Length && (count = Native.read(fd, start + length, (nuint)(text.Length - length))) != 0)
                {
                    if (count < 0)
                        return (ForwardState.Unavailable, [], $"cannot read {name} of {user.Name}: {Native.ErrorText(Native.Errno)}");
                    length += (int)count;
                }
            }
            return (ForwardState.Text, text[..length], "");
        }
        finally
        {
            Native.close(fd);
        }
    }

    /// <summary>System accounts without a home (<c>/nonexistent</c>) have no wishes; a person's home that is gone is a missing mount.</summary>
    private static (ForwardState State, byte[] Text, string Reason) HomeTrouble(LocalUser user)
    {
        const int FirstPerson = 1000;
        int errno = Native.Errno;
        return user.Home == "/nonexistent" || (errno == Native.ENOENT && user.Uid is < FirstPerson or 65534)
            ? (ForwardState.None, [], "")
            : (ForwardState.Unavailable, [], $"the home of {user.Name} is not available: {Native.ErrorText(errno)}");
    }

    private static string? Fault(Native.Statx stat, LocalUser user) =>
        !stat.IsRegular ? "is not a regular file"
        : stat.Uid != user.Uid && stat.Uid != 0 ? "belongs to somebody else"
        : (stat.Mode & 0x12 /* 0022 */) != 0 ? "may be written by others"
        : stat.Size > MaximumSize ? "is too large"
        : null;

    /// <summary>
    /// The command or file of the forward file that has this digest; null when it does not stand there any more. The digest decides, so reading may be generous:
    /// every entry is tried with and without its quotes, and every line as a whole.
    /// </summary>
    public static LocalTarget? Find(ReadOnlySpan<byte> text, string digest)
    {
        foreach (string line in Encoding.UTF8.GetString(text).Split('\n'))
        {
            if (line.TrimStart().StartsWith('#'))
                continue;
            foreach (string entry in Entries(line).Append(line))
            {
                if (Candidate(entry.Trim(), digest) is { } target)
                    return target;
            }
        }
        return null;
    }

    private static LocalTarget? Candidate(string entry, string digest)
    {
        string plain = Unquote(entry);
        LocalTarget? target = plain.StartsWith('|') ? new LocalTarget(true, plain[1..].Trim()) : plain.StartsWith('/') ? new LocalTarget(false, plain) : null;
        if (target is not { } found)
            return null;
        if (LocalActions.DigestOf(found) == digest)
            return found;
        found = found with { Text = Unquote(found.Text) };
        return LocalActions.DigestOf(found) == digest ? found : null;
    }

    /// <summary>The parts of a line between commas that stand outside of quotes.</summary>
    private static IEnumerable<string> Entries(string line)
    {
        int start = 0;
        bool quoted = false;
        for (int i = 0; i < line.Length; i++)
        {
            if (line[i] == '\\' && quoted)
                i++;
            else if (line[i] == '"')
                quoted = !quoted;
            else if (line[i] == ',' && !quoted)
            {
                yield return line[start..i];
                start = i + 1;
            }
        }
        yield return line[start..];
    }

    private static string Unquote(string text)
    {
        if (text.Length < 2 || text[0] != '"' || text[^1] != '"')
            return text;
        var plain = new StringBuilder();
        for (int i = 1; i < text.Length - 1; i++)
        {
            if (text[i] == '\\' && i + 1 < text.Length - 1)
                i++;
            plain.Append(text[i]);
        }
        return plain.ToString();
    }
}
