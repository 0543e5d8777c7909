using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Estafette.SystemTests.Harness;

/// <summary>A hand-driven socket that speaks exact octets (as Latin-1 text), for what no well-behaved program does.</summary>
internal sealed class RawSmtp : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly StringBuilder _pending = new();
    private Stream _stream;

    private RawSmtp(Socket socket)
    {
        _socket = socket;
        _stream = new NetworkStream(socket);
    }

    /// <summary>Connects without reading the greeting.</summary>
    public static async Task<RawSmtp> ConnectAsync(int port, string from = "127.0.0.1")
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
        return new RawSmtp(socket);
    }

    public static async Task<RawSmtp> ConnectUnixAsync(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
        return new RawSmtp(socket);
    }

    /// <summary>Connects, reads the greeting, says EHLO.</summary>
    public static async Task<RawSmtp> GreetedAsync(int port, string from = "127.0.0.1")
    {
        RawSmtp client = await ConnectAsync(port, from);
        Assert.StartsWith("220", await client.ReplyAsync(), StringComparison.Ordinal);
        Assert.StartsWith("250", await client.AskAsync("EHLO attacker.test"), StringComparison.Ordinal);
        return client;
    }

    /// <summary>Writes; a connection that the server has closed swallows it, the replies tell.</summary>
    public async Task<bool> WriteAsync(string octets)
    {
        try
        {
            await _stream.WriteAsync(Encoding.Latin1.GetBytes(octets));
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    public async Task<string> AskAsync(string command)
    {
        await WriteAsync(command + "\r\n");
        return await ReplyAsync();
    }

    /// <summary>A transaction up to the server's 354.</summary>
    public async Task BeginDataAsync(string from, string to)
    {
        Assert.StartsWith("250", await AskAsync($"MAIL FROM:<{from}>"), StringComparison.Ordinal);
        Assert.StartsWith("250", await AskAsync($"RCPT TO:<{to}>"), StringComparison.Ordinal);
        Assert.StartsWith("354", await AskAsync("DATA"), StringComparison.Ordinal);
    }

    /// <summary>The next whole reply, its lines joined by LF; empty when the server closed.</summary>
    public async Task<string> ReplyAsync(TimeSpan? deadline = null)
    {
        var reply = new StringBuilder();
        while (await LineAsync(deadline) is string line)
        {
            reply.Append(reply.Length > 0 ? "\n" : "").Append(line);
            if (line.Length < 4 || line[3] != '-')
                return reply.ToString();
        }
        return reply.ToString();
    }

    /// <summary>Everything the server still says until it closes.</summary>
    public async Task<string> RestAsync(TimeSpan? deadline = null)
    {
        var rest = new StringBuilder();
        while (await LineAsync(deadline) is string line)
            rest.Append(line).Append('\n');
        return rest.ToString();
    }

    /// <summary>Ends our direction and keeps listening.</summary>
    public void EndWriting() => _socket.Shutdown(SocketShutdown.Send);

    public async Task StartTlsAsync()
    {
        var tls = new SslStream(_stream);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "mx.test", RemoteCertificateValidationCallback = (_, _, _, _) => true });
        _stream = tls;
        _pending.Clear();
    }

    /// <summary>What the server sends first, whatever it is.</summary>
    public async Task<string> FirstAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        byte[] buffer = new byte[4096];
        return Encoding.Latin1.GetString(buffer, 0, await _stream.ReadAsync(buffer, limit.Token));
    }

    /// <summary>The next line, for other protocols too; null when the server closed.</summary>
    public async Task<string?> LineAsync(TimeSpan? deadline = null)
    {
        using var limit = new CancellationTokenSource(deadline ?? TimeSpan.FromSeconds(60));
        byte[] buffer = new byte[4096];
        while (true)
        {
            string text = _pending.ToString();
            int end = text.IndexOf("\r\n", StringComparison.Ordinal);
            if (end >= 0)
            {
                _pending.Remove(0, end + 2);
                return text[..end];
            }
            int read;
            try
            {
                read = await _stream.ReadAsync(buffer, limit.Token);
            }
            catch (IOException)
            {
                read = 0;
            }
            if (read == 0)
                return null;
            _pending.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _socket.Dispose();
    }
}
