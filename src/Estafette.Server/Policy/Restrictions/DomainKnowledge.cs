using System.Collections.Immutable;
using System.Net;
using Estafette.Dns;

namespace Estafette.Policy.Restrictions;

internal enum DomainState : byte
{
    /// <summary>Mail can be sent there.</summary>
    Known,
    Unknown,

    /// <summary>The name server could not say.</summary>
    Unsure,

    /// <summary>RFC 7505: it takes no mail.</summary>
    NullMx,
}

/// <summary>Whether mail could be sent to a domain: it has a mail exchanger or, without one, an address (RFC 5321 s5.1).</summary>
internal readonly record struct DomainKnowledge(DomainState State)
{
    public static async ValueTask<DomainKnowledge> OfAsync(Resolver dns, string domain, CancellationToken cancellationToken)
    {
        DnsAnswer<MxRecord> exchangers = await dns.MxAsync(domain, cancellationToken);
        if (exchangers.IsFound)
            return new DomainKnowledge(exchangers.Records.All(r => r.Exchange.Length == 0) ? DomainState.NullMx : DomainState.Known);
        if (exchangers.IsTemporary)
            return new DomainKnowledge(DomainState.Unsure);
        DnsAnswer<IPAddress> addresses = await dns.AddressesAsync(domain, cancellationToken);
        return new DomainKnowledge(addresses.IsFound ? DomainState.Known : addresses.IsTemporary ? DomainState.Unsure : DomainState.Unknown);
    }
}
