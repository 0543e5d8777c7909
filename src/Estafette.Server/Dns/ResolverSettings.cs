using System.Collections.Immutable;
using System.Net;

namespace Estafette.Dns;

/// <summary>Limits and places of the resolver, by name.</summary>
public sealed record ResolverSettings
{
    /// <summary>Whom to ask; empty means what resolv.conf says, which is read again when it changes.</summary>
    public ImmutableArray<IPEndPoint> Servers { get; init; } = [];
    public string ResolvConf { get; init; } = "/etc/resolv.conf";
    public string Hosts { get; init; } = "/etc/hosts";

    /// <summary>Wait for one server; null takes resolv.conf's or 3 s.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Rounds over all servers; null takes resolv.conf's or 2.</summary>
    public int? Attempts { get; init; }

    /// <summary>One question with everything it needs.</summary>
    public TimeSpan TotalTimeout { get; init; } = TimeSpan.FromSeconds(30);
    public int CacheEntries { get; init; } = 10_000;
    public TimeSpan MaximumTtl { get; init; } = TimeSpan.FromDays(1);
    public TimeSpan MaximumNegativeTtl { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>A failure is remembered for so long, lest a broken domain be asked for with every message (RFC 9520).</summary>
    public TimeSpan FailureTtl { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Questions under way at once.</summary>
    public int ConcurrentQueries { get; init; } = 500;

    /// <summary>Mixes letter case in questions so that a forger must guess it, too; some servers cannot stand it.</summary>
    public bool RandomizeCase { get; init; }

    /// <summary>How often resolv.conf and hosts are looked at.</summary>
    public TimeSpan FileCheckInterval { get; init; } = TimeSpan.FromSeconds(5);
}
