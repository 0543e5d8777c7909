using System.Collections.Immutable;

namespace Estafette.Dns;

/// <summary>
/// Follows CNAME through one response after the other until there are records, nothing, or too many steps (RFC 1034 s3.6.2). Only records of the name
/// that is asked for are believed: whatever else a response holds is ignored.
/// </summary>
internal sealed class AliasWalk(DnsKey key, ResolverSettings settings)
{
    private int _steps;
    private uint _ttl = uint.MaxValue;
    private bool _authentic = true;

    /// <summary>The name to ask for next.</summary>
    public string Name { get; private set; } = key.Name;

    /// <summary>The result, or null when <see cref="Name"/> has to be asked for.</summary>
    public DnsResult? Take(DnsResponse response, bool trusted)
    {
        _authentic &= trusted && response.IsAuthentic;
        string asked = Name;
        while (true)
        {
            ImmutableArray<DnsRecord> own = [.. response.Answers.Where(r => r.Type == key.Type && r.Name == Name)];
            if (!own.IsEmpty)
                return Found(own);
            if (response.Answers.FirstOrDefault(r => r.Type is DnsRecordType.Cname && r.Name == Name) is not { } alias)
                break;
            if (++_steps > RecursiveServers.MaximumAliases)
                return DnsResult.Failed($"{key.Name} is an alias of too many aliases", settings.FailureTtl);
            _ttl = Math.Min(_ttl, alias.Ttl);
            Name = (string)alias.Value;
            if (!DnsName.TryNormalize(Name, out _))
                return DnsResult.Failed($"{key.Name} is an alias of no host name", settings.FailureTtl);
        }
        // An alias into a zone that this server did not look into.
        if (Name != asked && response.NegativeTtl is null && response.Code is DnsResponseCode.NoError)
            return null;
        return Nothing(response);
    }

    private DnsResult Found(ImmutableArray<DnsRecord> records)
    {
        uint ttl = Math.Min(_ttl, records.Min(r => r.Ttl));
        return new DnsResult(DnsStatus.Found, Name, [.. records.Select(r => r.Value)], _authentic, Bounded(ttl, settings.MaximumTtl), "");
    }

    private DnsResult Nothing(DnsResponse response)
    {
        DnsStatus status = response.Code is DnsResponseCode.NameError ? DnsStatus.NoSuchName : DnsStatus.NoData;
        // Without an SOA nobody said how long the nothing lasts (RFC 2308 s5).
        TimeSpan ttl = response.NegativeTtl is { } seconds ? Bounded(Math.Min(_ttl, seconds), settings.MaximumNegativeTtl) : TimeSpan.Zero;
        return new DnsResult(status, Name, [], _authentic, ttl, "");
    }

    private static TimeSpan Bounded(uint seconds, TimeSpan maximum)
    {
        TimeSpan ttl = TimeSpan.FromSeconds(seconds);
        return ttl < maximum ? ttl : maximum;
    }
}
