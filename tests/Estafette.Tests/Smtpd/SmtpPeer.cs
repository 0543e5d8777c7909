using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Estafette.Tests.Smtpd;

/// <summary>A hand-driven client: sends exact octets, reads exact lines. Every wait has a deadline.</summary>
internal sealed class SmtpPeer(Socket socket) : IAsyncDisposable
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(20);
    private readonly byte[] _buffer = new byte[8192];
    private Stream _stream = new NetworkStream(socket, ownsSocket: true);
    private int _start;
    private int _end;

    public static async Task<SmtpPeer> ConnectAsync(IPEndPoint address)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address);
        return new SmtpPeer(socket);
    }

    public static async Task<SmtpPeer> ConnectAsync(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
        return new SmtpPeer(socket);
    }

    /// <summary>The reply's last line after sending a command; the greeting has been read.</summary>
    public async Task<string> AskAsync(string command)
    {
        await SendAsync(command + "\r\n");
        return await ReplyAsync();
    }

    public Task SendAsync(string octets) => SendAsync(Encoding.Latin1.GetBytes(octets));

    public async Task SendAsync(byte[] octets)
    {
        using var limit = new CancellationTokenSource(s_deadline);
        await _stream.WriteAsync(octets, limit.Token);
        await _stream.FlushAsync(limit.Token);
    }

    public void EndSending() => socket.Shutdown(SocketShutdown.Send);

    /// <summary>The last line of the next reply; <c>closed</c> at the end.</summary>
    public async Task<string> ReplyAsync()
    {
        while (true)
        {
            string line = await LineAsync();
            if (line == "closed" || line.Length < 4 || line[3] == ' ')
                return line;
        }
    }

    public async Task<string> LineAsync()
    {
        var line = new StringBuilder();
        while (true)
        {
            if (_start == _end && !await FillAsync())
                return line.Length == 0 ? "closed" : line.ToString();
            char c = (char)_buffer[_start++];
            if (c == '\n')
                return line.ToString().TrimEnd('\r');
            line.Append(c);
        }
    }

    public async Task<SslStream> StartTlsAsync(SslClientAuthenticationOptions? options = null)
    {
        var tls = new SslStream(_stream);
        options ??= new SslClientAuthenticationOptions { TargetHost = "mx.test" };
        options.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        await tls.AuthenticateAsClientAsync(options).WaitAsync(s_deadline);
        _stream = tls;
        _start = _end = 0;
        return tls;
    }

    private async Task<bool> FillAsync()
    {
        using var limit = new CancellationTokenSource(s_deadline);
        _start = 0;
        try
        {
            _end = await _stream.ReadAsync(_buffer, limit.Token);
        }
        catch (IOException)
        {
            _end = 0;
        }
        return _end > 0;
    }

    public async ValueTask DisposeAsync() => await _stream.DisposeAsync();
}
