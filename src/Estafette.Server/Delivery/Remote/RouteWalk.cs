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
internal sealed class RouteWalk(RoutePlan plan, string domain, IExchangerDns dns, OwnAddresses own, MailConfig config, RelayHabits? habits = null)
{
    private readonly Queue<RelayEndPoint> _resting = [];
    private int _host;
    private int _address;
    private int _tried;
    private ImmutableArray<IPAddress> _addresses = [];
    private readonly int _limit = Math.Min(RelayLimits.AddressesPerAttempt, habits is { Addresses: > 0 and var addresses } ? addresses : RelayLimits.AddressesPerAttempt);
    private DeliveryOutcome? _verdict = plan.Verdict;
    private bool _ended = plan.Verdict is not null;

    public DeliveryOutcome Verdict => _verdict ?? DeliveryOutcome.Failed(new(5, 4, 4), $"No address for {domain}", OutcomeScope.NextHop);

    /// <summary>The next address, or null when the walk is over.</summary>
    public async ValueTask<RelayEndPoint?> NextAsync(CancellationToken cancellationToken)
    {
        while (!_ended && _host < plan.Hosts.Length && _tried < _limit)
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

    /// <summary>A host that the route prefers was passed over or failed.</summary>
    public bool HasPassedOver { get; private set; }

    /// <summary>Remembers why an address did not serve, if that says more than what is remembered: a later one does, but nothing lasting beside something temporary.</summary>
    public void Failed(DeliveryOutcome outcome)
    {
        HasPassedOver = true;
        if (_verdict is not { Kind: OutcomeKind.Deferred } || (outcome.Kind == OutcomeKind.Deferred && (!IsOfSafety(_verdict) || IsOfSafety(outcome))))
            _verdict = outcome;
    }

    /// <summary>What was refused for safety's sake (RFC 3463 s3.8) tells more than a connection that failed elsewhere.</summary>
    private static bool IsOfSafety(DeliveryOutcome outcome) => outcome.Status.Subject == 7;

    /// <summary>The address rests after a failure: it gets its turn when no other one served.</summary>
    public void PassOver(RelayEndPoint target, DeliveryOutcome why)
    {
        Failed(why);
        _tried--;
        _resting.Enqueue(target);
    }

    /// <summary>The next of those that were passed over; null when there are no more, or enough was tried.</summary>
    public RelayEndPoint? NextResting() => _tried++ < _limit && _resting.TryDequeue(out RelayEndPoint? target) ? target : null;

    private async ValueTask<ImmutableArray<IPAddress>> AddressesAsync(RouteHost host, CancellationToken cancellationToken)
    {
        if (RoutePlanner.TryLiteral(host.Name, out IPAddress literal))
            return [literal];
        AddressAnswer answer = await dns.AddressesAsync(host.Name, cancellationToken);
        if (answer.Finding == DnsFinding.Found)
            return Chosen(answer.Addresses) is { IsEmpty: false } chosen ? chosen : None(host, "has no address of a family that is in use");
        bool lasting = answer.Finding != DnsFinding.Trouble && !host.Fixed;
        // A fixed host that is not found is more likely a mistake at home than a lasting fact: mail waits for its cure.
        string missing = host.Name.Equals(domain, StringComparison.OrdinalIgnoreCase) ? $"Domain {domain} has neither MX nor address" : $"Host {host.Name} not found";
        Failed(lasting
            ? DeliveryOutcome.Failed(new(5, 4, 4), missing, OutcomeScope.NextHop)
            : DeliveryOutcome.Deferred(new(4, 4, 3), $"DNS lookup of host {host.Name} {(answer.Finding == DnsFinding.Trouble ? "failed" : "found no address")}", OutcomeScope.NextHop));
        return [];
    }

    /// <summary>Those of the families in use, the preferred one first.</summary>
    private ImmutableArray<IPAddress> Chosen(ImmutableArray<IPAddress> found)
    {
        IEnumerable<IPAddress> fit = found;
        if (habits is { Families: not AddressFamilies.Both })
            fit = found.Where(a => IsOf(a, habits.Families));
        if (habits is { Preferred: not AddressFamilies.Both })
            fit = fit.OrderBy(a => IsOf(a, habits.Preferred) ? 0 : 1);
        return [.. fit.Take(RelayLimits.AddressesPerHost)];
    }

    private static bool IsOf(IPAddress address, AddressFamilies family) =>
        (address.AddressFamily == AddressFamily.InterNetwork) == (family == AddressFamilies.Version4);

    private ImmutableArray<IPAddress> None(RouteHost host, string why)
    {
        Failed(DeliveryOutcome.Deferred(new(4, 4, 1), $"host {host.Name} {why}", OutcomeScope.NextHop));
        return [];
    }

    private static RelayEndPoint EndPointOf(RouteHost host, EndPoint address) =>
        new(host.Name, address) { Protocol = host.Protocol, Tls = host.Tls, AuthLabel = host.AuthLabel, NextHop = host.NextHop, Fixed = host.Fixed, Written = host.Written };
}
