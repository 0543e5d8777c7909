using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Estafette.SystemTests.Peers;

/// <summary>
/// Stands before the server for GNU SASL's client, which says STARTTLS without EHLO and so is turned away, as by OpenSMTPD: it says EHLO in its place and then carries octets
/// both ways. What is bound is the TLS between client and server, which this does not touch.
/// </summary>
internal sealed class GreetingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _serving;

    public GreetingProxy(int server)
    {
        _listener.Start();
        _serving = ServeAsync(server);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _serving;
        _listener.Stop();
        _stop.Dispose();
    }

    private async Task ServeAsync(int server)
    {
        try
        {
            while (true)
            {
                using TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token);
                using var upstream = new TcpClient();
                await upstream.ConnectAsync(IPAddress.Loopback, server, _stop.Token);
                await CarryAsync(client.GetStream(), upstream.GetStream());
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // The test is over.
        }
    }

    private async Task CarryAsync(NetworkStream client, NetworkStream server)
    {
        try
        {
            string greeting = await LineAsync(server);
            await server.WriteAsync("EHLO client.test\r\n"u8.ToArray(), _stop.Token);
            while ((await LineAsync(server))[3] == '-')
                continue;
            await client.WriteAsync(Encoding.ASCII.GetBytes(greeting + "\n"), _stop.Token);
            await Task.WhenAny(client.CopyToAsync(server, _stop.Token), server.CopyToAsync(client, _stop.Token));
        }
        catch (IOException)
        {
            // One side has hung up.
        }
    }

    private async Task<string> LineAsync(NetworkStream stream)
    {
        var line = new StringBuilder();
        byte[] octet = new byte[1];
        while (await stream.ReadAsync(octet, _stop.Token) == 1 && octet[0] != (byte)'\n')
            line.Append((char)octet[0]);
        return line.ToString();
    }
}
