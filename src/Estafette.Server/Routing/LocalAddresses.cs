using System.Collections.Frozen;
using System.Net;
using System.Net.NetworkInformation;
using Estafette.Tables;

namespace Estafette.Routing;

/// <summary>
/// The machine's own addresses: what "from local" and the address literals of "for local" mean. They are read again at most once a minute,
/// so that an address that comes or goes later counts too (O7); when they cannot be read the last ones stay.
/// </summary>
public sealed class LocalAddresses(TimeProvider clock, Func<IEnumerable<IPAddress>>? read = null)
{
    private static readonly TimeSpan Age = TimeSpan.FromMinutes(1);

    private readonly Func<IEnumerable<IPAddress>> _read = read ?? OfInterfaces;
    private volatile FrozenSet<IPAddress>? _addresses;
    private long _readAt;

    public bool Contains(IPAddress address) => Current().Contains(NetworkPrefix.Canonical(address));

    /// <summary>True for a literal in brackets, or a bare address, of this machine.</summary>
    public bool ContainsLiteral(string domain) => NetworkPrefix.TryParseAddress(domain, out IPAddress? address) && Current().Contains(address);

    private FrozenSet<IPAddress> Current()
    {
        FrozenSet<IPAddress>? addresses = _addresses;
        if (addresses is not null && clock.GetElapsedTime(Volatile.Read(ref _readAt)) < Age)
            return addresses;
        Volatile.Write(ref _readAt, clock.GetTimestamp());
        try
        {
            _addresses = addresses = _read().Select(NetworkPrefix.Canonical).ToFrozenSet();
        }
        catch (NetworkInformationException)
        {
            _addresses = addresses ??= FrozenSet.Create(IPAddress.Loopback, IPAddress.IPv6Loopback);
        }
        return addresses;
    }

    /// <summary>Scope ids are taken off: a client's address has none of ours.</summary>
    private static IEnumerable<IPAddress> OfInterfaces() =>
        NetworkInterface.GetAllNetworkInterfaces()
            .SelectMany(i => i.GetIPProperties().UnicastAddresses)
            .Select(a => new IPAddress(a.Address.GetAddressBytes()));
}
