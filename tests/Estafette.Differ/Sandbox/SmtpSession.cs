using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Estafette.Differ.Sandbox;

/// <summary>A client that says what the scenario tells it, and keeps every reply. It never throws for what the server does: a lost connection is a reply named `closed`.</summary>
internal sealed class SmtpSession : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);
    private readonly TcpClient _client;
    private readonly List<(string Command, IReadOnlyList<string> Lines)> _replies = [];
    private readonly List<byte> _pending = [];
    private Stream? _stream;

    private SmtpSession(TcpClient client) => _client = client;

    public IReadOnlyList<(string Command, IReadOnlyList<string> Lines)> Replies => _replies;

    /// <param name="options">`from=IP to=IP:PORT tls`, each may be left out; a client of the outer world speaks to the machine's outer address.</param>
    public static SmtpSession Run(string options, IEnumerable<string> lines)
    {
        string? Option(string name) => options.Split(' ').FirstOrDefault(o => o.StartsWith(name + "=", StringComparison.Ordinal))?[(name.Length + 1)..];
        IPAddress from = IPAddress.Parse(Option("from") ?? "127.0.0.1");
        bool outside = OuterWorld.Has(from);
        IPEndPoint to = Option("to") is string address ? IPEndPoint.Parse(address)
            : new IPEndPoint(IPAddress.Parse((from.AddressFamily == AddressFamily.InterNetworkV6, outside) switch { (true, true) => "2001:db8:1::1", (true, false) => "::1", (false, true) => "192.0.2.1", _ => "127.0.0.1" }), 25);
        TcpClient client = OuterWorld.At(from, () => new TcpClient(to.AddressFamily));
        client.Client.Bind(new IPEndPoint(from, 0));
        var session = new SmtpSession(client);
        try
        {
            client.Connect(to);
            session._stream = client.GetStream();
            if (options.Split(' ').Contains("tls"))
                session.Encrypt();
            session.Read("<connect>");
        }
        catch (SocketException)
        {
            session._replies.Add(("<connect>", ["refused"]));
            return session;
        }
        session.Play([.. lines]);
        return session;
    }

    private void Play(string[] lines)
    {
        for (int i = 0; i < lines.Length && Last is not ("closed" or "no reply"); i++)
        {
            if (lines[i][0] == '|')
            {
                int end = Array.FindIndex(lines, i, l => l[0] != '|');
                end = end < 0 ? lines.Length : end;
                // Text only goes out where the server asked for it.
                if (Last.StartsWith("354", StringComparison.Ordinal))
                {
                    Write(string.Concat(lines[i..end].Select(l => Stuffed(Text(l)) + "\r\n")) + ".\r\n");
                    Read("<end of data>");
                }
                i = end - 1;
                continue;
            }
            string command = Text(lines[i]);
            Write(command + "\r\n");
            Read(command);
            if (command == "STARTTLS" && Last.StartsWith("220", StringComparison.Ordinal))
                Encrypt();
        }
    }

    private string Last => _replies.Count == 0 ? "" : _replies[^1].Lines[^1];

    private static string Text(string line) => line.Length > 1 && line[1] == ' ' ? line[2..] : line[1..];

    private static string Stuffed(string line) => line.StartsWith('.') ? "." + line : line;

    private void Encrypt()
    {
        var tls = new SslStream(_stream!, false, (_, _, _, _) => true);
        tls.AuthenticateAsClient("mx.here.test");
        _stream = tls;
        _pending.Clear();
    }

    private void Write(string text)
    {
        try
        {
            _stream!.Write(Encoding.UTF8.GetBytes(text));
            _stream.Flush();
        }
        catch (IOException)
        {
            // The reply will be `closed`.
        }
    }

    private void Read(string command)
    {
        var reply = new List<string>();
        do
        {
            reply.Add(Line());
        } while (reply[^1].Length > 3 && reply[^1][3] == '-');
        _replies.Add((command, reply));
    }

    private string Line()
    {
        byte[] block = new byte[4096];
        while (true)
        {
            int end = _pending.IndexOf((byte)'\n');
            if (end >= 0)
            {
                string line = Encoding.UTF8.GetString([.. _pending.GetRange(0, end)]).TrimEnd('\r');
                _pending.RemoveRange(0, end + 1);
                return line;
            }
            try
            {
                _client.ReceiveTimeout = (int)s_patience.TotalMilliseconds;
                int read = _stream!.Read(block);
                if (read == 0)
                    return "closed";
                _pending.AddRange(block.AsSpan(0, read));
            }
            catch (IOException e)
            {
                return e.InnerException is SocketException { SocketErrorCode: SocketError.TimedOut or SocketError.WouldBlock } ? "no reply" : "closed";
            }
        }
    }

    public void Dispose()
    {
        _stream?.Dispose();
        _client.Dispose();
    }
}
