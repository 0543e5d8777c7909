using System.Collections.Immutable;

namespace Estafette.Config.Model;

/// <summary>
/// How much a connection to a next hop must be protected, from nothing to a known key. DANE (<c>dane</c>, <c>dane-only</c>) has its place between
/// <see cref="Encrypt"/> and <see cref="Verify"/>; MTA-STS is <see cref="Verify"/> found for a domain instead of configured; REQUIRETLS is a least level of one message.
/// </summary>
public enum TlsLevel : byte
{
    /// <summary>Clear text, even where TLS is offered.</summary>
    None,

    /// <summary>TLS where it is offered and works; nothing is verified, because clear text would be the alternative (RFC 7435).</summary>
    May,

    /// <summary>TLS or no mail; whose certificate it is does not matter.</summary>
    Encrypt,

    /// <summary>A trusted certificate in the name of the host that was connected to, which for mail by MX is a name out of the DNS.</summary>
    Verify,

    /// <summary>A trusted certificate in a name that the configuration or the recipient's domain gives, never one out of the DNS.</summary>
    Secure,

    /// <summary>A certificate or public key that is known by its digest; who signed it does not matter.</summary>
    Fingerprint,
}

public enum TlsNameKind : byte
{
    /// <summary>The name of the host that was connected to.</summary>
    Hostname,

    /// <summary>The domain that the mail goes to, or the fixed host.</summary>
    NextHop,

    /// <summary>Any name below <see cref="NextHop"/>.</summary>
    BelowNextHop,

    /// <summary>The name that stands there.</summary>
    Literal,

    /// <summary>Any name below the one that stands there.</summary>
    BelowLiteral,
}

/// <summary>A name that a certificate may have.</summary>
public readonly record struct TlsName(TlsNameKind Kind, string Name = "")
{
    /// <summary><c>hostname</c>, <c>nexthop</c>, <c>dot-nexthop</c>, <c>mx.example.org</c> or <c>.example.org</c>, as Postfix writes them; null for no name at all.</summary>
    public static TlsName? Parse(string text) => text.ToLowerInvariant() switch
    {
        "" or "." => null,
        "hostname" => new(TlsNameKind.Hostname),
        "nexthop" => new(TlsNameKind.NextHop),
        "dot-nexthop" => new(TlsNameKind.BelowNextHop),
        ['.', .. string below] => new(TlsNameKind.BelowLiteral, below),
        string name => new(TlsNameKind.Literal, name),
    };

    public override string ToString() => Kind switch
    {
        TlsNameKind.Hostname => "hostname",
        TlsNameKind.NextHop => "nexthop",
        TlsNameKind.BelowNextHop => "dot-nexthop",
        TlsNameKind.BelowLiteral => "." + Name,
        _ => Name,
    };
}

/// <summary>What TLS with a next hop must be like. The identity of a policy counts when connections are set up: one is made when the configuration is read, not once a message.</summary>
public sealed record TlsPolicy
{
    public static TlsPolicy Welcome { get; } = new();

    public TlsLevel Level { get; init; } = TlsLevel.May;

    /// <summary>Names of which the certificate must have one; empty means the level's usual ones.</summary>
    public ImmutableArray<TlsName> Names { get; init; } = [];

    /// <summary>SHA-256 of a certificate or its public key, in hexadecimal capitals without separators.</summary>
    public ImmutableArray<string> Fingerprints { get; init; } = [];

    /// <summary>Name of a trust anchor (<see cref="MailConfig.TrustAnchors"/>) or a PEM file; null means the system's.</summary>
    public string? TrustAnchor { get; init; }

    /// <summary>Our own certificate, by the name of its identity; null shows none.</summary>
    public string? Identity { get; init; }
    public TlsSettings Settings { get; init; } = TlsSettings.Default;

    /// <summary>Sent as SNI (RFC 6066 s3) instead of the host's name; null means the host's.</summary>
    public string? ServerName { get; init; }

    public static ImmutableArray<TlsName> NamesOf(TlsLevel level) => level == TlsLevel.Secure
        ? [new TlsName(TlsNameKind.NextHop), new TlsName(TlsNameKind.BelowNextHop)]
        : [new TlsName(TlsNameKind.Hostname)];
}
