using System.Collections.Immutable;

namespace Estafette.Dns;

internal readonly record struct DnsKey(string Name, DnsRecordType Type);

/// <summary>The end of a question, untyped, with how long it may be remembered.</summary>
internal sealed record DnsResult(DnsStatus Status, string CanonicalName, ImmutableArray<object> Values, bool IsAuthentic, TimeSpan Ttl, string Problem)
{
    public static DnsResult Failed(string problem, TimeSpan ttl) => new(DnsStatus.Failed, "", [], false, ttl, problem);

    public DnsAnswer<T> As<T>() =>
        new(Status, Status is DnsStatus.Found ? [.. Values.Cast<T>()] : []) { CanonicalName = CanonicalName, IsAuthentic = IsAuthentic, Problem = Problem };
}
