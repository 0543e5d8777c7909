using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Qmail;

/// <summary>
/// The text of <c>tcp.smtp</c> (tcprules(1)): an address with its instructions a line. What comes out are the rows of the cdb that tcprules makes, so that both are asked the same way
/// (<see cref="ClientRule"/>). A later line for an address takes the place of an earlier one.
/// </summary>
public static class TcpRules
{
    /// <summary>Addresses that ranges such as <c>10.0-255.</c> may become.</summary>
    private const int MaximumRules = 1_000_000;

    /// <param name="lines">The file, line by line.</param>
    /// <param name="problem">Told the number of each wrong line and the reason.</param>
    public static ImmutableArray<KeyValuePair<string, string>> Parse(IEnumerable<string> lines, Action<int, string> problem)
    {
        var rules = new Dictionary<string, string>(StringComparer.Ordinal);
        int number = 0;
        foreach (string line in lines)
        {
            number++;
            if (!TryAdd(rules, line.TrimEnd(' ', '\t', '\r'), out string wrong))
                problem(number, wrong);
        }
        return [.. rules];
    }

    /// <summary>Adds one line; false with the reason where it is no rule. Comments and empty lines are none, and right.</summary>
    private static bool TryAdd(Dictionary<string, string> rules, string line, out string problem)
    {
        problem = "";
        if (line.Length == 0 || line[0] == '#')
            return true;
        // The instructions start behind the last colon before the first comma, so that IPv6 addresses may stand in front.
        int comma = line.IndexOf(',', StringComparison.Ordinal);
        int colon = (comma < 0 ? line : line[..comma]).LastIndexOf(':');
        if (colon < 0)
        {
            problem = "a rule is `address:allow` or `address:deny`, and there is no colon";
            return false;
        }
        if (!TryInstructions(line[(colon + 1)..], out string value, out problem))
            return false;
        foreach (string address in Expand(line[..colon].ToLowerInvariant()))
        {
            if (rules.Count >= MaximumRules)
            {
                problem = "too many addresses";
                return false;
            }
            rules[address] = value;
        }
        return true;
    }

    private static bool TryInstructions(string text, out string value, out string problem)
    {
        value = "";
        bool allowed = text.StartsWith("allow", StringComparison.Ordinal);
        if (!allowed && !text.StartsWith("deny", StringComparison.Ordinal))
        {
            problem = "the instructions must begin with `allow` or `deny`";
            return false;
        }
        ReadOnlySpan<char> rest = text.AsSpan(allowed ? 5 : 4);
        var data = new StringBuilder(allowed ? "" : ClientRule.Denial);
        while (!rest.IsEmpty)
        {
            // ,NAME="value" with any character as the quote.
            int equals = rest.IndexOf('=');
            if (rest[0] != ',' || equals < 2 || equals + 1 >= rest.Length)
            {
                problem = "behind it stand variables only: ,NAME=\"value\"";
                return false;
            }
            ReadOnlySpan<char> name = rest[1..equals];
            char quote = rest[equals + 1];
            ReadOnlySpan<char> content = rest[(equals + 2)..];
            int end = content.IndexOf(quote);
            if (end < 0)
            {
                problem = $"the value of {name} does not end: a second {quote} is missing";
                return false;
            }
            data.Append('+').Append(name).Append('=').Append(content[..end]).Append('\0');
            rest = content[(end + 1)..];
        }
        problem = "";
        value = data.ToString();
        return true;
    }

    /// <summary>A range in one part of an address, <c>1.2.3.4-7</c> or <c>1.2-3.</c>, stands for each of its numbers.</summary>
    private static IEnumerable<string> Expand(string address)
    {
        int dash = address.StartsWith('=') || address.Contains('@', StringComparison.Ordinal) ? -1 : address.IndexOf('-', StringComparison.Ordinal);
        if (dash < 0)
            return [address];
        int from = address.LastIndexOf('.', dash) + 1;
        int to = address.IndexOf('.', dash);
        string tail = to < 0 ? "" : address[to..];
        return int.TryParse(address.AsSpan(from, dash - from), NumberStyles.None, CultureInfo.InvariantCulture, out int first)
            && int.TryParse(address.AsSpan(dash + 1, (to < 0 ? address.Length : to) - dash - 1), NumberStyles.None, CultureInfo.InvariantCulture, out int end)
            && first <= end && end <= 255
            ? Enumerable.Range(first, end - first + 1).Select(n => string.Create(CultureInfo.InvariantCulture, $"{address[..from]}{n}{tail}"))
            : [address];
    }
}
