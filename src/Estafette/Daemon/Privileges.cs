using System.Globalization;

namespace Estafette.Program.Daemon;

/// <summary>
/// Who the daemon becomes, and the one-way step there (promise 4). Looked up in the system's files by name: the first of these users that exists. The
/// users of a queue stand before those of a session, because commands of aliases run as the latter and must not reach the queue.
/// </summary>
internal sealed record DaemonUser(string Name, uint User, uint Group, uint[] MoreGroups)
{
    private static readonly string[] s_candidates = ["estafette", "_smtpq", "opensmtpq", "_smtpd", "opensmtpd", "nobody"];

    /// <summary>Groups whose files the daemon of the same role may read: secrets are kept <c>root:_smtpd 0640</c> (O27).</summary>
    private static readonly string[] s_groups = ["_smtpd", "opensmtpd"];

    /// <summary>Null when none of the candidates exists.</summary>
    public static DaemonUser? Find()
    {
        foreach (string name in s_candidates)
        {
            string[]? row = Row("/etc/passwd", name);
            if (row is null || row.Length < 4)
                continue;
            uint[] groups = [.. s_groups.Select(g => Row("/etc/group", g)).Where(g => g is { Length: >= 3 }).Select(g => Id(g![2]))];
            return new DaemonUser(name, Id(row[2]), Id(row[3]), groups);
        }
        return null;
    }

    /// <summary>Whether this is one of the users that a daemon becomes.</summary>
    public static bool IsCandidate(uint user) => s_candidates.Any(name => Row("/etc/passwd", name) is { Length: >= 4 } row && Id(row[2]) == user);

    /// <summary>As a word of a command line; <see cref="TryParse"/> reads it.</summary>
    public string ToText() => string.Create(CultureInfo.InvariantCulture, $"{Name}:{User}:{Group}:{string.Join(',', MoreGroups)}");

    public static DaemonUser? TryParse(string text)
    {
        string[] parts = text.Split(':');
        if (parts.Length != 4)
            return null;
        var numbers = new List<uint>();
        foreach (string part in parts[1..3].Concat(parts[3].Split(',', StringSplitOptions.RemoveEmptyEntries)))
        {
            if (!uint.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out uint number))
                return null;
            numbers.Add(number);
        }
        return new DaemonUser(parts[0], numbers[0], numbers[1], [.. numbers[2..]]);
    }

    private static string[]? Row(string file, string name)
    {
        foreach (string line in File.ReadLines(file))
        {
            if (line.StartsWith(name + ":", StringComparison.Ordinal))
                return line.Split(':');
        }
        return null;
    }

    private static uint Id(string text) => uint.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

    /// <summary>
    /// Gives root up for good, in every thread, and proves it. Throws when any step fails: a daemon that is half root must not serve.
    /// </summary>
    public void Become()
    {
        uint[] groups = [Group, .. MoreGroups];
        Require(Native.SetGroups((nuint)groups.Length, groups) == 0, "setgroups");
        Require(Native.SetGroupIds(Group, Group, Group) == 0, "setresgid");
        Require(Native.SetUserIds(User, User, User) == 0, "setresuid");
        Require(Native.SetUser(0) != 0, "giving up root (setuid(0) still works)");
        Require(Native.ProcessControl(Native.SetDumpable, 0, 0, 0, 0) == 0, "PR_SET_DUMPABLE");
        Require(Native.ProcessControl(Native.SetNoNewPrivileges, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS");
    }

    private static void Require(bool done, string step)
    {
        if (!done)
            throw new StartupException($"{step} failed: {Native.LastError()}");
    }
}
