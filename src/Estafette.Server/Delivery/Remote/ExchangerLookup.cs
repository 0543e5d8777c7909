using System.Net;
using Estafette.Dns;

namespace Estafette.Delivery.Remote;

/// <summary>The sending side's questions, asked of the stub resolver.</summary>
public sealed class ExchangerLookup(Resolver resolver) : IExchangerDns
{
    public async ValueTask<ExchangerAnswer> ExchangersAsync(string domain, CancellationToken cancellationToken)
    {
        DnsAnswer<MxRecord> answer = await resolver.MxAsync(domain, cancellationToken);
        return new ExchangerAnswer(FindingOf(answer.Status), [.. answer.Records.Select(r => new Exchanger(r.Preference, r.Exchange))]);
    }

    public async ValueTask<AddressAnswer> AddressesAsync(string host, CancellationToken cancellationToken)
    {
        DnsAnswer<IPAddress> answer = await resolver.AddressesAsync(host, cancellationToken);
        return new AddressAnswer(FindingOf(answer.Status), answer.Records);
    }

    private static DnsFinding FindingOf(DnsStatus status) => status switch
    {
        DnsStatus.Found => DnsFinding.Found,
        DnsStatus.NoData => DnsFinding.NoRecords,
        DnsStatus.Failed => DnsFinding.Trouble,
        _ => DnsFinding.NoSuchName,
    };
}
