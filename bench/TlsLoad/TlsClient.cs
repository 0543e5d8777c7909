using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Estafette.Bench;

/// <summary>One session of the driver: STARTTLS, then messages one after the other, waiting for every reply. Any refusal ends the measurement with its words.</summary>
internal sealed class TlsClient(IPEndPoint server) : IDisposable
{
    private static readonly SslClientAuthenticationOptions s_tls = new()
    {
        TargetHost = "mx.bench.test",
        RemoteCertificateValidationCallback = static (_, _, _, _) => true,
        AllowTlsResume = false,
    };

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _buffer = new byte[4096];
    private Stream _stream = Stream.Null;

    public async Task OpenAsync()
    {
        await _socket.ConnectAsync(server);
        _stream = new NetworkStream(_socket, ownsSocket: true);
        await ExpectAsync("220");
        await AskAsync("EHLO driver.bench.test\r\n", "250");
        await AskAsync("STARTTLS\r\n", "220");
        var secure = new SslStream(_stream);
        await secure.AuthenticateAsClientAsync(s_tls);
        _stream = secure;
        await AskAsync("EHLO driver.bench.test\r\n", "250");
    }

    public async Task SendAsync(ReadOnlyMemory<byte> message)
    {
        await AskAsync("MAIL FROM:<driver@bench.test>\r\n", "250");
        await AskAsync("RCPT TO:<user@relay.test>\r\n", "250");
        await AskAsync("DATA\r\n", "354");
        await _stream.WriteAsync(message);
        await ExpectAsync("250");
    }

    public Task QuitAsync() => AskAsync("QUIT\r\n", "221");

    public void Dispose()
    {
        _stream.Dispose();
        _socket.Dispose();
    }

    private async Task AskAsync(string line, string expected)
    {
        await _stream.WriteAsync(Encoding.ASCII.GetBytes(line));
        await ExpectAsync(expected);
    }

    private async Task ExpectAsync(string expected)
    {
        int length = 0;
        while (true)
        {
            int read = await _stream.ReadAsync(_buffer.AsMemory(length));
            if (read == 0 || length + read == _buffer.Length)
                throw new IOException($"the server closed the connection instead of answering {expected}");
            length += read;
            // The last line of a reply has a blank after its code.
            ReadOnlySpan<byte> text = _buffer.AsSpan(0, length);
            if (text[^1] != (byte)'\n')
                continue;
            ReadOnlySpan<byte> last = text[(text[..^1].LastIndexOf((byte)'\n') + 1)..];
            if (last.Length < 4 || last[3] == (byte)'-')
                continue;
            if (!last.StartsWith(Encoding.ASCII.GetBytes(expected)))
                throw new IOException("the server said: " + Encoding.ASCII.GetString(text).Trim());
            return;
        }
    }
}
