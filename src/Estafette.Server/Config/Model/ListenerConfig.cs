using System.Collections.Immutable;
using System.Net;

namespace Estafette.Config.Model;

public enum ListenerTls : byte { None, Offer, Require, Implicit }

/// <summary>Whether a client that speaks TLS is asked for a certificate. One that was only asked for may be missing or untrusted: the session goes on as unverified.</summary>
public enum ClientCertificateDemand : byte { None, Ask, Require }

public enum ListenerAuth : byte { None, Optional, Required }

/// <summary>One address that takes SMTP from the network.</summary>
public sealed record ListenerConfig
{
    public required IPEndPoint EndPoint { get; init; }

    /// <summary>As written: an address, a name, an interface or <c>all</c>.</summary>
    public required string Spec { get; init; }
    public required SourceSpan At { get; init; }
    public string Tag { get; init; } = "";

    /// <summary>What its lines in a log of the Postfix style begin with: <c>postfix/submission/smtpd</c>; empty for the usual.</summary>
    public string LogTag { get; init; } = "";

    /// <summary>Name in banner, EHLO and Received.</summary>
    public required string HostName { get; init; }
    public ListenerTls Tls { get; init; }

    /// <summary>How TLS is spoken here: what holds for all listeners, with what this one says otherwise.</summary>
    public TlsSettings TlsSettings { get; init; } = TlsSettings.Default;
    public ClientCertificateDemand ClientCertificate { get; init; }

    /// <summary>Names of <see cref="MailConfig.Identities"/>; the first is the default, the others answer to SNI.</summary>
    public ImmutableArray<string> Identities { get; init; } = [];

    /// <summary>Names of <see cref="MailConfig.TrustAnchors"/> by which client certificates are verified; empty means those of the system.</summary>
    public ImmutableArray<string> ClientAnchors { get; init; } = [];
    public ListenerAuth Auth { get; init; }

    public AuthSource AuthSource { get; init; } = AuthSource.SystemUsers.Default;

    /// <summary>The mechanisms that may be offered, in this order; empty leaves the choice to the source.</summary>
    public ImmutableArray<string> AuthMechanisms { get; init; } = [];

    /// <summary>Offers AUTH without TLS too: said in so many words only (E9).</summary>
    public bool AuthWithoutTls { get; init; }

    /// <summary>Table of who may use which sender address; null allows all.</summary>
    public string? SendersTable { get; init; }

    /// <summary>Rewrites From to the envelope's sender (<c>senders ... masquerade</c>).</summary>
    public bool Masquerade { get; init; }

    /// <summary>Leaves the client's name and address out of Received.</summary>
    public bool MaskSource { get; init; }

    /// <summary>Does not announce DSN.</summary>
    public bool NoDsn { get; init; }

    /// <summary>Takes the PROXY protocol, version 1 and 2 (E49).</summary>
    public bool ProxyProtocol { get; init; }

    /// <summary>Table of the networks whose PROXY headers are believed; others are disconnected. Null believes whoever can connect.</summary>
    public string? ProxySources { get; init; }

    /// <summary>Table of networks whose lone LF and CR are mended like those of local programs; from everybody else they end the session (E2). Null: nobody's.</summary>
    public string? MendedSources { get; init; }

    /// <summary>Name of a filter or chain; null when none.</summary>
    public string? Filter { get; init; }

    /// <summary>Restrictions and limits of smtpd(8); null where filters and rules decide.</summary>
    public SmtpdConfig? Smtpd { get; init; }

    /// <summary>How qmail-smtpd(8) treats its clients here; null where the language is another.</summary>
    public QmailSmtpdConfig? Qmail { get; init; }

    /// <summary>What cleanup(8) does with messages from here; null where the language has no such thing.</summary>
    public CleanupConfig? Cleanup { get; init; }
}

public sealed record LocalSubmissionConfig
{
    /// <summary>Table of which sender addresses a local user may use beside the own one (E30); root may use all. Null allows all to everybody.</summary>
    public string? SendersTable { get; init; }
    public string? Filter { get; init; }
    public bool MaskSource { get; init; }
    public string Tag { get; init; } = "local";

    /// <summary><c>authorized_submit_users</c>: login names that may hand in mail; empty for all.</summary>
    public MatchList Submitters { get; init; } = MatchList.Empty;

    /// <summary>What cleanup(8) does with messages of local programs; null where the language has no such thing.</summary>
    public CleanupConfig? Cleanup { get; init; }
}
