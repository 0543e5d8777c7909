using System.Buffers.Binary;
using System.Net.Sockets;

namespace Estafette.Smtpd;

/// <summary>Who is at the other end of a Unix socket, told by the kernel (SO_PEERCRED); null where it cannot tell.</summary>
public static class LocalPeer
{
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;

    public static uint? UserOf(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        // struct ucred: process, user, group.
        Span<byte> credentials = stackalloc byte[12];
        return socket.GetRawSocketOption(SolSocket, SoPeerCred, credentials) == credentials.Length ? BinaryPrimitives.ReadUInt32LittleEndian(credentials[4..]) : null;
    }
}
