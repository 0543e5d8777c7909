using System.Net;
using System.Text.RegularExpressions;

namespace Estafette.Tables;

/// <summary>
/// What one loaded table needs for one kind of match: the rows that are patterns, parsed once. Plain keys are looked up directly, so that a
/// list of a million domains costs one look-up and a walk over its few wildcards.
/// </summary>
internal sealed class PatternIndex
{
    private readonly TableRows _rows;
    private readonly TableMatch _match;
    private readonly List<(string Pattern, string Value)> _wildcards = [];
    private readonly List<(NetworkPrefix Network, string Value)> _networks = [];
    private readonly Dictionary<IPAddress, string> _addresses = [];
    private readonly List<(Regex Regex, string Value)> _expressions = [];

    private PatternIndex(TableRows rows, TableMatch match)
    {
        _rows = rows;
        _match = match;
    }

    /// <summary>The first key that is no valid pattern; null when all are. A table with one answers nothing (E44).</summary>
    public string? Invalid { get; private set; }

    public static PatternIndex Build(TableRows rows, TableMatch match)
    {
        var index = new PatternIndex(rows, match);
        if (match != TableMatch.Exact)
        {
            foreach ((string key, string value) in rows.All())
                index.Add(key, value);
        }
        return index;
    }

    /// <summary>The value of the row that matches; null when none does.</summary>
    public string? Find(string foldedKey) => _match switch
    {
        TableMatch.Exact => _rows.Get(foldedKey),
        TableMatch.Domain => _rows.Get(foldedKey) ?? Wildcard(foldedKey),
        TableMatch.Network => Network(foldedKey),
        TableMatch.Regex => Expression(foldedKey),
        _ => throw new InvalidOperationException("mail addresses are matched with their own method"),
    };

    /// <summary>Finds an address; <paramref name="user"/> is compared with <paramref name="stripped"/> too, its form without sub-address.</summary>
    public string? FindAddress(string user, string stripped, string domain) =>
        _rows.Get(user + "@" + domain)
        ?? (stripped.Length == user.Length ? null : _rows.Get(stripped + "@" + domain))
        ?? (domain.Length == 0 ? null : _rows.Get("@" + domain))
        ?? (user.Length == 0 ? null : AnyDomain(user) ?? (stripped.Length == user.Length ? null : AnyDomain(stripped)))
        ?? _rows.Get("@")
        ?? AddressWildcard(user, stripped, domain);

    private string? AnyDomain(string user) => _rows.Get(user) ?? _rows.Get(user + "@");

    private void Add(string key, string value)
    {
        switch (_match)
        {
            case TableMatch.Domain or TableMatch.MailAddress when key.Contains('*', StringComparison.Ordinal):
                _wildcards.Add((key, value));
                break;
            case TableMatch.Network when NetworkPrefix.TryParseAddress(key, out IPAddress? address):
                _addresses.TryAdd(address, value);
                break;
            case TableMatch.Network when NetworkPrefix.TryParse(key, out NetworkPrefix network):
                _networks.Add((network, value));
                break;
            case TableMatch.Regex when PatternText.TryRegex(key, out Regex? regex):
                _expressions.Add((regex, value));
                break;
            case TableMatch.Regex:
            case TableMatch.Network when key != "local":
                Invalid ??= key;
                break;
        }
    }

    private string? Wildcard(string domain)
    {
        foreach ((string pattern, string value) in _wildcards)
        {
            if (PatternText.DomainMatches(domain, pattern))
                return value;
        }
        return null;
    }

    private string? AddressWildcard(string user, string stripped, string domain)
    {
        foreach ((string pattern, string value) in _wildcards)
        {
            int at = pattern.LastIndexOf('@');
            if (at < 0 || !PatternText.DomainMatches(domain, pattern.AsSpan(at + 1)))
                continue;
            ReadOnlySpan<char> wanted = pattern.AsSpan(0, at);
            if (wanted.IsEmpty || wanted.SequenceEqual(user) || wanted.SequenceEqual(stripped))
                return value;
        }
        return null;
    }

    private string? Network(string key)
    {
        if (!NetworkPrefix.TryParseAddress(key, out IPAddress? address))
            return _rows.Get(key);
        if (_addresses.TryGetValue(address, out string? exact))
            return exact;
        foreach ((NetworkPrefix network, string value) in _networks)
        {
            if (network.Contains(address))
                return value;
        }
        return null;
    }

    private string? Expression(string key)
    {
        foreach ((Regex regex, string value) in _expressions)
        {
            if (regex.IsMatch(key))
                return value;
        }
        return null;
    }
}
