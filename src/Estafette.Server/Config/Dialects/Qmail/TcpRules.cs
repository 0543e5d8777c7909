using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Estafette.Config.Dialects.Qmail;

/// <summary>What a rule says of a client: let in or not, and the environment of its session.</summary>
public sealed record TcpRule(bool Allowed, ImmutableDictionary<string, string> Environment)
{
    /// <summary>For clients that no rule speaks of (tcpserver(1)).</summary>
    public static TcpRule Default { get; } = new(true, ImmutableDictionary<string, string>.Empty);
}

/// <summary>
/// The rules of <c>tcp.smtp</c> (tcprules(1)): an address with its instructions a line. The most specific address decides: the whole address, then its host name, then shorter and shorter beginnings that end in
/// a dot, then <c>=</c> with less and less of the name, then the empty one. A later line for an address takes the place of an earlier one.
/// </summary>
public sealed class TcpRules
{
    /// <summary>Addresses that ranges such as <c>10.0-255.</c> may become.</summary>
    private const int MaximumRules = 1_000_000;

    private readonly Dictionary<string, TcpRule> _rules;

    private TcpRules(Dictionary<string, TcpRule> rules) => _rules = rules;

    public static TcpRules Empty { get; } = new([]);

    public int Count => _rules.Count;

    /// <summary>Adds one line; false with the reason where it is no rule. Comments and empty lines are none, and right.</summary>
    private static bool TryAdd(Dictionary<string, TcpRule> rules, string line, out string problem)
    {
        problem = "";
        if (line.Length == 0 || line[0] == '#')
            return true;
        int colon = line.IndexOf(':', StringComparison.Ordinal);
        // The instructions start behind the last colon before the first comma, so that IPv6 addresses may stand in front.
        int comma = line.IndexOf(',', StringComparison.Ordinal);
        int last = (comma < 0 ? line : line[..comma]).LastIndexOf(':');
        colon = last > colon && line.AsSpan(0, last).Count(':') > 1 ? last : colon;
        if (colon < 0)
        {
            problem = "a rule is `address:allow` or `address:deny`, and there is no colon";
            return false;
        }
        if (!TryInstructions(line[(colon + 1)..], out TcpRule? rule, out problem))
            return false;
        foreach (string address in Expand(line[..colon].ToLowerInvariant()))
        {
            if (rules.Count >= MaximumRules)
            {
                problem = "too many addresses";
                return false;
            }
            rules[address] = rule!;
        }
        return true;
    }

    /// <param name="lines">The file, line by line.</param>
    /// <param name="problem">Told the number of each wrong line and the reason.</param>
    public static TcpRules Parse(IEnumerable<string> lines, Action<int, string> problem)
    {
        var rules = new Dictionary<string, TcpRule>(StringComparer.Ordinal);
        int number = 0;
        foreach (string line in lines)
        {
            number++;
            if (!TryAdd(rules, line.TrimEnd(' ', '\t', '\r'), out string wrong))
                problem(number, wrong);
        }
        return new TcpRules(rules);
    }

    /// <summary>The rule for a client.</summary>
    /// <param name="address">Where it comes from.</param>
    /// <param name="host">Its verified name; null where it has none or names are not looked up (<c>tcpserver -H</c>).</param>
    public TcpRule Find(IPAddress address, string? host)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        string text = address.ToString().ToLowerInvariant();
        host = host?.ToLowerInvariant();
        if (_rules.TryGetValue(text, out TcpRule? rule) || (host is not null && _rules.TryGetValue("=" + host, out rule)))
            return rule;
        char separator = address.AddressFamily == AddressFamily.InterNetworkV6 ? ':' : '.';
        for (int end = text.LastIndexOf(separator); end >= 0; end = end == 0 ? -1 : text.LastIndexOf(separator, end - 1))
        {
            if (_rules.TryGetValue(text[..(end + 1)], out rule))
                return rule;
        }
        for (int dot = host?.IndexOf('.', StringComparison.Ordinal) ?? -1; dot >= 0; dot = host!.IndexOf('.', dot + 1))
        {
            if (_rules.TryGetValue("=" + host![dot..], out rule))
                return rule;
        }
        return (host is not null && _rules.TryGetValue("=", out rule)) || _rules.TryGetValue("", out rule) ? rule : TcpRule.Default;
    }

    private static bool TryInstructions(string text, out TcpRule? rule, out string problem)
    {
        rule = null;
        bool allowed = text.StartsWith("allow", StringComparison.Ordinal);
        if (!allowed && !text.StartsWith("deny", StringComparison.Ordinal))
        {
            problem = "the instructions must begin with `allow` or `deny`";
            return false;
        }
        ReadOnlySpan<char> rest = text.AsSpan(allowed ? 5 : 4);
        ImmutableDictionary<string, string>.Builder variables = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        while (!rest.IsEmpty)
        {
            // ,NAME="value" with any character as the quote.
            int equals = rest.IndexOf('=');
            if (rest[0] != ',' || equals < 2 || equals + 1 >= rest.Length)
            {
                problem = "behind it stand variables only: ,NAME=\"value\"";
                return false;
            }
            string name = rest[1..equals].ToString();
            char quote = rest[equals + 1];
            ReadOnlySpan<char> value = rest[(equals + 2)..];
            int end = value.IndexOf(quote);
            if (end < 0)
            {
                problem = $"the value of {name} does not end: a second {quote} is missing";
                return false;
            }
            variables[name] = value[..end].ToString();
            rest = value[(end + 1)..];
        }
        problem = "";
        rule = new TcpRule(allowed, variables.ToImmutable());
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
