using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Estafette.Config.Dialects.Qmail;

/// <summary>Who controls an address (qmail-users(5)): mail for it is delivered as this user, in this home, by <c>.qmail</c> + <paramref name="Dash"/> + <paramref name="Extension"/>.</summary>
public sealed record UserAssignment(string User, uint Uid, uint Gid, string Home, string Dash, string Extension);

/// <summary>
/// The text of <c>users/assign</c>: <c>=local:user:uid:gid:home:dash:ext:</c> for one address, <c>+loc:user:uid:gid:home:dash:pre:</c> for all that begin so, up to a line with a single dot. The longest match wins, an
/// exact one before a beginning.
/// </summary>
public sealed class UserAssignments
{
    private readonly Dictionary<string, UserAssignment> _exact = new(StringComparer.Ordinal);
    private readonly Dictionary<string, UserAssignment> _beginnings = new(StringComparer.Ordinal);
    private int _longest = -1;

    private UserAssignments()
    {
    }

    public static UserAssignments Empty { get; } = new();

    public int Count => _exact.Count + _beginnings.Count;

    /// <param name="lines">The file, line by line.</param>
    /// <param name="problem">Told the number of each wrong line and the reason; 0 for a file without the dot at its end, as qmail-newu refuses it.</param>
    public static UserAssignments Parse(IEnumerable<string> lines, Action<int, string> problem)
    {
        var found = new UserAssignments();
        int number = 0;
        foreach (string line in lines)
        {
            number++;
            if (line.StartsWith('.'))
                return found;
            if (line.Length > 0 && !found.TryAdd(line, out string? wrong))
                problem(number, wrong);
        }
        problem(0, "the file does not end with a dot on a line by itself: it may be cut off");
        return found;
    }

    /// <summary>The user for the local part of an address; letters' case does not count.</summary>
    public UserAssignment? Find(string local)
    {
        local = local.ToLowerInvariant();
        if (_exact.TryGetValue(local, out UserAssignment? assignment))
            return assignment;
        for (int length = Math.Min(local.Length, _longest); length >= 0; length--)
        {
            if (_beginnings.TryGetValue(local[..length], out assignment))
                return assignment with { Extension = assignment.Extension + local[length..] };
        }
        return null;
    }

    private bool TryAdd(string line, [NotNullWhen(false)] out string? problem)
    {
        string[] fields = line[1..].Split(':');
        uint uid = 0, gid = 0;
        problem = line[0] is not ('=' or '+') ? "an assignment begins with = or +"
            : fields.Length < 7 ? "seven fields are needed: address:user:uid:gid:home:dash:extension:"
            : !uint.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out uid) || !uint.TryParse(fields[3], NumberStyles.None, CultureInfo.InvariantCulture, out gid)
                ? "uid and gid must be numbers"
            : !fields[4].StartsWith('/') ? "the home is no absolute path"
            : null;
        if (problem is not null)
            return false;
        var assignment = new UserAssignment(fields[1], uid, gid, fields[4], fields[5], fields[6]);
        if (line[0] == '=')
        {
            _exact.TryAdd(fields[0].ToLowerInvariant(), assignment);
            return true;
        }
        if (_beginnings.TryAdd(fields[0].ToLowerInvariant(), assignment))
            _longest = Math.Max(_longest, fields[0].Length);
        return true;
    }
}
