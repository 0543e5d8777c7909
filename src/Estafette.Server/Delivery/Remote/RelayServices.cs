using Estafette.Events;

namespace Estafette.Delivery.Remote;

/// <summary>What every lane of the sending side shares, wired once.</summary>
internal sealed class RelayServices
{
    public RelayServices(IExchangerDns dns, IRelayTables tables, TlsMaterial material, EventSink events, TimeProvider clock, RelayTimeouts timeouts)
    {
        Dns = dns;
        Tables = tables;
        Events = events;
        Clock = clock;
        Timeouts = timeouts;
        Planner = new RoutePlanner(dns, tables);
        Tls = new ClientTls(material, new TrustAnchorFiles(material.Files, events), clock);
        Logins = new LoginGate(clock);
        Hosts = new HostHealth(events, clock);
        Own = new OwnAddresses(clock);
        Pace = new DeliveryPace(clock);
        Opener = new SessionOpener(this);
    }

    public IExchangerDns Dns { get; }
    public IRelayTables Tables { get; }
    public EventSink Events { get; }
    public TimeProvider Clock { get; }
    public RelayTimeouts Timeouts { get; }
    public RoutePlanner Planner { get; }
    public ClientTls Tls { get; }
    public LoginGate Logins { get; }
    public HostHealth Hosts { get; }
    public OwnAddresses Own { get; }
    public DeliveryPace Pace { get; }
    public SessionOpener Opener { get; }
}
