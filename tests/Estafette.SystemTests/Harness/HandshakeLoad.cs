using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;

namespace Estafette.SystemTests.Harness;

/// <summary>Clients that start TLS on a new connection over and over, and remember which certificate each handshake was shown.</summary>
internal sealed class HandshakeLoad : IAsyncDisposable
{
    private readonly int _port;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task[] _clients;
    private int _done;

    public HandshakeLoad(int port, int clients = 3)
    {
        _port = port;
        _clients = [.. Enumerable.Range(0, clients).Select(_ => RepeatAsync())];
    }

    public int Done => Volatile.Read(ref _done);
    public ConcurrentQueue<string> Failures { get; } = new();

    /// <summary>The SHA-256 of the certificate that the newest handshake was shown.</summary>
    public string Newest { get; private set; } = "";

    /// <summary>One connection: greeting, EHLO, STARTTLS, handshake; the fingerprint of what was shown.</summary>
    public static async Task<string> OnceAsync(int port)
    {
        using var limit = new CancellationTokenSource(Wait.Usual);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, limit.Token);
        NetworkStream clear = client.GetStream();
        await AskAsync(clear, null, limit.Token);
        await AskAsync(clear, "EHLO client.test\r\n", limit.Token);
        await AskAsync(clear, "STARTTLS\r\n", limit.Token);
        await using var tls = new SslStream(clear);
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "mx.test", AllowTlsResume = false, RemoteCertificateValidationCallback = (_, _, _, _) => true }, limit.Token);
        string shown = tls.RemoteCertificate!.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant();
        await AskAsync(tls, "EHLO client.test\r\n", limit.Token);
        await tls.WriteAsync("QUIT\r\n"u8.ToArray(), limit.Token);
        return shown;
    }

    private async Task RepeatAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                Newest = await OnceAsync(_port);
                Interlocked.Increment(ref _done);
            }
            catch (Exception e) when (e is IOException or SocketException or AuthenticationException or OperationCanceledException or InvalidDataException)
            {
                Failures.Enqueue(e.ToString());
            }
            // Several dozen a second are enough, and leave the machine to the others.
            await Task.Delay(40);
        }
    }

    private static async Task AskAsync(Stream stream, string? command, CancellationToken cancellationToken)
    {
        if (command is not null)
            await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(command), cancellationToken);
        using var reply = new StringWriter();
        byte[] octet = new byte[1];
        string line;
        do
        {
            line = "";
            while (!line.EndsWith('\n'))
            {
                if (await stream.ReadAsync(octet, cancellationToken) == 0)
                    throw new InvalidDataException($"closed after {command}");
                line += (char)octet[0];
            }
        }
        while (line.Length > 3 && line[3] == '-');
        if (line[0] != '2')
            throw new InvalidDataException($"{command?.Trim()}: {line.Trim()}");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_clients);
        _stop.Dispose();
    }
}
