using System.Collections.Frozen;
using Estafette.Config.Model;
using Estafette.Tables;

namespace Estafette.Routing.Maps;

/// <summary>
/// A list of domains that every resolution asks. One without tables and negation is a set, and asking it costs a look; any other is asked as tables and order want it. Names are compared without
/// regard to case.
/// </summary>
internal sealed class DomainList
{
    private readonly MatchList _list;
    private readonly TableSet _tables;
    private readonly bool _subdomains;
    private readonly FrozenSet<string>? _names;
    private readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> _lookup;

    /// <param name="subdomains">A pattern may stand for what is below it, too; else only for itself.</param>
    public DomainList(MatchList list, TableSet tables, bool subdomains)
    {
        _list = list;
        _tables = tables;
        _subdomains = subdomains;
        if (list.Patterns.Any(pattern => pattern.IsTable || pattern.Negated))
            return;
        _names = list.Patterns.Select(pattern => pattern.Text).ToFrozenSet(StringComparer.OrdinalIgnoreCase);
        _lookup = _names.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>A set: <see cref="Contains"/> may be asked.</summary>
    public bool IsSet => _names is not null;

    /// <summary>For a list that is a set.</summary>
    public bool Contains(string domain) => _names!.Count > 0 && (_names.Contains(domain) || (_subdomains && HasParent(domain)));

    public ValueTask<ListAnswer> ContainsAsync(string domain, CancellationToken cancellationToken)
    {
        if (IsSet)
            return ValueTask.FromResult(new ListAnswer(Contains(domain)));
        return _subdomains ? _tables.MatchDomainAsync(_list, domain, cancellationToken) : _tables.MatchTextAsync(_list, domain, cancellationToken);
    }

    private bool HasParent(ReadOnlySpan<char> domain)
    {
        for (int dot = domain.IndexOf('.'); dot >= 0 && dot + 1 < domain.Length; dot = domain.IndexOf('.'))
        {
            if (_lookup.Contains(_list.ParentMatches ? domain[(dot + 1)..] : domain[dot..]))
                return true;
            domain = domain[(dot + 1)..];
        }
        return false;
    }
}
