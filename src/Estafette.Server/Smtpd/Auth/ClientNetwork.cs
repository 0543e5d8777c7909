using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Estafette.Smtpd.Auth;

/// <summary>Whom failed logins are counted for: an IPv4 address, or the /64 of an IPv6 address, which is what one customer of a provider has.</summary>
internal readonly record struct ClientNetwork(ulong Bits, bool IsVersion6)
{
    /// <summary>Null for local submission.</summary>
    public static ClientNetwork? Of(IPAddress? address)
    {
        if (address is null)
            return null;
        Span<byte> octets = stackalloc byte[16];
        address.TryWriteBytes(octets, out _);
        return address.AddressFamily == AddressFamily.InterNetworkV6
            ? new ClientNetwork(BinaryPrimitives.ReadUInt64BigEndian(octets), true)
            : new ClientNetwork(BinaryPrimitives.ReadUInt32BigEndian(octets), false);
    }
}
