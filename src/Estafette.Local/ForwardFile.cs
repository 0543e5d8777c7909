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

    private static (ForwardState, byte[], string) ReadOne(LocalUser user, string name)
    {
        if (!user.Home.StartsWith('/'))
            return (ForwardState.None, [], "");
        if (!Native.TryStat(user.Home, follow: true, out Native.Statx home) || (home.Mode & Native.S_IFMT) != Native.S_IFDIR)
            return HomeTrouble(user);
        if (user.Uid != home.Uid && home.Uid != 0 && (home.Mode & 0x2) != 0)
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
    private static (ForwardState, byte[], string) HomeTrouble(LocalUser user)
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
    /// The command or file of the forward file that has this digest; null when it does not stand there any more. Entries are read as an alias file's right-hand side:
    /// separated by commas or line ends, in quotes where they hold either, "#" starts a comment line.
    /// </summary>
    public static LocalTarget? Find(ReadOnlySpan<byte> text, string digest)
    {
        foreach (string entry in Entries(Encoding.UTF8.GetString(text)))
        {
            LocalTarget target = entry.StartsWith('|') ? new(true, entry[1..].Trim()) : new(false, entry);
            if ((target.IsCommand || entry.StartsWith('/')) && LocalActions.DigestOf(target) == digest)
                return target;
        }
        return null;
    }
}
