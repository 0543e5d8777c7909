using System.Net;
using System.Net.NetworkInformation;
using Estafette.Config.Model;

namespace Estafette.Delivery.Remote;

/// <summary>
/// "Would this connection reach ourselves?" (E31). An address counts as our own only with a port we listen on, so that a content filter or a test sink on
/// another loopback address stays reachable. A listener on the wildcard address stands for all addresses of the machine.
/// </summary>
internal sealed class OwnAddresses(TimeProvider clock)
{
    private static readonly TimeSpan InterfacesKept = TimeSpan.FromMinutes(1);
    private readonly Lock _lock = new();
    private HashSet<IPAddress> _interfaces = [];
    private long? _readAt;

    public bool Reaches(IPEndPoint target, MailConfig config)
    {
        IPAddress address = Plain(target.Address);
        foreach (ListenerConfig listener in config.Listeners)
        {
            if (listener.EndPoint.Port != target.Port)
                continue;
            IPAddress own = Plain(listener.EndPoint.Address);
            if (own.Equals(address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
                return true;
            if ((own.Equals(IPAddress.Any) || own.Equals(IPAddress.IPv6Any)) && Interfaces().Contains(address))
                return true;
        }
        return false;
    }

    /// <summary>Whether an exchanger's name is one this server goes by.</summary>
    public static bool IsOwnName(string name, MailConfig config) =>
        name.Equals(config.HostName, StringComparison.OrdinalIgnoreCase)
        || config.Listeners.Any(l => name.Equals(l.HostName, StringComparison.OrdinalIgnoreCase));

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private HashSet<IPAddress> Interfaces()
    {
        lock (_lock)
        {
            if (_readAt is not long at || clock.GetElapsedTime(at) > InterfacesKept)
            {
                try
                {
                    _interfaces = [.. NetworkInterface.GetAllNetworkInterfaces().SelectMany(i => i.GetIPProperties().UnicastAddresses).Select(a => Plain(a.Address))];
                }
                catch (NetworkInformationException)
                {
                    // Without the list only the loopback addresses are certain.
                    _interfaces = [IPAddress.Loopback, IPAddress.IPv6Loopback];
                }
                _readAt = clock.GetTimestamp();
            }
            return _interfaces;
        }
    }
}
