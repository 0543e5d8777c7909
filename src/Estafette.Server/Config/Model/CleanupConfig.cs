using System.Collections.Immutable;
using Estafette.Mail;

namespace Estafette.Config.Model;

/// <summary>
/// What happens to a message between reception and queue (cleanup(8)): headers completed and rewritten, headers and body checked, copies added. Belongs to the way a message came in (a listener, local
/// submission), since master.cf may name another cleanup service or switch parts off (<c>receive_override_options</c>). Each member names its parameter of postconf(5).
/// </summary>
public sealed record CleanupConfig
{
    /// <summary>False for <c>no_address_mappings</c>: no canonical, virtual alias, masquerade or copies.</summary>
    public bool MapsAddresses { get; init; } = true;

    /// <summary><c>header_checks</c>; empty for <c>no_header_body_checks</c>, like the other checks.</summary>
    public ImmutableArray<string> HeaderChecks { get; init; } = [];

    /// <summary><c>mime_header_checks</c>.</summary>
    public ImmutableArray<string> MimeHeaderChecks { get; init; } = [];

    /// <summary><c>nested_header_checks</c>.</summary>
    public ImmutableArray<string> NestedHeaderChecks { get; init; } = [];

    /// <summary><c>body_checks</c>.</summary>
    public ImmutableArray<string> BodyChecks { get; init; } = [];

    /// <summary><c>body_checks_size_limit</c>: octets of one body segment that are looked at; 0 for all.</summary>
    public int BodyChecksSize { get; init; } = 51_200;

    /// <summary><c>content_filter</c>: <c>transport:nexthop</c> that all mail takes first; empty for none.</summary>
    public string ContentFilter { get; init; } = "";

    /// <summary><c>default_filter_nexthop</c>: where a filter without a next hop goes; empty for the recipient's domain.</summary>
    public string FilterNextHop { get; init; } = "";

    /// <summary><c>always_add_missing_headers</c>: also for clients whose headers are not rewritten.</summary>
    public bool AlwaysCompletes { get; init; }

    /// <summary><c>local_header_rewrite_clients</c>; local programs count in any case.</summary>
    public RewriteClients RewriteClients { get; init; } = new();

    /// <summary><c>remote_header_rewrite_domain</c>: completes addresses in the headers of all others; empty leaves their headers alone.</summary>
    public string RemoteRewriteDomain { get; init; } = "";

    /// <summary><c>undisclosed_recipients_header</c>: added where no recipient field is; empty for none.</summary>
    public string UndisclosedRecipients { get; init; } = "";

    /// <summary><c>header_from_format</c> is <c>obsolete</c>: <c>address (name)</c>.</summary>
    public bool NameBehindAddress { get; init; }

    /// <summary><c>message_drop_headers</c>.</summary>
    public ImmutableArray<string> DroppedFields { get; init; } = ["bcc", "content-length", "resent-bcc", "return-path"];

    /// <summary><c>header_size_limit</c>: octets of one field; the rest is cut.</summary>
    public int FieldSize { get; init; } = 102_400;

    /// <summary><c>header_address_token_limit</c>.</summary>
    public int AddressTokens { get; init; } = 10_240;

    /// <summary><c>line_length_limit</c>.</summary>
    public int LineLength { get; init; } = 2048;

    /// <summary><c>mime_nesting_limit</c>.</summary>
    public int MimeNesting { get; init; } = 100;

    /// <summary><c>mime_boundary_length_limit</c>.</summary>
    public int BoundaryLength { get; init; } = 2048;

    /// <summary>False for <c>disable_mime_input_processing</c>: everything behind the header is body.</summary>
    public bool FollowsMime { get; init; } = true;

    /// <summary><c>strict_8bitmime</c>, <c>strict_7bit_headers</c>, <c>strict_8bitmime_body</c>, <c>strict_mime_encoding_domain</c>: what makes a message unacceptable.</summary>
    public ContentProblems Refused { get; init; }

    /// <summary><c>hopcount_limit</c>: so many Received fields, the own one included, are too many.</summary>
    public int Hops { get; init; } = 50;

    /// <summary><c>message_reject_characters</c>.</summary>
    public ImmutableArray<byte> RejectedOctets { get; init; } = [];

    /// <summary><c>message_strip_characters</c>.</summary>
    public ImmutableArray<byte> StrippedOctets { get; init; } = [];

    /// <summary><c>mail_name</c>, in Received.</summary>
    public string MailName { get; init; } = "Postfix";

    /// <summary><c>smtpd_tls_received_header</c>.</summary>
    public bool TellsTls { get; init; }

    /// <summary><c>smtpd_sasl_authenticated_header</c>.</summary>
    public bool TellsLogin { get; init; }

    /// <summary>Whether octets of the body, too, are looked at.</summary>
    public bool LooksAtBody => !BodyChecks.IsEmpty || Refused != ContentProblems.None || !RejectedOctets.IsEmpty || !StrippedOctets.IsEmpty
        || (FollowsMime && !(HeaderChecks.IsEmpty && MimeHeaderChecks.IsEmpty && NestedHeaderChecks.IsEmpty));
}

/// <summary>Clients whose headers are completed and rewritten as those of local programs (<c>local_header_rewrite_clients</c>). Any of them is enough.</summary>
public sealed record RewriteClients
{
    /// <summary><c>permit_inet_interfaces</c>.</summary>
    public bool OwnAddresses { get; init; } = true;

    /// <summary><c>permit_mynetworks</c>.</summary>
    public bool Networks { get; init; }

    /// <summary><c>permit_sasl_authenticated</c>.</summary>
    public bool Authenticated { get; init; }

    /// <summary><c>permit_tls_all_clientcerts</c>.</summary>
    public bool Certified { get; init; }

    /// <summary><c>permit_tls_clientcerts</c>: those whose fingerprint <c>relay_clientcerts</c> has.</summary>
    public ImmutableArray<string> Certificates { get; init; } = [];

    /// <summary><c>check_address_map</c>.</summary>
    public ImmutableArray<string> AddressMaps { get; init; } = [];
}
