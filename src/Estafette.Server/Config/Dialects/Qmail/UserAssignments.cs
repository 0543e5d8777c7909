using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Qmail;

/// <summary>
/// The text of <c>users/assign</c>: <c>=local:user:uid:gid:home:dash:ext:</c> for one address, <c>+loc:user:uid:gid:home:dash:pre:</c> for all that begin so, up to a line with a single dot. What comes out are the rows of
/// the cdb that qmail-newu(8) makes (<see cref="UserAssignment"/>); the first line for an address counts.
/// </summary>
public static class UserAssignments
{
    /// <param name="lines">The file, line by line.</param>
    /// <param name="problem">Told the number of each wrong line and the reason; 0 for a file without the dot at its end, as qmail-newu refuses it.</param>
    public static ImmutableArray<KeyValuePair<string, string>> Parse(IEnumerable<string> lines, Action<int, string> problem)
    {
        var rows = new Dictionary<string, string>(StringComparer.Ordinal);
        int number = 0;
        bool ended = false;
        foreach (string line in lines)
        {
            number++;
            ended = line.StartsWith('.');
            if (ended)
                break;
            if (line.Length > 0 && !TryAdd(rows, line, out string? wrong))
                problem(number, wrong);
        }
        if (!ended)
            problem(0, "the file does not end with a dot on a line by itself: it may be cut off");
        return [.. rows];
    }

    private static bool TryAdd(Dictionary<string, string> rows, string line, [NotNullWhen(false)] out string? problem)
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
        rows.TryAdd(line[0] == '=' ? UserAssignment.ExactKey(fields[0]) : UserAssignment.BeginningKey(fields[0]), new UserAssignment(fields[1], uid, gid, fields[4], fields[5], fields[6]).Encode());
        return true;
    }
}
