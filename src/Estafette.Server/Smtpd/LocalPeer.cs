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
        return Read(socket, 4);
    }

    /// <summary>For the side that connected: the process that listens.</summary>
    public static int? ProcessOf(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        return (int?)Read(socket, 0);
    }

    private static uint? Read(Socket socket, int at)
    {
        // struct ucred: process, user, group.
        Span<byte> credentials = stackalloc byte[12];
        return socket.GetRawSocketOption(SolSocket, SoPeerCred, credentials) == credentials.Length ? BinaryPrimitives.ReadUInt32LittleEndian(credentials[at..]) : null;
    }
}
