using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Delivery.Remote;

/// <summary>A host of a route before its addresses are known.</summary>
internal sealed record RouteHost(string Name, int Port)
{
    public RelayProtocol Protocol { get; init; }
    public TlsLevel? Tls { get; init; }
    public string? AuthLabel { get; init; }

    /// <summary>The domain or fixed host that led here.</summary>
    public string NextHop { get; init; } = Name;

    /// <summary>Fixed by the configuration, or found by MX.</summary>
    public bool Fixed { get; init; }

    /// <summary>The next hop as it was written, <c>[host]:port</c>: a key of tables; empty where there is none but the domain.</summary>
    public string Written { get; init; } = "";
}

/// <summary>The hosts to try in order, or the outcome that stands without trying any.</summary>
internal sealed record RoutePlan(ImmutableArray<RouteHost> Hosts, DeliveryOutcome? Verdict = null)
{
    public static RoutePlan Of(DeliveryOutcome verdict) => new([], verdict);
}

/// <summary>
/// Where mail for a domain goes (RFC 5321 s5.1): fixed hosts, an address literal, or exchangers by preference with equals shuffled, the domain's own
/// address where there is no MX, nothing for a null MX (RFC 7505), only better exchangers for a backup (E31, E40).
/// </summary>
internal sealed class RoutePlanner(IExchangerDns dns, IRelayTables tables)
{
    private static readonly IdnMapping Idn = new() { UseStd3AsciiRules = false, AllowUnassigned = true };

    public const int SmtpPort = 25;

    public async ValueTask<RoutePlan> PlanAsync(ActionConfig.Relay action, string domain, MailConfig config, CancellationToken cancellationToken)
    {
        if (action.ByNextHop is { } protocol)
            return await ByNextHopAsync(domain, protocol, action, config, cancellationToken);
        if (!action.Hosts.IsEmpty)
            return await FixedAsync(action.Hosts, action, config, cancellationToken);
        if (action.DomainTable is string table)
        {
            RelayHostAnswer row = await tables.HostOfAsync(table, domain, cancellationToken);
            if (row.Trouble is not null)
                return RoutePlan.Of(DeliveryOutcome.Deferred(new(4, 3, 5), row.Trouble, OutcomeScope.NextHop));
            if (row.Host is null)
                return RoutePlan.Of(DeliveryOutcome.Failed(new(5, 4, 4), $"Table {table} has no relay host for {domain}", OutcomeScope.NextHop));
            return await FixedAsync([row.Host], action, config, cancellationToken);
        }
        return await ByDomainAsync(domain, new RouteHost(domain, SmtpPort), action, config, cancellationToken);
    }

    /// <summary>The next hop as it is written, then the fallback relays, which take what could not be brought there (<c>smtp_fallback_relay</c>).</summary>
    private async ValueTask<RoutePlan> ByNextHopAsync(string text, RelayProtocol protocol, ActionConfig.Relay action, MailConfig config, CancellationToken cancellationToken)
    {
        ImmutableArray<RelayHost> hosts = NextHopText.Read(text, protocol, out string? problem);
        if (problem is not null)
            return RoutePlan.Of(DeliveryOutcome.Deferred(new(4, 3, 5), problem, OutcomeScope.NextHop));
        RoutePlan plan = await FixedAsync(hosts, action, config, cancellationToken);
        if (action.Fallback.Length == 0 || plan.Verdict is { Status: { Subject: 4, Detail: 6 } })
            return plan;
        RoutePlan fallback = await FixedAsync(NextHopText.Read(action.Fallback, protocol, out _), action, config, cancellationToken);
        return fallback.Hosts.IsEmpty ? plan : new RoutePlan([.. plan.Hosts, .. fallback.Hosts]);
    }

    /// <summary>The address inside <c>[192.0.2.1]</c> or <c>[IPv6:2001:db8::1]</c> (RFC 5321 s4.1.3); a bare one too, as configurations write it.</summary>
    public static bool TryLiteral(string text, out IPAddress address)
    {
        string inner = text.StartsWith('[') && text.EndsWith(']') ? text[1..^1] : text;
        if (inner.StartsWith("IPv6:", StringComparison.OrdinalIgnoreCase))
            inner = inner[5..];
        // IPAddress also reads "1" and "0x7f.1", which are names or typing errors here.
        if (IPAddress.TryParse(inner, out IPAddress? found) && (found.AddressFamily == AddressFamily.InterNetworkV6 || inner.Count(c => c == '.') == 3))
        {
            address = found;
            return true;
        }
        address = IPAddress.None;
        return false;
    }

    private async ValueTask<RoutePlan> FixedAsync(ImmutableArray<RelayHost> hosts, ActionConfig.Relay action, MailConfig config, CancellationToken cancellationToken)
    {
        var plan = ImmutableArray.CreateBuilder<RouteHost>(hosts.Length);
        RoutePlan? nothing = null;
        foreach (RelayHost host in hosts)
        {
            var settings = new RouteHost(host.Host, host.Port != 0 ? host.Port : action.Port != 0 ? action.Port : DefaultPort(host.Protocol))
            {
                Written = host.Written,
                Protocol = host.Protocol,
                Tls = host.Tls,
                AuthLabel = host.AuthLabel,
                Fixed = true,
            };
            if (host.NoMx || host.Host.StartsWith('/') || TryLiteral(host.Host, out _))
            {
                plan.Add(settings);
                continue;
            }
            RoutePlan found = await ByDomainAsync(host.Host, settings, action, config, cancellationToken);
            nothing = found.Verdict is null ? nothing : found;
            plan.AddRange(found.Hosts);
        }
        return plan.Count == 0 && nothing is not null ? nothing : new RoutePlan(plan.ToImmutable());
    }

    private static int DefaultPort(RelayProtocol protocol) => protocol switch { RelayProtocol.Smtps => 465, RelayProtocol.Lmtp => 24, _ => SmtpPort };

    private async ValueTask<RoutePlan> ByDomainAsync(string domain, RouteHost settings, ActionConfig.Relay action, MailConfig config, CancellationToken cancellationToken)
    {
        if (domain.StartsWith('['))
        {
            return TryLiteral(domain, out _)
                ? new RoutePlan([settings with { Name = domain, Fixed = true }])
                : RoutePlan.Of(DeliveryOutcome.Failed(new(5, 1, 2), $"{PeerSafe(domain)} is not an address literal", OutcomeScope.NextHop));
        }
        if (AsciiName(domain) is not string name)
            return RoutePlan.Of(DeliveryOutcome.Failed(new(5, 1, 2), $"{PeerSafe(domain)} is not a domain name", OutcomeScope.NextHop));
        settings = settings with { NextHop = name, Fixed = false };
        ExchangerAnswer answer = await dns.ExchangersAsync(name, cancellationToken);
        return answer.Finding switch
        {
            DnsFinding.Found => Exchangers(answer.Exchangers, domain, settings, action, config),
            DnsFinding.NoRecords => new RoutePlan([settings with { Name = name }]),
            DnsFinding.NoSuchName when action.ByNextHop is not null => RoutePlan.Of(DeliveryOutcome.Failed(
                new(5, 4, 4), $"Host or domain name not found. Name service error for name={domain} type=MX: Host not found", OutcomeScope.NextHop)),
            DnsFinding.Trouble when action.ByNextHop is not null => RoutePlan.Of(DeliveryOutcome.Deferred(
                new(4, 4, 3), $"Host or domain name not found. Name service error for name={domain} type=MX: Host not found, try again", OutcomeScope.NextHop)),
            DnsFinding.NoSuchName => RoutePlan.Of(DeliveryOutcome.Failed(new(5, 1, 2), $"Domain does not exist: {domain}", OutcomeScope.NextHop)),
            _ => RoutePlan.Of(DeliveryOutcome.Deferred(new(4, 4, 3), $"DNS lookup of MX for {domain} failed", OutcomeScope.NextHop)),
        };
    }

    private static RoutePlan Exchangers(ImmutableArray<Exchanger> found, string domain, RouteHost settings, ActionConfig.Relay action, MailConfig config)
    {
        if (found.Length == 1 && found[0].Name.Length == 0)
            return RoutePlan.Of(DeliveryOutcome.Failed(action.ByNextHop is null ? new(5, 1, 10) : new(5, 1, 0), $"Domain {domain} does not accept mail ({(action.ByNextHop is null ? "null MX" : "nullMX")})", OutcomeScope.NextHop));
        // A root name beside others is a mistake of the zone (RFC 7505 s3); an IP address is no name, but its meaning is plain, and many send to it.
        Exchanger[] usable = [.. found.Where(e => e.Name.Length > 0)];
        // RFC 5321 s5.1: with ourselves in the list, only those better than us are not a loop.
        int limit = usable.Where(e => OwnAddresses.IsOwnName(e.Name, config) || e.Name.Equals(action.BackupMx, StringComparison.OrdinalIgnoreCase))
            .Select(e => e.Preference).DefaultIfEmpty(int.MaxValue).Min();
        Exchanger[] better = [.. usable.Where(e => e.Preference < limit)];
        if (better.Length == 0)
        {
            return RoutePlan.Of(usable.Length == 0
                ? DeliveryOutcome.Failed(new(5, 4, 4), $"No usable MX for {domain}", OutcomeScope.NextHop)
                : DeliveryOutcome.Failed(new(5, 4, 6), $"Mail for {domain} loops back to myself", OutcomeScope.NextHop));
        }
        // Shuffle first, then a stable sort: equals keep the shuffled order (RFC 5321 s5.1).
        Random.Shared.Shuffle(better);
        return new RoutePlan([.. better.OrderBy(e => e.Preference).DistinctBy(e => e.Name, StringComparer.OrdinalIgnoreCase).Take(RelayLimits.Exchangers)
            .Select(e => settings with { Name = e.Name })]);
    }

    /// <summary>A-labels, as the DNS wants them; null when it is no name at all.</summary>
    private static string? AsciiName(string domain)
    {
        if (domain.Length is 0 or > 255)
            return null;
        if (System.Text.Ascii.IsValid(domain))
            return domain;
        try
        {
            return Idn.GetAscii(domain);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    private static string PeerSafe(string text) => Smtp.PeerText.Escape(text.Length > 255 ? text[..255] : text);
}
