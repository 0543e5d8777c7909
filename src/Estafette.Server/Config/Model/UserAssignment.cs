using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Estafette.Config.Model;

/// <summary>
/// Who controls a local address (qmail-users(5)): its mail is delivered as <paramref name="User"/>, in <paramref name="Home"/>, by <c>.qmail</c>, <paramref name="Dash"/> and <paramref name="Extension"/>. A table of
/// assignments has the rows of the cdb that qmail-newu(8) makes.
/// </summary>
public sealed record UserAssignment(string User, uint Uid, uint Gid, string Home, string Dash, string Extension)
{
    /// <summary>Longest beginning of a local part that is looked for.</summary>
    private const int MaximumBeginning = 256;

    /// <summary>The key of the row for one address.</summary>
    public static string ExactKey(string local) => "!" + local.ToLowerInvariant() + "\0";

    /// <summary>The key of the row for all addresses that begin so.</summary>
    public static string BeginningKey(string beginning) => "!" + beginning.ToLowerInvariant();

    /// <summary>The keys to ask for, in this order, and what is left of the local part behind each; the first row decides.</summary>
    public static IEnumerable<(string Key, string Left)> Keys(string local)
    {
        yield return (ExactKey(local), "");
        for (int length = Math.Min(local.Length, MaximumBeginning); length >= 0; length--)
            yield return (BeginningKey(local[..length]), local[length..]);
    }

    /// <summary>The value of a row.</summary>
    public string Encode() => string.Create(CultureInfo.InvariantCulture, $"{User}\0{Uid}\0{Gid}\0{Home}\0{Dash}\0{Extension}\0");

    /// <summary>Reads a row's value; false where it is none.</summary>
    public static bool TryDecode(string value, string rest, [NotNullWhen(true)] out UserAssignment? assignment)
    {
        assignment = null;
        string[] fields = value.Split('\0');
        if (fields.Length < 6 || !uint.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out uint uid) || !uint.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out uint gid))
            return false;
        assignment = new UserAssignment(fields[0], uid, gid, fields[3], fields[4], fields[5] + rest);
        return true;
    }
}
