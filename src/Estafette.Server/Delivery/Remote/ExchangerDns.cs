using System.Collections.Immutable;
using System.Net;
using Estafette.Dns;

namespace Estafette.Delivery.Remote;

/// <summary>Asks the stub resolver, and tells its answers in the words that routing of mail needs.</summary>
public sealed class ExchangerDns(Resolver resolver) : IExchangerDns
{
    public async ValueTask<ExchangerAnswer> ExchangersAsync(string domain, CancellationToken cancellationToken)
    {
        DnsAnswer<MxRecord> answer = await resolver.MxAsync(domain, cancellationToken);
        return new ExchangerAnswer(Finding(answer.Status), [.. answer.Records.Select(r => new Exchanger(r.Preference, r.Exchange))]);
    }

    public async ValueTask<AddressAnswer> AddressesAsync(string host, CancellationToken cancellationToken)
    {
        DnsAnswer<IPAddress> answer = await resolver.AddressesAsync(host, cancellationToken);
        return new AddressAnswer(Finding(answer.Status), answer.Records);
    }

    private static DnsFinding Finding(DnsStatus status) => status switch
    {
        DnsStatus.Found => DnsFinding.Found,
        DnsStatus.NoData => DnsFinding.NoRecords,
        // A text that is no domain name can never exist.
        DnsStatus.NoSuchName or DnsStatus.BadName => DnsFinding.NoSuchName,
        _ => DnsFinding.Trouble,
    };
}
