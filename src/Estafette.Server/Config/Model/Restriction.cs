using System.Collections.Immutable;

namespace Estafette.Config.Model;

/// <summary>The moments at which smtpd(8) asks a restriction list.</summary>
public enum RestrictionStage : byte { Client, Helo, Sender, Relay, Recipient, Data, EndOfData, Etrn }

/// <summary>What one word of a restriction list does, as postconf(5) describes it under the same name.</summary>
public enum RestrictionKind : byte
{
    Permit, Reject, Defer, DeferIfPermit, DeferIfReject, Sleep, Class, CheckAccess,
    PermitInetInterfaces, PermitMyNetworks, PermitSaslAuthenticated, PermitTlsClientCerts, PermitTlsAllClientCerts, RejectPlaintextSession, RejectUnauthPipelining,
    RejectUnknownClientHostname, RejectUnknownReverseClientHostname,
    RejectInvalidHeloHostname, RejectNonFqdnHeloHostname, RejectUnknownHeloHostname, PermitNakedIpAddress,
    RejectNonFqdnSender, RejectUnknownSenderDomain, RejectUnlistedSender,
    RejectSenderLoginMismatch, RejectAuthenticatedSenderLoginMismatch, RejectUnauthenticatedSenderLoginMismatch, RejectKnownSenderLoginMismatch,
    RejectNonFqdnRecipient, RejectUnknownRecipientDomain, RejectUnlistedRecipient, RejectMultiRecipientBounce,
    RejectUnauthDestination, DeferUnauthDestination, PermitAuthDestination, PermitMxBackup,
    RejectRblClient, PermitDnswlClient, RejectRhsblClient, PermitRhswlClient, RejectRhsblReverseClient, RejectRhsblHelo, RejectRhsblSender, RejectRhsblRecipient,
}

/// <summary>Whose table entry <c>check_*_access</c> asks for.</summary>
public enum AccessSubject : byte { None, Client, ReverseClient, Helo, Sender, Recipient, Etrn, Certificate, SaslUser }

/// <summary>By what of the subject: itself, or the servers and addresses that the DNS has for its domain.</summary>
public enum AccessVia : byte { Itself, MailExchangers, NameServers, Addresses }

/// <summary>One word of a restriction list with its argument, such as <c>check_sender_access hash:/etc/postfix/access</c> or <c>reject_rbl_client zone=127.0.0.2</c>.</summary>
/// <param name="Argument">The table, zone, class, text or number behind it; empty where the word takes none.</param>
/// <param name="At">Where it is written.</param>
public sealed record Restriction(RestrictionKind Kind, string Argument, SourceSpan At)
{
    /// <summary>As written, for the log.</summary>
    public string Word { get; init; } = "";

    /// <summary><c>warn_if_reject</c> stands before it: what it would refuse is only logged.</summary>
    public bool WarnOnly { get; init; }

    /// <summary>For <see cref="RestrictionKind.CheckAccess"/>.</summary>
    public AccessSubject Subject { get; init; }

    /// <summary>For <see cref="RestrictionKind.CheckAccess"/>.</summary>
    public AccessVia Via { get; init; }

    /// <summary>Which digests <c>check_ccert_access</c> looks for, in order; false is that of the certificate, true that of its key.</summary>
    public ImmutableArray<bool> KeyDigests { get; init; } = [];
}

/// <summary>What happens where the DNS or a table fails to say whether a restriction would refuse (<c>*_tempfail_action</c>).</summary>
public enum TempfailAction : byte { DeferIfPermit, Defer }

/// <summary>The codes of refusals that postconf(5) lets an administrator choose. Each member names its parameter.</summary>
public sealed record RejectCodes
{
    public static RejectCodes Default { get; } = new();

    /// <summary><c>reject_code</c>.</summary>
    public int Reject { get; init; } = 554;

    /// <summary><c>defer_code</c>.</summary>
    public int Defer { get; init; } = 450;

    /// <summary><c>access_map_reject_code</c>.</summary>
    public int AccessMapReject { get; init; } = 554;

    /// <summary><c>access_map_defer_code</c>.</summary>
    public int AccessMapDefer { get; init; } = 450;

    /// <summary><c>relay_domains_reject_code</c>.</summary>
    public int RelayDomains { get; init; } = 554;

    /// <summary><c>invalid_hostname_reject_code</c>.</summary>
    public int InvalidHostname { get; init; } = 501;

    /// <summary><c>unknown_hostname_reject_code</c>.</summary>
    public int UnknownHostname { get; init; } = 450;

    /// <summary><c>non_fqdn_reject_code</c>.</summary>
    public int NonFqdn { get; init; } = 504;

    /// <summary><c>unknown_client_reject_code</c>.</summary>
    public int UnknownClient { get; init; } = 450;

    /// <summary><c>unknown_address_reject_code</c>.</summary>
    public int UnknownAddress { get; init; } = 450;

    /// <summary><c>maps_rbl_reject_code</c>.</summary>
    public int MapsRbl { get; init; } = 554;

    /// <summary><c>plaintext_reject_code</c>.</summary>
    public int Plaintext { get; init; } = 450;

    /// <summary><c>multi_recipient_bounce_reject_code</c>.</summary>
    public int MultiRecipientBounce { get; init; } = 550;

    /// <summary><c>unknown_local_recipient_reject_code</c>.</summary>
    public int UnknownLocalRecipient { get; init; } = 550;

    /// <summary><c>unknown_relay_recipient_reject_code</c>.</summary>
    public int UnknownRelayRecipient { get; init; } = 550;

    /// <summary><c>unknown_virtual_alias_reject_code</c>.</summary>
    public int UnknownVirtualAlias { get; init; } = 550;

    /// <summary><c>unknown_virtual_mailbox_reject_code</c>.</summary>
    public int UnknownVirtualMailbox { get; init; } = 550;
}
