using System.Collections.Immutable;

namespace Estafette.Config.Model;

/// <summary>
/// What happens to a message between reception and queue (cleanup(8)): headers completed and rewritten, headers and body checked, copies added. Belongs to the way a message came in (a listener, local
/// submission), since master.cf may name another cleanup service or switch parts off (<c>receive_override_options</c>). Each member names its parameter of postconf(5).
/// </summary>
public sealed record CleanupConfig
{
    /// <summary>False for <c>no_address_mappings</c>: no canonical, virtual alias, masquerade or copies.</summary>
    public bool MapsAddresses { get; init; } = true;

    /// <summary><c>header_checks</c>.</summary>
    public ImmutableArray<string> HeaderChecks { get; init; } = [];

    /// <summary><c>body_checks</c>.</summary>
    public ImmutableArray<string> BodyChecks { get; init; } = [];

    /// <summary><c>content_filter</c>: <c>transport:nexthop</c> that all mail takes first; empty for none.</summary>
    public string ContentFilter { get; init; } = "";
}
