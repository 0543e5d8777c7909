using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Estafette.SystemTests.Harness;
using Xunit.Abstractions;

namespace Estafette.SystemTests.Attacks;

/// <summary>E47: thousands of encrypted sessions at once. Each costs memory, and the handshakes of all come in one rush.</summary>
public sealed class ManyTlsSessionsTests(ITestOutputHelper output)
{
    private const int Sessions = 2000;

    /// <summary>Of the daemon, for each session that is open and idle; measured are about 70.</summary>
    private const int MostKilobytesEach = 250;

    /// <summary>Handshakes that the test itself drives at a time: more would measure this process.</summary>
    private const int AtOnce = 200;

    [Fact]
    public async Task Two_thousand_sessions_are_open_at_once_and_each_is_served()
    {
        await using Target target = await Target.StartAsync(
            "nameserver 127.0.0.1:9\npki mx.test cert \"@DIR@/cert.pem\"\npki mx.test key \"@DIR@/key.pem\"\nlimit sessions 4000\nlimit sessions-per-client 4000\nlimit command-timeout 30m", "tls-require", Certificates.Write);
        long before = Resident(target.Daemon);
        var clock = Stopwatch.StartNew();
        using var turn = new SemaphoreSlim(AtOnce);
        Client[] clients = await Task.WhenAll(Enumerable.Range(0, Sessions).Select(_ => OpenAsync(target.Port, turn)));
        try
        {
            TimeSpan opened = clock.Elapsed;
            long each = (Resident(target.Daemon) - before) / Sessions;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Sessions} sessions in {opened.TotalSeconds:F1} s ({Sessions / opened.TotalSeconds:F0} a second), {each} KiB each"));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"TLS sessions: {Sessions} in {opened.TotalSeconds:F1} s, {each} KiB each"));
            await Task.WhenAll(clients.Select(async client =>
            {
                await turn.WaitAsync();
                try
                {
                    Assert.StartsWith("250", await client.AskAsync("EHLO client.test"), StringComparison.Ordinal);
                    Assert.StartsWith("250", await client.AskAsync("NOOP"), StringComparison.Ordinal);
                }
                finally
                {
                    turn.Release();
                }
            }));
            Assert.InRange(each, 0, MostKilobytesEach);
            Assert.All(clients, client => Assert.False(client.IsClosed));
            await Task.WhenAll(clients.Select(async client => Assert.StartsWith("221", await client.AskAsync("QUIT"), StringComparison.Ordinal)));
        }
        finally
        {
            foreach (Client client in clients)
                await client.DisposeAsync();
        }
        Assert.DoesNotContain("TLS failed", target.Daemon.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("ended by a fault", target.Daemon.Log, StringComparison.Ordinal);
    }

    /// <summary>In KiB.</summary>
    private static long Resident(Daemon daemon)
    {
        string line = File.ReadLines($"/proc/{daemon.Running!.Process.Id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    private static async Task<Client> OpenAsync(int port, SemaphoreSlim turn)
    {
        await turn.WaitAsync();
        try
        {
            return await Client.OpenAsync(port);
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>A client that holds no more than it must.</summary>
    private sealed class Client(Socket socket, SslStream stream) : IAsyncDisposable
    {
        /// <summary>For one step, on a busy machine.</summary>
        private static readonly TimeSpan s_deadline = TimeSpan.FromMinutes(3);

        public bool IsClosed { get; private set; }

        public static async Task<Client> OpenAsync(int port)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
            var clear = new NetworkStream(socket, ownsSocket: true);
            await AskAsync(clear, "");
            await AskAsync(clear, "EHLO client.test\r\n");
            await AskAsync(clear, "STARTTLS\r\n");
            var tls = new SslStream(clear);
            using var limit = new CancellationTokenSource(s_deadline);
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "mx.test", RemoteCertificateValidationCallback = (_, _, _, _) => true }, limit.Token);
            return new Client(socket, tls);
        }

        public async Task<string> AskAsync(string command)
        {
            string reply = await AskAsync(stream, command + "\r\n");
            IsClosed |= reply.Length == 0;
            return reply;
        }

        /// <summary>The last line of the reply; empty when the server has closed.</summary>
        private static async Task<string> AskAsync(Stream stream, string command)
        {
            using var limit = new CancellationTokenSource(s_deadline);
            await stream.WriteAsync(Encoding.ASCII.GetBytes(command), limit.Token);
            byte[] buffer = new byte[1024];
            int length = 0;
            while (true)
            {
                int read = await stream.ReadAsync(buffer.AsMemory(length), limit.Token);
                if (read == 0)
                    return "";
                length += read;
                string text = Encoding.ASCII.GetString(buffer, 0, length);
                string last = text.TrimEnd('\r', '\n').Split("\r\n")[^1];
                if (text.EndsWith("\r\n", StringComparison.Ordinal) && last.Length > 3 && last[3] == ' ')
                    return last;
            }
        }

        public async ValueTask DisposeAsync()
        {
            await stream.DisposeAsync();
            socket.Dispose();
        }
    }
}
