using System.Collections.Immutable;

namespace Estafette.Config.Model;

/// <summary>
/// How mail is routed where the configuration does it by address classes and maps (Postfix) instead of by rules: addresses are rewritten when a message comes in, and each
/// recipient is resolved to a transport and a next hop anew at every attempt, so that a changed map reaches mail that waits.
/// A list of maps is the names of tables in <see cref="MailConfig.Tables"/>, searched in order; empty means none.
/// </summary>
public sealed record MapRouting
{
    public AddressRewriting Rewriting { get; init; } = new();
    public AddressClasses Classes { get; init; } = new();
    public TransportMaps Transports { get; init; } = new();
}

/// <summary>What becomes of addresses in envelopes and headers. Each member names its parameter of postconf(5).</summary>
public sealed record AddressRewriting
{
    /// <summary><c>myorigin</c>.</summary>
    public string Origin { get; init; } = "";

    /// <summary><c>mydomain</c>.</summary>
    public string Domain { get; init; } = "";

    /// <summary><c>recipient_delimiter</c>: a set of characters; empty for none.</summary>
    public string RecipientDelimiters { get; init; } = "";

    /// <summary><c>virtual_alias_maps</c>.</summary>
    public ImmutableArray<string> VirtualAliases { get; init; } = [];
}

/// <summary>Which domains are whose, and which of their addresses exist (ADDRESS_CLASS_README). Each member names its parameter of postconf(5).</summary>
public sealed record AddressClasses
{
    /// <summary><c>mydestination</c>. Literals of own addresses (<c>inet_interfaces</c>, <c>proxy_interfaces</c>) belong to the local class by themselves.</summary>
    public MatchList Local { get; init; } = MatchList.Empty;

    /// <summary><c>virtual_alias_domains</c>.</summary>
    public MatchList VirtualAlias { get; init; } = MatchList.Empty;

    /// <summary><c>virtual_mailbox_domains</c>.</summary>
    public MatchList VirtualMailbox { get; init; } = MatchList.Empty;

    /// <summary><c>relay_domains</c>.</summary>
    public MatchList Relay { get; init; } = MatchList.Empty;
}

/// <summary>Where each class of mail goes (trivial-rewrite(8)). A value is <c>transport:nexthop</c> as in transport(5); the transport is the name of an action.</summary>
public sealed record TransportMaps
{
    /// <summary><c>transport_maps</c>.</summary>
    public ImmutableArray<string> Maps { get; init; } = [];

    /// <summary><c>relayhost</c>; empty for none.</summary>
    public string RelayHost { get; init; } = "";

    /// <summary><c>local_transport</c>.</summary>
    public string Local { get; init; } = "local";

    /// <summary><c>virtual_transport</c>.</summary>
    public string VirtualMailbox { get; init; } = "virtual";

    /// <summary><c>relay_transport</c>.</summary>
    public string Relay { get; init; } = "relay";

    /// <summary><c>default_transport</c>.</summary>
    public string Default { get; init; } = "smtp";
}
