using System.Collections.Immutable;
using System.Net;

namespace Estafette.Config.Model;

/// <summary>
/// How mail is routed where the configuration does it by address classes and maps (Postfix) instead of by rules: addresses are rewritten when a message comes in, and each
/// recipient is resolved to a transport and a next hop anew at every attempt, so that a changed map reaches mail that waits.
/// A list of maps is the names of tables in <see cref="MailConfig.Tables"/>, searched in order; empty means none.
/// </summary>
public sealed record MapRouting
{
    public AddressRewriting Rewriting { get; init; } = new();
    public MappingConfig Mapping { get; init; } = new();
    public AddressClasses Classes { get; init; } = new();
    public TransportMaps Transports { get; init; } = new();
}

/// <summary>What form addresses get, in envelopes and headers (trivial-rewrite(8)). Each member names its parameter of postconf(5).</summary>
public sealed record AddressRewriting
{
    /// <summary><c>myorigin</c>.</summary>
    public string Origin { get; init; } = "";

    /// <summary><c>mydomain</c>.</summary>
    public string Domain { get; init; } = "";

    /// <summary><c>recipient_delimiter</c>: a set of characters; empty for none.</summary>
    public string RecipientDelimiters { get; init; } = "";

    /// <summary><c>append_at_myorigin</c>.</summary>
    public bool AppendsOrigin { get; init; } = true;

    /// <summary><c>append_dot_mydomain</c>; off by default from compatibility level 1 on.</summary>
    public bool AppendsDomain { get; init; }

    /// <summary><c>swap_bangpath</c>.</summary>
    public bool SwapsBangPath { get; init; } = true;

    /// <summary><c>allow_percent_hack</c>.</summary>
    public bool AllowsPercentHack { get; init; } = true;

    /// <summary><c>resolve_dequoted_address</c>.</summary>
    public bool ResolvesDequoted { get; init; } = true;

    /// <summary><c>resolve_null_domain</c>.</summary>
    public bool ResolvesNullDomain { get; init; }

    /// <summary><c>resolve_numeric_domain</c>.</summary>
    public bool ResolvesNumericDomain { get; init; }

    /// <summary><c>allow_min_user</c>.</summary>
    public bool AllowsMinusFirst { get; init; }

    /// <summary><c>empty_address_recipient</c>.</summary>
    public string EmptyRecipient { get; init; } = "MAILER-DAEMON";

    /// <summary><c>remote_header_rewrite_domain</c>; empty leaves headers of strangers alone.</summary>
    public string RemoteHeaderDomain { get; init; } = "";
}

/// <summary>Which addresses of a message a map is for (<c>canonical_classes</c> and its kin).</summary>
[Flags]
public enum MappedAddresses : byte
{
    None = 0,
    EnvelopeSender = 1,
    EnvelopeRecipient = 2,
    HeaderSender = 4,
    HeaderRecipient = 8,
    Senders = EnvelopeSender | HeaderSender,
    Recipients = EnvelopeRecipient | HeaderRecipient,
    All = Senders | Recipients,
}

/// <summary>Which lookups carry the extension of an address over to their result (<c>propagate_unmatched_extensions</c>).</summary>
[Flags]
public enum ExtensionPropagation : byte { None = 0, Canonical = 1, Virtual = 2, Alias = 4, Forward = 8, Include = 16, Generic = 32 }

/// <summary>What addresses are mapped to when a message comes in (cleanup(8)). Each member names its parameter of postconf(5).</summary>
public sealed record MappingConfig
{
    /// <summary><c>sender_canonical_maps</c>.</summary>
    public ImmutableArray<string> SenderCanonical { get; init; } = [];

    /// <summary><c>sender_canonical_classes</c>.</summary>
    public MappedAddresses SenderCanonicalFor { get; init; } = MappedAddresses.Senders;

    /// <summary><c>recipient_canonical_maps</c>.</summary>
    public ImmutableArray<string> RecipientCanonical { get; init; } = [];

    /// <summary><c>recipient_canonical_classes</c>.</summary>
    public MappedAddresses RecipientCanonicalFor { get; init; } = MappedAddresses.Recipients;

    /// <summary><c>canonical_maps</c>.</summary>
    public ImmutableArray<string> Canonical { get; init; } = [];

    /// <summary><c>canonical_classes</c>.</summary>
    public MappedAddresses CanonicalFor { get; init; } = MappedAddresses.All;

    /// <summary><c>masquerade_domains</c>, in order; <c>!</c> in front keeps what is below that domain.</summary>
    public ImmutableArray<string> MasqueradeDomains { get; init; } = [];

    /// <summary><c>masquerade_classes</c>.</summary>
    public MappedAddresses MasqueradeFor { get; init; } = MappedAddresses.EnvelopeSender | MappedAddresses.HeaderSender | MappedAddresses.HeaderRecipient;

    /// <summary><c>masquerade_exceptions</c>: local parts.</summary>
    public MatchList MasqueradeExceptions { get; init; } = MatchList.Empty;

    /// <summary><c>virtual_alias_maps</c>.</summary>
    public ImmutableArray<string> VirtualAliases { get; init; } = [];

    /// <summary><c>virtual_alias_recursion_limit</c>.</summary>
    public int VirtualAliasNesting { get; init; } = 1000;

    /// <summary><c>virtual_alias_expansion_limit</c>.</summary>
    public int VirtualAliasSize { get; init; } = 1000;

    /// <summary><c>virtual_alias_address_length_limit</c>.</summary>
    public int VirtualAliasLength { get; init; } = 1000;

    /// <summary><c>propagate_unmatched_extensions</c>.</summary>
    public ExtensionPropagation Propagated { get; init; } = ExtensionPropagation.Canonical | ExtensionPropagation.Virtual;

    /// <summary><c>always_bcc</c>; empty for none.</summary>
    public string AlwaysBcc { get; init; } = "";

    /// <summary><c>sender_bcc_maps</c>.</summary>
    public ImmutableArray<string> SenderBcc { get; init; } = [];

    /// <summary><c>recipient_bcc_maps</c>.</summary>
    public ImmutableArray<string> RecipientBcc { get; init; } = [];

    /// <summary><c>enable_original_recipient</c>: two ways to one mailbox are two deliveries.</summary>
    public bool KeepsOriginal { get; init; } = true;

    /// <summary><c>duplicate_filter_limit</c>: recipients remembered; 0 remembers all.</summary>
    public int DuplicatesRemembered { get; init; } = 1000;
}

/// <summary>Which domains are whose, and which of their addresses exist (ADDRESS_CLASS_README). Each member names its parameter of postconf(5).</summary>
public sealed record AddressClasses
{
    /// <summary><c>mydestination</c>. Literals of own addresses belong to the local class by themselves.</summary>
    public MatchList Local { get; init; } = MatchList.Empty;

    /// <summary>The addresses behind <c>inet_interfaces</c>; null for all of the machine's.</summary>
    public ImmutableArray<IPAddress>? Interfaces { get; init; }

    /// <summary><c>proxy_interfaces</c>.</summary>
    public ImmutableArray<IPAddress> ProxyInterfaces { get; init; } = [];

    /// <summary><c>virtual_alias_domains</c>.</summary>
    public MatchList VirtualAlias { get; init; } = MatchList.Empty;

    /// <summary><c>virtual_mailbox_domains</c>.</summary>
    public MatchList VirtualMailbox { get; init; } = MatchList.Empty;

    /// <summary><c>relay_domains</c>.</summary>
    public MatchList Relay { get; init; } = MatchList.Empty;

    /// <summary><c>local_recipient_maps</c>; empty takes every name.</summary>
    public ImmutableArray<string> LocalRecipients { get; init; } = [];

    /// <summary><c>virtual_mailbox_maps</c>; empty takes every name.</summary>
    public ImmutableArray<string> VirtualMailboxes { get; init; } = [];

    /// <summary><c>relay_recipient_maps</c>; empty takes every name.</summary>
    public ImmutableArray<string> RelayRecipients { get; init; } = [];

    /// <summary><c>show_user_unknown_table_name</c>.</summary>
    public bool NamesTable { get; init; } = true;

    /// <summary><c>double_bounce_sender</c>: exists always, and what comes to it is dropped.</summary>
    public string DoubleBounceSender { get; init; } = "double-bounce";
}

/// <summary>Where each class of mail goes (trivial-rewrite(8)). A value is <c>transport:nexthop</c> as in transport(5); the transport is the name of an action.</summary>
public sealed record TransportMaps
{
    /// <summary><c>transport_maps</c>.</summary>
    public ImmutableArray<string> Maps { get; init; } = [];

    /// <summary><c>transport_maps</c> is in <c>parent_domain_matches_subdomains</c>: a domain stands for those below it.</summary>
    public bool ParentMatches { get; init; }

    /// <summary><c>relocated_maps</c>.</summary>
    public ImmutableArray<string> Relocated { get; init; } = [];

    /// <summary><c>relayhost</c>; empty for none.</summary>
    public string RelayHost { get; init; } = "";

    /// <summary><c>sender_dependent_relayhost_maps</c>.</summary>
    public ImmutableArray<string> SenderRelayHosts { get; init; } = [];

    /// <summary><c>empty_address_relayhost_maps_lookup_key</c>.</summary>
    public string NullSenderRelayHostKey { get; init; } = "<>";

    /// <summary><c>sender_dependent_default_transport_maps</c>.</summary>
    public ImmutableArray<string> SenderDefaults { get; init; } = [];

    /// <summary><c>empty_address_default_transport_maps_lookup_key</c>.</summary>
    public string NullSenderDefaultKey { get; init; } = "<>";

    /// <summary><c>local_transport</c>.</summary>
    public string Local { get; init; } = "local";

    /// <summary><c>virtual_transport</c>.</summary>
    public string VirtualMailbox { get; init; } = "virtual";

    /// <summary><c>relay_transport</c>.</summary>
    public string Relay { get; init; } = "relay";

    /// <summary><c>default_transport</c>.</summary>
    public string Default { get; init; } = "smtp";

    /// <summary><c>defer_transports</c>: their mail waits until an operator asks for it.</summary>
    public ImmutableArray<string> Deferred { get; init; } = [];
}
