using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Delivery.Remote;

/// <summary>
/// Walks the addresses of one plan in order for one attempt, looking each host up when its turn comes, and remembers the verdict that stands when all were
/// tried: a temporary failure of any of them keeps the mail waiting; only when all failed for good does it fail.
/// </summary>
internal sealed class RouteWalk(RoutePlan plan, string domain, IExchangerDns dns, OwnAddresses own, MailConfig config)
{
    private int _host;
    private int _address;
    private int _tried;
    private ImmutableArray<IPAddress> _addresses = [];
    private DeliveryOutcome? _verdict = plan.Verdict;
    private bool _ended = plan.Verdict is not null;

    public DeliveryOutcome Verdict => _verdict ?? DeliveryOutcome.Failed(new(5, 4, 4), $"No address for {domain}", OutcomeScope.NextHop);

    /// <summary>The next address, or null when the walk is over.</summary>
    public async ValueTask<RelayEndPoint?> NextAsync(CancellationToken cancellationToken)
    {
        while (!_ended && _host < plan.Hosts.Length && _tried < RelayLimits.AddressesPerAttempt)
        {
            RouteHost host = plan.Hosts[_host];
            if (host.Name.StartsWith('/'))
            {
                _host++;
                _tried++;
                return EndPointOf(host, new UnixDomainSocketEndPoint(host.Name));
            }
            if (_address == 0)
                _addresses = await AddressesAsync(host, cancellationToken);
            if (_address >= _addresses.Length)
            {
                _host++;
                _address = 0;
                continue;
            }
            var target = new IPEndPoint(_addresses[_address++], host.Port);
            if (own.Reaches(target, config))
            {
                // Those behind us in the list would only hand it back.
                Failed(DeliveryOutcome.Failed(new(5, 4, 6), $"Mail for {domain} loops back to myself", OutcomeScope.NextHop));
                break;
            }
            _tried++;
            return EndPointOf(host, target);
        }
        return null;
    }

    /// <summary>Remembers why an address did not serve. <paramref name="stop"/> ends the walk: other addresses would only say the same.</summary>
    public void Failed(DeliveryOutcome outcome, bool stop = false)
    {
        if (_verdict is null || outcome.Kind == OutcomeKind.Deferred || _verdict.Kind != OutcomeKind.Deferred)
            _verdict = outcome;
        _ended |= stop;
    }

    private async ValueTask<ImmutableArray<IPAddress>> AddressesAsync(RouteHost host, CancellationToken cancellationToken)
    {
        if (RoutePlanner.TryLiteral(host.Name, out IPAddress literal))
            return [literal];
        AddressAnswer answer = await dns.AddressesAsync(host.Name, cancellationToken);
        if (answer.Finding == DnsFinding.Found)
            return [.. answer.Addresses.Take(RelayLimits.AddressesPerHost)];
        bool lasting = answer.Finding != DnsFinding.Trouble && !host.Fixed;
        // A fixed host that is not found is more likely a mistake at home than a lasting fact: mail waits for its cure.
        Failed(lasting
            ? DeliveryOutcome.Failed(new(5, 4, 4), host.Name.Equals(domain, StringComparison.OrdinalIgnoreCase) ? $"Domain {domain} has neither MX nor address" : $"Host {host.Name} not found", OutcomeScope.NextHop)
            : DeliveryOutcome.Deferred(new(4, 4, 3), $"DNS lookup of host {host.Name} {(answer.Finding == DnsFinding.Trouble ? "failed" : "found no address")}", OutcomeScope.NextHop));
        return [];
    }

    private static RelayEndPoint EndPointOf(RouteHost host, EndPoint address) =>
        new(host.Name, address) { Protocol = host.Protocol, Tls = host.Tls, AuthLabel = host.AuthLabel };
}
