using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Estafette.Config;
using Estafette.Smtp;

namespace Estafette.Delivery.Remote;

/// <summary>
/// One connection to a peer: octets out, replies in, TLS when asked. It knows no verbs. A failure (lost, silent for too long, talking nonsense, the lane
/// cancelled) is an answer, kept in <see cref="Failure"/>; after one the connection is of no use. One deadline at a time, one user at a time.
/// </summary>
internal sealed class SmtpConnection : IAsyncDisposable
{
    private const int ReadSize = 4096;
    private readonly Socket _socket;
    private readonly CancellationTokenSource _deadline;
    private readonly CancellationTokenRegistration _abort;
    private Stream _stream;
    private byte[] _input = new byte[ReadSize];
    private int _start;
    private int _end;
    private int _replyLength;
    private byte[] _knownOctets = [];
    private ServerReply? _knownReply;
    private SaslCredentials? _secret;

    private SmtpConnection(Socket socket, CancellationTokenSource deadline, CancellationTokenRegistration abort)
    {
        _socket = socket;
        _stream = new NetworkStream(socket, ownsSocket: true);
        _deadline = deadline;
        _abort = abort;
    }

    /// <summary>What waits to be sent.</summary>
    public OutputBuffer Output { get; } = new();

    /// <summary>Why the connection is of no use any more; null while it works.</summary>
    public string? Failure { get; private set; }

    public bool IsEncrypted => _stream is PeerTlsStream;

    /// <summary>The peer's certificate was trusted and in the right name.</summary>
    public bool IsVerified => _stream is PeerTlsStream { Finding.IsVerified: true };

    /// <summary>What the peer's certificate turned out to be; null before there was a handshake.</summary>
    public PeerFinding? Finding => (_stream as PeerTlsStream)?.Finding;

    /// <summary>Whether the peer closed, or said something unasked (421), while nothing was going on.</summary>
    public bool IsStale() => Failure is not null || _end > _start + _replyLength || _socket.Poll(0, SelectMode.SelectRead);

    public IPAddress? LocalAddress => (_socket.LocalEndPoint as IPEndPoint)?.Address;

    /// <summary>Connects, or tells in words why not.</summary>
    public static async ValueTask<(SmtpConnection? Connection, string Trouble)> ConnectAsync(
        EndPoint address, IPAddress? source, TimeSpan limit, TimeProvider clock, CancellationToken cancellationToken)
    {
        var deadline = new CancellationTokenSource(limit, clock);
        CancellationTokenRegistration abort = cancellationToken.UnsafeRegister(static d => ((CancellationTokenSource)d!).Cancel(), deadline);
        bool tcp = address is IPEndPoint;
        var socket = new Socket(address.AddressFamily, SocketType.Stream, tcp ? ProtocolType.Tcp : ProtocolType.Unspecified);
        try
        {
            if (source is not null)
                socket.Bind(new IPEndPoint(source, 0));
            await socket.ConnectAsync(address, deadline.Token);
            if (tcp)
                socket.NoDelay = true;
            return (new SmtpConnection(socket, deadline, abort), "");
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            socket.Dispose();
            await abort.DisposeAsync();
            deadline.Dispose();
            return (null, e is SocketException s ? Words(s.SocketErrorCode) : "Connection timed out");
        }
    }

    /// <summary>Sends what waits. False when the connection failed.</summary>
    public async ValueTask<bool> FlushAsync(TimeSpan limit)
    {
        if (Failure is not null)
            return false;
        try
        {
            _deadline.CancelAfter(limit);
            await _stream.WriteAsync(Output.Written, _deadline.Token);
            return true;
        }
        catch (Exception e) when (IsConnectionTrouble(e))
        {
            Failure = WordsOf(e);
            return false;
        }
        finally
        {
            Output.WipeSecret();
            Output.Clear();
        }
    }

    /// <summary>The code of the next reply, 0 when the connection failed. The reply itself is <see cref="Reply"/> until the next call.</summary>
    public async ValueTask<int> ReadReplyAsync(TimeSpan limit)
    {
        _start += _replyLength;
        _replyLength = 0;
        bool armed = false;
        while (true)
        {
            switch (ServerReplyParser.Read(_input.AsSpan(_start, _end - _start), out int code, out int length))
            {
                case ReplyReading.Complete:
                    _replyLength = length;
                    return code;
                case ReplyReading.Malformed:
                    Failure ??= "it sent something that is no SMTP reply";
                    return 0;
            }
            if (!armed && !_deadline.IsCancellationRequested)
                _deadline.CancelAfter(limit);
            armed = true;
            if (!await FillAsync())
                return 0;
        }
    }

    /// <summary>The reply that was read last, in a form that may be kept.</summary>
    public ServerReply Reply
    {
        get
        {
            // A busy peer says the same words a thousand times: one object serves them all.
            ReadOnlySpan<byte> octets = ReplyOctets;
            if (_knownReply is null || !octets.SequenceEqual(_knownOctets))
            {
                ServerReply reply = ServerReply.Of(octets);
                _knownReply = _secret is null ? reply : reply with { Text = SecretEcho.Hide(reply.Text, _secret) };
                _knownOctets = octets.ToArray();
            }
            return _knownReply;
        }
    }

    /// <summary>From now on no reply repeats this login's password, whenever the peer does (E54).</summary>
    public void Conceal(SaslCredentials secret) => (_secret, _knownReply) = (secret, null);

    public ReadOnlySpan<byte> ReplyOctets => _input.AsSpan(_start, _replyLength);

    /// <summary>Octets that came behind the last reply although nothing was asked.</summary>
    public int Unasked => _end - _start - _replyLength;

    /// <summary>
    /// Starts TLS as client. What the peer sent in clear text before the handshake is thrown away (E6). False when the handshake failed; the
    /// connection is of no use then, and <see cref="Failure"/> says why.
    /// </summary>
    public async ValueTask<bool> StartTlsAsync(SslClientAuthenticationOptions options, TimeSpan limit)
    {
        _start = _end = _replyLength = 0;
        var tls = new PeerTlsStream(_stream);
        _stream = tls;
        try
        {
            _deadline.CancelAfter(limit);
            await tls.AuthenticateAsClientAsync(options, _deadline.Token);
            return true;
        }
        catch (AuthenticationException e)
        {
            Failure = tls.Finding?.Refusal ?? PeerText.Escape(e.InnerException?.Message is { Length: > 0 } inner ? inner : e.Message);
            return false;
        }
        catch (Exception e) when (e is ArgumentException or System.Security.Cryptography.CryptographicException)
        {
            // A host's name out of the DNS that is none for TLS, or a certificate that nobody can read.
            Failure = "the host's name or its certificate is unusable: " + PeerText.Escape(e.Message);
            return false;
        }
        catch (Exception e) when (IsConnectionTrouble(e))
        {
            Failure = WordsOf(e);
            return false;
        }
    }

    /// <summary>The TLS version as mail logs name it, and the cipher; null in clear text.</summary>
    public (string Protocol, CipherSuite Cipher)? Tls => _stream is PeerTlsStream tls
        ? (SslStreamTerms.NameOf(tls.SslProtocol), CipherSuites.Of(tls.NegotiatedCipherSuite))
        : null;

    /// <summary>What a login can be bound to (RFC 5929 s4); null in clear text.</summary>
    public byte[]? EndPointBinding() => _stream is PeerTlsStream { RemoteCertificate: X509Certificate2 certificate } ? ChannelBindings.EndPointOf(certificate) : null;

    public async ValueTask DisposeAsync()
    {
        Failure ??= "closed";
        await _abort.DisposeAsync();
        await _stream.DisposeAsync();
        _deadline.Dispose();
        Output.Dispose();
    }

    private async ValueTask<bool> FillAsync()
    {
        if (_start == _end)
        {
            _start = _end = 0;
        }
        else if (_end == _input.Length)
        {
            // The parser bounds a reply, so this ends at MaximumReply and a bit.
            byte[] larger = _start > 0 ? _input : new byte[_input.Length * 2];
            _input.AsSpan(_start, _end - _start).CopyTo(larger);
            _end -= _start;
            _start = 0;
            _input = larger;
        }
        try
        {
            int count = await _stream.ReadAsync(_input.AsMemory(_end), _deadline.Token);
            _end += count;
            if (count == 0)
                Failure ??= "lost connection";
            return count > 0;
        }
        catch (Exception e) when (IsConnectionTrouble(e))
        {
            Failure ??= WordsOf(e);
            return false;
        }
    }

    private static bool IsConnectionTrouble(Exception e) => e is IOException or SocketException or OperationCanceledException or ObjectDisposedException;

    private string WordsOf(Exception e) => e switch
    {
        OperationCanceledException => _abort.Token.IsCancellationRequested ? "delivery was interrupted" : "timed out",
        IOException { InnerException: SocketException s } => Words(s.SocketErrorCode),
        SocketException s => Words(s.SocketErrorCode),
        _ => "lost connection",
    };

    private static string Words(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => "Connection refused",
        SocketError.TimedOut => "Connection timed out",
        SocketError.NetworkUnreachable => "Network is unreachable",
        SocketError.HostUnreachable => "No route to host",
        SocketError.AddressNotAvailable => "Source address is not available",
        SocketError.ConnectionReset or SocketError.Shutdown => "lost connection",
        _ => PeerText.Escape(new SocketException((int)error).Message),
    };
}
