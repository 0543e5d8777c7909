using System.Net;
using System.Net.Sockets;

namespace Estafette.Smtpd;

/// <summary>
/// A socket that is bound already (by root before it became somebody else, by systemd, or by a test) and what it is for. <see cref="Address"/> is where
/// the listener stands in the configuration; null means local submission. The socket lives as long as this does.
/// </summary>
public sealed record BoundListener(Socket Socket, IPEndPoint? Address)
{
    /// <summary>Binds a network listener. <c>[::]</c> takes IPv4 as well (that is what <c>listen on all</c> becomes), any other IPv6 address IPv6 only.</summary>
    public static BoundListener Network(IPEndPoint address)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (address.AddressFamily == AddressFamily.InterNetworkV6)
                socket.DualMode = address.Address.Equals(IPAddress.IPv6Any);
            // No ReuseAddress: here it would let a second server share the port; what a restart needs, the runtime sets itself.
            socket.Bind(address);
            return new BoundListener(socket, (IPEndPoint)socket.LocalEndPoint!);
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Binds the socket of local submission; everybody may connect, and the kernel tells who did.</summary>
    public static BoundListener Local(string path)
    {
        File.Delete(path);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(path));
            File.SetUnixFileMode(path, (UnixFileMode)0b110_110_110);
            return new BoundListener(socket, null);
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
    }
}
