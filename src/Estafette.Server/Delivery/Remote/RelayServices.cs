using System.Net.Security;
using Estafette.Events;

namespace Estafette.Delivery.Remote;

/// <summary>What every lane of the sending side shares, wired once.</summary>
internal sealed class RelayServices
{
    public RelayServices(IExchangerDns dns, IRelayTables tables, Func<string, SslStreamCertificateContext?> identities, EventSink events, TimeProvider clock, RelayTimeouts timeouts)
    {
        Dns = dns;
        Events = events;
        Timeouts = timeouts;
        Planner = new RoutePlanner(dns, tables);
        Opener = new SessionOpener(tables, new ClientTls(identities, events), events, timeouts, clock);
        Own = new OwnAddresses(clock);
    }

    public IExchangerDns Dns { get; }
    public EventSink Events { get; }
    public RelayTimeouts Timeouts { get; }
    public RoutePlanner Planner { get; }
    public SessionOpener Opener { get; }
    public OwnAddresses Own { get; }
}
