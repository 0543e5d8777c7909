using System.Collections.Immutable;

namespace Estafette.Dns;

/// <summary>How a question ended. The three kinds of nothing are never mixed (RFC 2308, E40, E44).</summary>
public enum DnsStatus : byte
{
    Found,

    /// <summary>The name exists without records of this type.</summary>
    NoData,

    /// <summary>NXDOMAIN.</summary>
    NoSuchName,

    /// <summary>No server gave a usable answer: SERVFAIL, REFUSED, time-out, nonsense. Another time it may be different.</summary>
    Failed,

    /// <summary>The text is no domain name, so nothing was asked.</summary>
    BadName,
}

/// <summary>One row of an MX answer; the name has no trailing dot and is empty for the null MX (RFC 7505).</summary>
public sealed record MxRecord(int Preference, string Exchange);

/// <summary>RFC 6698 s2.1.</summary>
public sealed record TlsaRecord(byte Usage, byte Selector, byte Matching, ImmutableArray<byte> Data);

/// <summary>The answer to one question, as a value.</summary>
public sealed record DnsAnswer<T>(DnsStatus Status, ImmutableArray<T> Records)
{
    /// <summary>The name the records belong to, after CNAME; lower case, without a trailing dot.</summary>
    public string CanonicalName { get; init; } = "";

    /// <summary>The resolver validated it by DNSSEC and we trust the path to that resolver: a loopback address, or <c>trust-ad</c> (E41).</summary>
    public bool IsAuthentic { get; init; }

    /// <summary>Why it failed, for people; empty otherwise.</summary>
    public string Problem { get; init; } = "";

    public bool IsFound => Status is DnsStatus.Found;

    /// <summary>True where asking again later may help: never the same as "there is none".</summary>
    public bool IsTemporary => Status is DnsStatus.Failed;
}
