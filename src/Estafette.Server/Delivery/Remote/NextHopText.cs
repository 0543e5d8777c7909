using System.Collections.Immutable;
using System.Globalization;
using Estafette.Config.Model;

namespace Estafette.Delivery.Remote;

/// <summary>
/// Reads a next hop as transport(5), smtp(8) and lmtp(8) have it: <c>domain</c> (by MX), <c>[host]</c>, either with <c>:port</c> or <c>:service</c>, several with commas between them;
/// for LMTP also <c>unix:path</c> and <c>inet:host:port</c>, where a host never means its MX. Pure and total: an error is words.
/// </summary>
internal static class NextHopText
{
    /// <summary>Next hops of one list.</summary>
    private const int MaximumHosts = 50;

    /// <summary>Services that configurations name; others are written as numbers.</summary>
    private static readonly Dictionary<string, int> Services = new(StringComparer.OrdinalIgnoreCase)
    {
        ["smtp"] = 25,
        ["mail"] = 25,
        ["submission"] = 587,
        ["msa"] = 587,
        ["smtps"] = 465,
        ["submissions"] = 465,
        ["urd"] = 465,
        ["lmtp"] = 24,
        ["qmtp"] = 209,
    };

    /// <param name="text">The next hop.</param>
    /// <param name="protocol">SMTP or LMTP.</param>
    /// <param name="problem">Why it is none.</param>
    public static ImmutableArray<RelayHost> Read(string text, RelayProtocol protocol, out string? problem)
    {
        problem = null;
        var hosts = ImmutableArray.CreateBuilder<RelayHost>();
        foreach (string item in text.Split([',', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (hosts.Count == MaximumHosts || One(item, protocol) is not { } host)
            {
                problem = hosts.Count == MaximumHosts ? "too many next hops" : "bad next hop: " + item;
                return [];
            }
            hosts.Add(host);
        }
        if (hosts.Count == 0)
            problem = "empty next hop";
        return hosts.ToImmutable();
    }

    private static RelayHost? One(string item, RelayProtocol protocol)
    {
        bool lmtp = protocol is RelayProtocol.Lmtp;
        bool inet = item.StartsWith("inet:", StringComparison.Ordinal);
        if (item.StartsWith("unix:", StringComparison.Ordinal))
            return item.Length > 5 ? new RelayHost { Written = item, Host = item[5] == '/' ? item[5..] : "/var/spool/postfix/" + item[5..], Protocol = RelayProtocol.Lmtp } : null;
        if (item.StartsWith('/') && lmtp)
            return new RelayHost { Written = item, Host = item, Protocol = RelayProtocol.Lmtp };
        string rest = inet ? item[5..] : item;
        bool bracketed = rest.StartsWith('[');
        int end = bracketed ? rest.IndexOf(']', StringComparison.Ordinal) : rest.LastIndexOf(':') is var colon and >= 0 ? colon : rest.Length;
        if (end <= (bracketed ? 1 : 0))
            return null;
        string host = bracketed ? rest[1..end] : rest[..end];
        string tail = bracketed ? rest[(end + 1)..] : rest[end..];
        int port = 0;
        if (tail.Length > 0 && (tail[0] != ':' || !TryPort(tail[1..], out port)))
            return null;
        return new RelayHost { Written = rest, Host = host, Port = port, Protocol = protocol, NoMx = bracketed || lmtp || inet };
    }

    public static bool TryPort(string text, out int port) =>
        Services.TryGetValue(text, out port) || (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and < 65536);
}
