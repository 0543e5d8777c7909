using System.Collections.Frozen;
using System.Net;
using Estafette.Config.Model;
using Estafette.Tables;

namespace Estafette.Routing.Maps;

/// <summary>Which domains are delivered by local(8): those of <c>mydestination</c>, and literals of the addresses that this machine or a proxy before it listens on (<c>inet_interfaces</c>, <c>proxy_interfaces</c>).</summary>
internal sealed class OwnDomains(AddressClasses classes, TableSet tables, LocalAddresses machine, string origin)
{
    private readonly DomainList _local = new(classes.Local, tables, subdomains: false);
    private readonly FrozenSet<IPAddress>? _interfaces = classes.Interfaces is { } some ? some.Select(NetworkPrefix.Canonical).ToFrozenSet() : null;
    private readonly FrozenSet<IPAddress> _proxies = classes.ProxyInterfaces.Select(NetworkPrefix.Canonical).ToFrozenSet();

    /// <summary>The list is a set: <see cref="ContainsName"/> may be asked.</summary>
    public bool IsSet => _local.IsSet;

    /// <summary>For a host name without a trailing dot, where the list is a set.</summary>
    public bool ContainsName(string name) => _local.Contains(name);

    public ValueTask<ListAnswer> ContainsAsync(string domain, CancellationToken cancellationToken)
    {
        if (domain.Length > 1 && domain[^1] == '.')
            domain = domain[..^1];
        return domain.Length > 2 && domain[0] == '[' && domain[^1] == ']' && IsOwnLiteral(domain)
            ? ValueTask.FromResult(new ListAnswer(true))
            : _local.ContainsAsync(domain, cancellationToken);
    }

    /// <summary>Where tables are searched for a bare user name, <c>myorigin</c> counts as well (canonical(5), virtual(5)); null where that cannot be told now.</summary>
    public async ValueTask<bool?> IsOwnAsync(string domain, CancellationToken cancellationToken)
    {
        if (string.Equals(domain, origin, StringComparison.OrdinalIgnoreCase))
            return true;
        ListAnswer answer = await ContainsAsync(domain, cancellationToken);
        return answer.IsUnavailable ? null : answer.IsMatch;
    }

    private bool IsOwnLiteral(string literal)
    {
        if (!HostSyntax.TryLiteral(literal, out IPAddress? address))
            return false;
        return _proxies.Contains(address) || (_interfaces is null ? machine.Contains(address) : _interfaces.Contains(address));
    }
}
