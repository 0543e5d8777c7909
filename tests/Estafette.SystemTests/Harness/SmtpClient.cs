using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Estafette.SystemTests.Harness;

/// <summary>The plainest SMTP client: a line out, a reply in. For tests that must know which message was acknowledged.</summary>
internal sealed class SmtpClient : IAsyncDisposable
{
    private readonly TcpClient _client = new();
    private StreamReader _reader = StreamReader.Null;
    private NetworkStream _stream = null!;

    public static async Task<SmtpClient> ConnectAsync(int port, string helo = "client.test")
    {
        var smtp = new SmtpClient();
        await smtp._client.ConnectAsync(IPAddress.Loopback, port);
        smtp._client.ReceiveTimeout = 30_000;
        smtp._stream = smtp._client.GetStream();
        smtp._reader = new StreamReader(smtp._stream, Encoding.Latin1);
        Assert.StartsWith("220", await smtp.ReplyAsync(), StringComparison.Ordinal);
        Assert.StartsWith("250", await smtp.AskAsync("EHLO " + helo), StringComparison.Ordinal);
        return smtp;
    }

    public async Task<string> AskAsync(string command)
    {
        await _stream.WriteAsync(Encoding.Latin1.GetBytes(command + "\r\n"));
        return await ReplyAsync();
    }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> octets) => _stream.WriteAsync(octets);

    /// <summary>The last line of the next reply. A closed connection throws <see cref="IOException"/>.</summary>
    public async Task<string> ReplyAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            string line = await _reader.ReadLineAsync(limit.Token) ?? throw new IOException("closed");
            if (line.Length < 4 || line[3] != '-')
                return line;
        }
    }

    /// <summary>One whole transaction; the reply to the final dot, or the first refusal.</summary>
    public async Task<string> SendAsync(string from, string to, string message)
    {
        foreach (string command in new[] { $"MAIL FROM:<{from}>", $"RCPT TO:<{to}>", "DATA" })
        {
            string reply = await AskAsync(command);
            if (reply[0] is not ('2' or '3'))
                return reply;
        }
        return await AskAsync(message.ReplaceLineEndings("\r\n") + "\r\n.");
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }
}
