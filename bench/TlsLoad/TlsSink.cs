using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Estafette.Bench;

/// <summary>An SMTP server that demands STARTTLS, takes every message and keeps none: the far end of the measurement. It counts what it has answered with 250.</summary>
internal sealed class TlsSink : IDisposable
{
    private static readonly byte[] s_hello = "250-sink.bench.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 STARTTLS\r\n"u8.ToArray();
    private static readonly byte[] s_secureHello = "250-sink.bench.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n"u8.ToArray();
    private static readonly byte[] s_ok = "250 2.0.0 Ok\r\n"u8.ToArray();

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly SslServerAuthenticationOptions _tls;
    private long _messages;

    public TlsSink(IPEndPoint address, X509Certificate2 certificate)
    {
        _tls = new SslServerAuthenticationOptions { ServerCertificateContext = SslStreamCertificateContext.Create(certificate, null, offline: true) };
        _listener.Bind(address);
        _listener.Listen(512);
        _ = AcceptAsync();
    }

    public long Messages => Interlocked.Read(ref _messages);

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket peer;
            try
            {
                peer = await _listener.AcceptAsync();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
            peer.NoDelay = true;
            _ = ServeAsync(peer);
        }
    }

    private async Task ServeAsync(Socket peer)
    {
        try
        {
            await using var plain = new NetworkStream(peer, ownsSocket: true);
            if (!await TalkAsync(plain, greet: true, s_hello))
                return;
            await using var secure = new SslStream(plain);
            await secure.AuthenticateAsServerAsync(_tls);
            await TalkAsync(secure, greet: false, s_secureHello);
        }
        catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
        {
            // The peer left; what it was told counts.
        }
    }

    /// <summary>True when the client asked for TLS and was told to go ahead.</summary>
    private async Task<bool> TalkAsync(Stream stream, bool greet, byte[] hello)
    {
        var reader = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true, bufferSize: 16_384));
        if (greet)
            await stream.WriteAsync("220 sink.bench.test ESMTP\r\n"u8.ToArray());
        var answer = new ArrayBufferWriter<byte>(512);
        bool data = false;
        while (true)
        {
            ReadResult read = await reader.ReadAsync();
            ReadOnlySequence<byte> rest = read.Buffer;
            string verb = "";
            while (verb is not ("STAR" or "QUIT") && TryLine(ref rest, out ReadOnlySequence<byte> line))
            {
                if (data)
                {
                    if (line.Length != 1 || line.FirstSpan[0] != (byte)'.')
                        continue;
                    data = false;
                    Interlocked.Increment(ref _messages);
                    answer.Write(s_ok);
                    continue;
                }
                verb = Encoding.ASCII.GetString(line.Slice(0, Math.Min(4, line.Length))).ToUpperInvariant();
                data = verb == "DATA";
                answer.Write(verb switch
                {
                    "EHLO" => hello,
                    "DATA" => "354 go\r\n"u8,
                    "QUIT" => "221 2.0.0 Bye\r\n"u8,
                    "STAR" => "220 2.0.0 Ready\r\n"u8,
                    _ => s_ok,
                });
            }
            reader.AdvanceTo(rest.Start, rest.End);
            if (answer.WrittenCount > 0)
                await stream.WriteAsync(answer.WrittenMemory);
            answer.ResetWrittenCount();
            if (verb is "STAR" or "QUIT" || read.IsCompleted)
                return verb == "STAR";
        }
    }

    private static bool TryLine(ref ReadOnlySequence<byte> buffer, out ReadOnlySequence<byte> line)
    {
        SequencePosition? end = buffer.PositionOf((byte)'\n');
        if (end is null)
        {
            line = default;
            return false;
        }
        line = buffer.Slice(0, end.Value);
        if (line.Length > 0)
            line = line.Slice(0, line.Length - 1);
        buffer = buffer.Slice(buffer.GetPosition(1, end.Value));
        return true;
    }
}
