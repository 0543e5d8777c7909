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

    /// <summary>The first file of the action's candidates that is there (<c>forward_path</c>); a candidate with a macro that has no value is none.</summary>
    public static (ForwardState State, byte[] Text, string Reason) Read(LocalUser user, LocalEnvelope envelope, LocalUserRules rules)
    {
        foreach (string template in rules.ForwardPaths)
        {
            MacroText.Expansion path = MacroText.Expand(template, name => Value(name, user, envelope, rules));
            if (path.IsUndefined || path.Error is not null || !path.Text.StartsWith('/') || path.Text.Split('/').Contains(".."))
                continue;
            var file = ReadPath(user, path.Text, path.Text, WorldWritable);
            if (file.State is not ForwardState.None)
                return file;
        }
        return (ForwardState.None, [], "");
    }

    /// <summary>A file that the forward file includes: it must stand there, and the user must be able to read it.</summary>
    public static (ForwardState State, byte[] Text, string Reason) ReadIncluded(LocalUser user, LocalEnvelope envelope, LocalUserRules rules)
    {
        var file = Read(user, envelope, rules);
        if (file.State is not ForwardState.Text)
            return file;
        foreach (string entry in AllEntries(file.Text))
        {
            if (IncludedPath(entry) is { } path && LocalActions.DigestOf(new LocalTarget(false, IncludePrefix + path)) == envelope.Target)
                return ReadPath(user, path, path, WorldWritable);
        }
        return (ForwardState.None, [], "");
    }

    /// <summary><see cref="Find"/>, also in files that the forward file includes.</summary>
    public static LocalTarget? FindWithIncludes(ReadOnlySpan<byte> text, string digest)
    {
        if (Find(text, digest) is { } target)
            return target;
        foreach (string path in AllEntries(text).Select(IncludedPath).OfType<string>().Take(MaximumIncludes))
        {
            // Only what this process may read, which is the user.
            var file = ReadPath(null, path, path, WorldWritable);
            if (file.State is ForwardState.Text && Find(file.Text, digest) is { } included)
                return included;
        }
        return null;
    }

    private const string IncludePrefix = ":include:";
    private const int MaximumIncludes = 20;
    private const int WorldWritable = 0x2, GroupWritable = 0x12;

    private static string? IncludedPath(string entry) =>
        Unquote(entry.Trim()) is var plain && plain.StartsWith(IncludePrefix, StringComparison.OrdinalIgnoreCase) && plain[IncludePrefix.Length..].Trim() is ['/', ..] path ? path : null;

    private static string? Value(string name, LocalUser user, LocalEnvelope envelope, LocalUserRules rules)
    {
        string? value = name switch
        {
            "home" => user.Home,
            "user" => user.Name,
            "shell" => UserDatabase.Find(user.Uid) is { Shell.Length: > 0 } known ? known.Shell : "/bin/sh",
            "recipient" => envelope.Destination.LocalPart + "@" + envelope.Destination.Domain,
            "domain" => envelope.Destination.Domain,
            "local" or "mailbox" => envelope.Destination.LocalPart,
            "extension" => envelope.Detail,
            "recipient_delimiter" => envelope.Detail.Length == 0 ? "" : envelope.Values.GetValueOrDefault("delimiter", rules.Delimiters.Length > 0 ? rules.Delimiters[..1] : ""),
            _ => null,
        };
        return value is null || name == "home" ? value : LocalUserTargets.Clean(value, rules.ForwardCharacters).Replace("/", "_", StringComparison.Ordinal);
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
        return ReadPath(user, user.Home + "/" + name, $"{name} of {user.Name}", GroupWritable);
    }

    /// <param name="owner">Whose the file must be if it is not root's; null where that does not matter.</param>
    /// <param name="path">Where it is.</param>
    /// <param name="name">How it is told of.</param>
    /// <param name="writable">Mode bits that make it unsafe.</param>
    private static (ForwardState State, byte[] Text, string Reason) ReadPath(LocalUser? owner, string path, string name, int writable)
    {
        int fd = Native.openat(Native.AT_FDCWD, path, Native.O_RDONLY | Native.O_NONBLOCK | Native.O_CLOEXEC, 0);
        if (fd < 0)
        {
            int errno = Native.Errno;
            return errno is Native.ENOENT or Native.ENOTDIR ? (ForwardState.None, [], "") : (ForwardState.Unavailable, [], $"cannot open {name}: {Native.ErrorText(errno)}");
        }
        try
        {
            if (!Native.TryStat(fd, out Native.Statx stat))
                return (ForwardState.Unavailable, [], $"cannot examine {name}: {Native.ErrorText(Native.Errno)}");
            if (Fault(stat, owner, writable) is { } fault)
                return (ForwardState.Unsafe, [], $"{name} {fault}");
            byte[] text = new byte[MaximumSize];
            int length = 0;
            fixed (byte* start = text)
            {
                nint count;
                while (length < text.Length && (count = Native.read(fd, start + length, (nuint)(text.Length - length))) != 0)
                {
                    if (count < 0)
                        return (ForwardState.Unavailable, [], $"cannot read {name}: {Native.ErrorText(Native.Errno)}");
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

    private static string? Fault(Native.Statx stat, LocalUser? owner, int writable) =>
        !stat.IsRegular ? "is not a regular file"
        : owner is not null && stat.Uid != owner.Uid && stat.Uid != 0 ? "belongs to somebody else"
        : (stat.Mode & writable) != 0 ? "may be written by others"
        : stat.Size > MaximumSize ? "is too large"
        : null;

    /// <summary>
    /// The command or file of the forward file that has this digest; null when it does not stand there any more. The digest decides, so reading may be generous:
    /// every entry is tried with and without its quotes, and every line as a whole.
    /// </summary>
    public static LocalTarget? Find(ReadOnlySpan<byte> text, string digest)
    {
        foreach (string entry in AllEntries(text))
        {
            if (Candidate(entry.Trim(), digest) is { } target)
                return target;
        }
        return null;
    }

    private static IEnumerable<string> AllEntries(ReadOnlySpan<byte> text) =>
        Encoding.UTF8.GetString(text).Split('\n').Where(line => !line.TrimStart().StartsWith('#')).SelectMany(line => Entries(line).Append(line));

    private static LocalTarget? Candidate(string entry, string digest)
    {
        string plain = Unquote(entry);
        LocalTarget? target = plain.StartsWith('|') ? new LocalTarget(true, plain[1..].Trim()) : plain is ['/', ..] or ['~', '/', ..] ? new LocalTarget(false, plain) : null;
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
