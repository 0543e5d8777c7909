using System.Collections.Immutable;
using System.Net;

namespace Estafette.Delivery.Remote;

/// <summary>How a DNS question ended, as far as routing of mail cares.</summary>
public enum DnsFinding : byte
{
    Found,

    /// <summary>The name exists, but not with records of this kind.</summary>
    NoRecords,

    /// <summary>NXDOMAIN.</summary>
    NoSuchName,

    /// <summary>SERVFAIL, time-out, nonsense: never the same as absent (E40).</summary>
    Trouble,
}

/// <summary>One row of an MX answer; the name has no trailing dot and is empty for the null MX (RFC 7505).</summary>
public readonly record struct Exchanger(int Preference, string Name);

public sealed record ExchangerAnswer(DnsFinding Finding, ImmutableArray<Exchanger> Exchangers);

public sealed record AddressAnswer(DnsFinding Finding, ImmutableArray<IPAddress> Addresses);

/// <summary>The two questions the sending side asks; tests answer from a dictionary.</summary>
public interface IExchangerDns
{
    ValueTask<ExchangerAnswer> ExchangersAsync(string domain, CancellationToken cancellationToken);

    /// <summary>A and AAAA together; <see cref="DnsFinding.Trouble"/> only when neither gave an address and one failed.</summary>
    ValueTask<AddressAnswer> AddressesAsync(string host, CancellationToken cancellationToken);
}
