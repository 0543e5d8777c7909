using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Estafette.Tests.Delivery.Remote;

/// <summary>
/// A server whose every answer a test decides. Steps: connect, ehlo, helo, lhlo, starttls, auth, mail, rcpt, data, eod, bdat, rset, quit. An answer is a reply (without
/// CRLF; `\n` separates lines) or one of the words !drop, !hang, !garbage, !huge, !endless. What the client sent is kept, as it was sent.
/// </summary>
internal sealed class ScriptedPeer : IAsyncDisposable
{
    private readonly Socket _listener;
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentBag<Task> _sessions = [];
    private readonly Task _accepting;
    private readonly ConcurrentDictionary<string, Func<string, string?>> _answers = new();
    private int _connections;

    public ScriptedPeer(string ehlo = "PIPELINING 8BITMIME SIZE DSN ENHANCEDSTATUSCODES", IPAddress? address = null, string? unixPath = null)
    {
        Keywords = ehlo;
        EndPoint at = unixPath is null ? new IPEndPoint(address ?? IPAddress.Loopback, 0) : new UnixDomainSocketEndPoint(unixPath);
        _listener = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        _listener.Bind(at);
        _listener.Listen(100);
        Port = (_listener.LocalEndPoint as IPEndPoint)?.Port ?? 0;
        _accepting = AcceptAsync();
    }

    public int Port { get; }
    public string Keywords { get; set; }
    public X509Certificate2? Certificate { get; init; }

    /// <summary>What the client named in its hello, of every handshake.</summary>
    public ConcurrentQueue<string> ServerNames { get; } = [];

    /// <summary>Certificates between the shown one and its authority.</summary>
    public X509Certificate2Collection? Intermediates { get; init; }
    public bool ImplicitTls { get; init; }
    public bool Lmtp { get; init; }

    /// <summary>Sent in clear text together with the 220 of STARTTLS.</summary>
    public string Injected { get; init; } = "";
    public int Connections => _connections;

    /// <summary>Every line of every connection, in order of arrival; bodies are under <see cref="Bodies"/>.</summary>
    public ConcurrentQueue<string> Lines { get; } = [];

    /// <summary>What stood between 354 and the final dot, dot-stuffed as it came, or the octets of a chunk.</summary>
    public ConcurrentQueue<string> Bodies { get; } = [];

    public ScriptedPeer On(string step, string answer) => On(step, _ => answer);

    /// <summary>Null leaves the usual answer.</summary>
    public ScriptedPeer On(string step, Func<string, string?> answer)
    {
        _answers[step] = answer;
        return this;
    }

    public ScriptedPeer Once(string step, string answer)
    {
        int used = 0;
        return On(step, _ => Interlocked.Exchange(ref used, 1) == 0 ? answer : null);
    }

    public static X509Certificate2 NewCertificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(10));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_sessions);
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                Socket client = await _listener.AcceptAsync(_end.Token);
                Interlocked.Increment(ref _connections);
                _sessions.Add(ServeAsync(client));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        await Task.Yield();
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            if (ImplicitTls)
                stream = await EncryptAsync(stream);
            await new Session(this, stream).RunAsync();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or SocketException or System.Security.Authentication.AuthenticationException)
        {
            // The client went away, as some tests want it to.
        }
        finally
        {
            await stream.DisposeAsync();
        }
    }

    private async Task<SslStream> EncryptAsync(Stream stream)
    {
        var tls = new SslStream(stream);
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            ServerCertificateSelectionCallback = Certificate is null || Intermediates is not null ? null : (_, name) =>
            {
                ServerNames.Enqueue(name ?? "");
                return Certificate;
            },
            ServerCertificateContext = Intermediates is null ? null : SslStreamCertificateContext.Create(Certificate!, Intermediates, offline: true),
        }, _end.Token);
        return tls;
    }

    private sealed class Session(ScriptedPeer peer, Stream stream)
    {
        private readonly List<byte> _input = [];
        private Stream _stream = stream;
        private int _recipients;
        private bool _encrypted = peer.ImplicitTls;
        private bool _begun;
        private bool _accepted;

        public async Task RunAsync()
        {
            if (!await AnswerAsync("connect", "", "220 peer.test ready"))
                return;
            while (await LineAsync() is string line)
            {
                peer.Lines.Enqueue(line);
                if (!await CommandAsync(line))
                    return;
            }
        }

        private async Task<bool> CommandAsync(string line)
        {
            string verb = line.Split(' ')[0].ToLowerInvariant();
            switch (verb)
            {
                case "ehlo" or "lhlo":
                    string keywords = peer.Keywords + (peer.Certificate is not null && !_encrypted ? " STARTTLS" : "");
                    return await AnswerAsync(verb, line, "250 " + string.Join('\n', keywords.Split(' ').Prepend("peer.test").Select(k => k.Replace('=', ' '))).TrimEnd());
                case "mail":
                    _recipients = 0;
                    bool kept = await AnswerAsync(verb, line, "250 2.1.0 ok");
                    _begun = _accepted;
                    return kept;
                case "rcpt" when !_begun:
                    await SendAsync("503 5.5.1 MAIL first\r\n");
                    return true;
                case "rcpt":
                    return await AnswerAsync(verb, line, "250 2.1.5 ok");
                case "data":
                    return await AnswerAsync(verb, line, _recipients > 0 ? "354 go" : "554 5.5.1 nobody") && (!_accepted || await DataAsync());
                case "bdat":
                    peer.Bodies.Enqueue(await OctetsAsync(int.Parse(line.Split(' ')[1])));
                    return await AnswerAsync(verb, line, _recipients > 0 ? "250 2.0.0 taken" : "554 5.5.1 nobody");
                case "starttls":
                    if (!await AnswerAsync(verb, line, "220 2.0.0 go", peer.Injected))
                        return false;
                    // Without a certificate it promises what it cannot do.
                    if (_accepted && peer.Certificate is null)
                        return false;
                    if (_accepted)
                    {
                        _stream = await peer.EncryptAsync(_stream);
                        _encrypted = true;
                    }
                    return true;
                case "quit":
                    await AnswerAsync(verb, line, "221 bye");
                    return false;
                default:
                    return await AnswerAsync(verb, line, verb is "helo" or "rset" ? "250 ok" : "502 5.5.2 what?");
            }
        }

        private async Task<bool> DataAsync()
        {
            var body = new StringBuilder();
            while (await LineAsync() is string line && line != ".")
                body.Append(line).Append("\r\n");
            peer.Bodies.Enqueue(body.ToString());
            for (int i = 0; i < (peer.Lmtp ? _recipients : 1); i++)
            {
                if (!await AnswerAsync("eod", i.ToString(), "250 2.0.0 taken"))
                    return false;
            }
            return true;
        }

        private async Task<bool> AnswerAsync(string step, string line, string usual, string extra = "")
        {
            string answer = (peer._answers.TryGetValue(step, out Func<string, string?>? chosen) ? chosen(line) : null) ?? usual;
            _accepted = answer[0] is '2' or '3';
            if (step == "rcpt" && _accepted)
                _recipients++;
            switch (answer)
            {
                case "!drop":
                    return false;
                case "!hang":
                    await Task.Delay(Timeout.Infinite, peer._end.Token);
                    return false;
                case "!garbage":
                    await SendAsync("\u0001\u0002 this is no reply\r\n");
                    return true;
                case "!huge":
                    for (int i = 0; i < 256; i++)
                        await SendAsync(string.Concat(Enumerable.Repeat("250-" + new string('x', 500) + "\r\n", 8)));
                    return true;
                case "!endless":
                    for (int i = 0; i < 1024; i++)
                        await SendAsync("250" + new string('-', 1024));
                    return true;
            }
            string[] lines = answer.Split('\n');
            string code = lines[0].Length >= 3 ? lines[0][..3] : lines[0];
            for (int i = 0; i < lines.Length; i++)
            {
                string text = i == 0 ? lines[i][Math.Min(4, lines[i].Length)..] : lines[i];
                lines[i] = code + (i < lines.Length - 1 ? "-" : " ") + text + "\r\n";
            }
            await SendAsync(string.Concat(lines) + extra);
            return true;
        }

        private async Task SendAsync(string text)
        {
            await _stream.WriteAsync(Encoding.UTF8.GetBytes(text), peer._end.Token);
            await _stream.FlushAsync(peer._end.Token);
        }

        private async Task<string?> LineAsync()
        {
            while (true)
            {
                int end = _input.IndexOf((byte)'\n');
                if (end >= 0)
                {
                    string line = Encoding.UTF8.GetString([.. _input[..(end + 1)]]);
                    _input.RemoveRange(0, end + 1);
                    Assert.EndsWith("\r\n", line, StringComparison.Ordinal);
                    return line[..^2];
                }
                if (!await FillAsync())
                    return null;
            }
        }

        private async Task<string> OctetsAsync(int count)
        {
            while (_input.Count < count && await FillAsync())
            {
            }
            string octets = Encoding.UTF8.GetString([.. _input[..count]]);
            _input.RemoveRange(0, count);
            return octets;
        }

        private async Task<bool> FillAsync()
        {
            byte[] buffer = new byte[65536];
            int read = await _stream.ReadAsync(buffer, peer._end.Token);
            _input.AddRange(buffer.AsSpan(0, read));
            return read > 0;
        }
    }
}
