using System.IO.Enumeration;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Estafette.Differ.Sandbox;

/// <summary>What a sink got in one transaction; the message is null where it took none.</summary>
internal sealed record Transaction(string Hello, bool Tls, string? Login, string From, IReadOnlyList<string> Taken, IReadOnlyList<string> Refused, string Result, byte[]? Message);

/// <summary>
/// A host that mail is relayed to: SMTP, or LMTP with the option `lmtp`. Other options: `starttls`, `auth=USER:PASSWORD` (no MAIL without), `bare` (HELO only).
/// Rules say how it answers: `VERB GLOB REPLY`, where VERB is connect, mail, rcpt or eod and GLOB matches the address.
/// </summary>
internal sealed class Sink(string name, IPEndPoint at, IReadOnlySet<string> options, string? login)
{
    private readonly List<Transaction> _transactions = [];
    private readonly List<(string Verb, string Glob, string Reply)> _rules = [];
    private readonly Lazy<X509Certificate2> _certificate = new(NewCertificate);

    public string Name => name;

    public static Sink Parse(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string? login = words.FirstOrDefault(w => w.StartsWith("auth=", StringComparison.Ordinal))?[5..];
        return new Sink(words[0], IPEndPoint.Parse(words[1]), words.Skip(2).ToHashSet(), login);
    }

    public IReadOnlyList<Transaction> Transactions
    {
        get
        {
            lock (_transactions)
                return [.. _transactions];
        }
    }

    public void Rule(string verb, string glob, string reply)
    {
        lock (_rules)
        {
            _rules.RemoveAll(r => r.Verb == verb && r.Glob == glob);
            if (reply != "none")
                _rules.Add((verb, glob, reply));
        }
    }

    public void Start()
    {
        TcpListener listener = OuterWorld.At(at.Address, () =>
        {
            var made = new TcpListener(at);
            made.Start(64);
            return made;
        });
        new Thread(() =>
        {
            while (true)
            {
                TcpClient client = listener.AcceptTcpClient();
                new Thread(() => Serve(client)) { IsBackground = true }.Start();
            }
        })
        { IsBackground = true }.Start();
    }

    private string? Answer(string verb, string address)
    {
        lock (_rules)
            return _rules.Find(r => r.Verb == verb && FileSystemName.MatchesSimpleExpression(r.Glob, address)).Reply;
    }

    private void Serve(TcpClient client)
    {
        try
        {
            using (client)
                new Session(this, client.GetStream()).Run(((IPEndPoint)client.Client.RemoteEndPoint!).Address);
        }
        catch (Exception e) when (e is IOException or SocketException or System.Security.Authentication.AuthenticationException)
        {
            // The client went away.
        }
    }

    private static X509Certificate2 NewCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 made = new CertificateRequest("CN=sink", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }

    private sealed class Session(Sink sink, Stream stream)
    {
        private readonly List<string> _taken = [];
        private readonly List<string> _refused = [];
        private Stream _stream = stream;
        private string _hello = "";
        private string? _from;
        private string? _user;
        private bool _tls;

        public void Run(IPAddress client)
        {
            string greeting = sink.Answer("connect", client.ToString()) ?? "220 " + sink.Name + " ESMTP";
            Say(greeting);
            while (Line() is string line)
            {
                string verb = line.Split(' ', ':')[0].ToUpperInvariant();
                string argument = line[verb.Length..].Trim();
                if (verb == "QUIT")
                {
                    Note("reset", null);
                    Say("221 2.0.0 bye");
                    return;
                }
                if (greeting[0] != '2')
                    Say("503 5.5.1 no service");
                else
                    Take(verb, argument);
            }
        }

        private void Take(string verb, string argument)
        {
            switch (verb)
            {
                case "EHLO" or "LHLO" when !sink.Options.Contains("bare") && verb == "LHLO" == sink.Options.Contains("lmtp"):
                    _hello = verb + " " + argument;
                    string[] words = [sink.Name, "PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN", .. !_tls && sink.Options.Contains("starttls") ? ["STARTTLS"] : Array.Empty<string>(),
                        .. sink.Login is null ? Array.Empty<string>() : ["AUTH PLAIN LOGIN"]];
                    Say(string.Join("\r\n", words.Select((w, i) => (i < words.Length - 1 ? "250-" : "250 ") + w)));
                    break;
                case "HELO":
                    _hello = verb + " " + argument;
                    Say("250 " + sink.Name);
                    break;
                case "STARTTLS" when sink.Options.Contains("starttls") && !_tls:
                    Say("220 2.0.0 go ahead");
                    var tls = new SslStream(_stream);
                    tls.AuthenticateAsServer(sink._certificate.Value);
                    (_stream, _tls) = (tls, true);
                    break;
                case "AUTH":
                    Say(LogIn(argument) ? "235 2.7.0 ok" : "535 5.7.8 authentication failed");
                    break;
                case "MAIL":
                    Mail(Address(argument));
                    break;
                case "RCPT":
                    string reply = _from is null ? "503 5.5.1 MAIL first" : sink.Answer("rcpt", Address(argument)) ?? "250 2.1.5 ok";
                    if (_from is not null)
                        (reply[0] == '2' ? _taken : _refused).Add(Address(argument));
                    Say(reply);
                    break;
                case "DATA":
                    Data();
                    break;
                case "RSET":
                    Note("reset", null);
                    Say("250 2.0.0 ok");
                    break;
                default:
                    Say(verb is "NOOP" ? "250 2.0.0 ok" : "500 5.5.1 command unrecognized");
                    break;
            }
        }

        private void Mail(string from)
        {
            Note("reset", null);
            string reply = sink.Login is not null && _user is null ? "530 5.7.0 authentication required" : sink.Answer("mail", from) ?? "250 2.1.0 ok";
            _from = from;
            if (reply[0] != '2')
                Note(reply, null);
            Say(reply);
        }

        private void Data()
        {
            if (_taken.Count == 0)
            {
                Note("reset", null);
                Say("554 5.5.1 no valid recipients");
                return;
            }
            Say("354 go");
            var message = new StringBuilder();
            while (Line() is string line && line != ".")
                message.Append(line.StartsWith('.') ? line[1..] : line).Append('\n');
            byte[] octets = Encoding.Latin1.GetBytes(message.ToString());
            if (sink.Options.Contains("lmtp"))
            {
                string[] replies = [.. _taken.Select(r => sink.Answer("eod", r) ?? "250 2.0.0 ok")];
                Note(string.Join(" / ", replies), octets);
                Say(string.Join("\r\n", replies));
                return;
            }
            string reply = sink.Answer("eod", _from!) ?? "250 2.0.0 ok";
            Note(reply, octets);
            Say(reply);
        }

        /// <summary>Ends the transaction; one without an address worth a word is not kept.</summary>
        private void Note(string result, byte[]? message)
        {
            if (_from is not null && (message is not null || result != "reset" || _refused.Count > 0))
            {
                lock (sink._transactions)
                    sink._transactions.Add(new Transaction(_hello, _tls, _user, _from, [.. _taken], [.. _refused], result == "reset" ? "nothing sent" : result, message));
            }
            _from = null;
            _taken.Clear();
            _refused.Clear();
        }

        private bool LogIn(string argument)
        {
            string[] words = argument.Split(' ');
            string Ask(string prompt)
            {
                Say("334 " + prompt);
                return Line() ?? "";
            }
            string given;
            if (words[0].Equals("PLAIN", StringComparison.OrdinalIgnoreCase))
                given = string.Join(':', Plain(words.Length > 1 ? words[1] : Ask("")).Split('\0').Skip(1));
            else
                given = Plain(words.Length > 1 ? words[1] : Ask("VXNlcm5hbWU6")) + ":" + Plain(Ask("UGFzc3dvcmQ6"));
            _user = given == sink.Login ? given.Split(':')[0] : null;
            return _user is not null;
        }

        private static string Plain(string base64) => Encoding.UTF8.GetString(Convert.FromBase64String(base64));

        private static string Address(string argument)
        {
            int open = argument.IndexOf('<', StringComparison.Ordinal), close = argument.LastIndexOf("> ", StringComparison.Ordinal);
            close = close < 0 ? argument.LastIndexOf('>') : close;
            return open < 0 || close < open ? argument : argument[(open + 1)..close];
        }

        private void Say(string text)
        {
            _stream.Write(Encoding.Latin1.GetBytes(text + "\r\n"));
            _stream.Flush();
        }

        private readonly List<byte> _pending = [];
        private readonly byte[] _block = new byte[16384];
        private int _at;

        private string? Line()
        {
            while (true)
            {
                int end = _pending.IndexOf((byte)'\n', _at);
                if (end >= 0)
                {
                    string line = Encoding.Latin1.GetString([.. _pending.GetRange(_at, end - _at)]).TrimEnd('\r');
                    _at = end + 1;
                    return line;
                }
                _pending.RemoveRange(0, _at);
                _at = 0;
                int read = _stream.Read(_block);
                if (read == 0)
                {
                    Note("reset", null);
                    return null;
                }
                _pending.AddRange(_block.AsSpan(0, read));
            }
        }
    }

    private IReadOnlySet<string> Options => options;
    private string? Login => login;
}
