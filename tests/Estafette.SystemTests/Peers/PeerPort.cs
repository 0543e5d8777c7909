using System.Net;
using System.Net.Sockets;

namespace Estafette.SystemTests.Peers;

internal static class PeerPort
{
    public static async Task<bool> AnswersAsync(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), limit.Token);
            // A first line means that it serves, not only that the kernel took the connection.
            return await socket.ReceiveAsync(new byte[512], limit.Token) > 0;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return false;
        }
    }
}
