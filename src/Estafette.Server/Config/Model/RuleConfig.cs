using System.Collections.Immutable;

namespace Estafette.Config.Model;

/// <summary>One rule: tried in order, the first whose criteria all hold wins. No rule: the recipient is refused.</summary>
public sealed record RuleConfig
{
    public required SourceSpan At { get; init; }
    public ImmutableArray<Criterion> Criteria { get; init; } = [];

    /// <summary>The action's name; null rejects.</summary>
    public string? Action { get; init; }
}

/// <summary>What a criterion looks at. Client-side ones first, recipient-side ones last.</summary>
public enum CriterionKind
{
    /// <summary>Always holds; written for the reader.</summary>
    FromAny,

    /// <summary>Local submission, one of the machine's own addresses, or an authenticated client.</summary>
    FromLocal,

    /// <summary>Local submission only.</summary>
    FromSocket,

    /// <summary>Client address in a list of addresses and networks.</summary>
    FromSource,

    /// <summary>Authenticated; with values: as one of these.</summary>
    FromAuth,

    /// <summary>Verified reverse name; without values: has one.</summary>
    FromRdns,
    FromMailFrom,
    Tag,
    Helo,
    MailFrom,
    Auth,
    Tls,

    /// <summary>The client showed a certificate whose fingerprint, or that of its key, is listed; verified or not.</summary>
    TlsCertificate,

    /// <summary>The client's certificate was verified by one of these trust anchors.</summary>
    TlsAnchor,
    ForAny,

    /// <summary>localhost, the server's own names and its address literals.</summary>
    ForLocal,
    ForDomain,
    ForRcptTo,
}

public sealed record Criterion(CriterionKind Kind, bool Negated = false, ValueList? Values = null);

/// <summary>Values of a criterion: a table's keys or patterns written in place; as shell-like patterns, or as regular expressions.</summary>
public sealed record ValueList
{
    /// <summary>Name of a table in <see cref="MailConfig.Tables"/>; values in place are an anonymous table, so there is always one.</summary>
    public required string Table { get; init; }
    public bool Regex { get; init; }
}
