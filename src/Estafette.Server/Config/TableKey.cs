namespace Estafette.Config;

/// <summary>
/// Where the key of a table's line ends: at a blank or a colon, behind its closing quotation mark, or behind the bracket of an address or a host. A port is part of the key of a
/// next hop, <c>[smtp.example.net]:587 user:password</c> and <c>smtp.example.net:587 secure</c>, as in Postfix's maps.
/// </summary>
internal static class TableKey
{
    private const int LongestPort = 5;

    /// <summary>0 where there is no key, or its quotation mark or bracket is not closed.</summary>
    public static int End(string line)
    {
        if (line[0] == '"')
            return line.IndexOf('"', 1) + 1;
        int end = line[0] == '[' ? line.IndexOf(']', 1) + 1 : line.AsSpan().IndexOfAny(" \t:");
        if (end < 0)
            return line.Length;
        return end == 0 || line[0] != '[' && !IsHost(line.AsSpan(0, end)) ? end : end + PortLength(line.AsSpan(end));
    }

    /// <summary>A port stands between its colon and a blank with something behind it; <c>name:1000:100:/home</c> and <c>name:25</c> have none.</summary>
    private static int PortLength(ReadOnlySpan<char> rest)
    {
        if (rest.Length < 2 || rest[0] != ':')
            return 0;
        int digits = rest[1..].IndexOfAnyExceptInRange('0', '9');
        if (digits is not (> 0 and <= LongestPort))
            return 0;
        ReadOnlySpan<char> behind = rest[(digits + 1)..];
        bool isParted = behind[0] is ' ' or '\t' || behind.StartsWith(": ") || behind.StartsWith(":\t");
        return isParted && !behind.Trim(" \t:").IsEmpty ? digits + 1 : 0;
    }

    private static bool IsHost(ReadOnlySpan<char> key) => key.Contains('.') && !key.Contains('@');
}
