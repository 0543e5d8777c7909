using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Estafette.SystemTests.Harness;
using Xunit.Abstractions;

namespace Estafette.SystemTests.Peers;

/// <summary>The whole daemon sends to a whole Postfix that it finds through a real name server: as a smarthost that wants a login, and as the second MX of a domain.</summary>
public sealed class RelayingToPostfixTests(ITestOutputHelper output)
{
    private readonly string _password = Secrets.Password();

    [Fact]
    public async Task A_smarthost_by_name_with_verified_TLS_and_a_login()
    {
        Assert.True(Environment.IsPrivilegedProcess, "Postfix's master needs root");
        using var folder = new TemporaryFolder();
        await using var sink = new SmtpSink(folder["sink"]);
        await using NameServer dns = await NameServer.StartAsync(folder, new Dictionary<string, string> { ["smart.test"] = "@ A 127.0.0.1" });
        string sasl = folder["run/sasl"];
        await using var dovecot = new Background("/usr/sbin/dovecot", ["-F", "-c", Sasl(folder, sasl)]);
        await Wait.UntilAsync(() => File.Exists(sasl), "Dovecot's login service listens");
        int port = Ports.Free();
        using X509Certificate2 certificate = SendingToPostfixTests.Certificate(folder);
        string configuration = SendingToPostfixTests.Configuration(folder, port, sink.Port, more: string.Join('\n',
            "mynetworks =", "smtpd_sasl_auth_enable = yes", "smtpd_sasl_type = dovecot", "smtpd_sasl_path = " + sasl, "smtpd_tls_auth_only = yes",
            "smtpd_recipient_restrictions = permit_sasl_authenticated, reject"));
        await using var postfix = new Background("/usr/lib/postfix/sbin/master", ["-c", configuration, "-d"]);
        await Wait.UntilAsync(() => PeerPort.AnswersAsync(port), "Postfix greets\n" + postfix.Output);

        await using var daemon = await Daemon.StartAsync($$"""
            nameserver {{dns.At}}
            ca lab cert "@DIR@/cert.pem"
            table secrets { home = "alice:{{_password}}" }
            listen on 127.0.0.1 port @PORT@ hostname mx.home.test
            action "out" relay host smtp+tls://home@smart.test:{{port}} auth <secrets> ca lab
            match from src 127.0.0.0/8 for any action "out"
            """, folder);
        await using (SmtpClient client = await SmtpClient.ConnectAsync(daemon.Port))
        {
            for (int i = 0; i < 5; i++)
                Assert.StartsWith("250", await client.SendAsync("a@home.test", $"b{i}@far.test", "Subject: by the smarthost\n\n..dot\n"), StringComparison.Ordinal);
        }
        await daemon.UntilQueueIsEmptyAsync();
        await Wait.UntilAsync(() => sink.Messages.Count(m => m.Contains("by the smarthost", StringComparison.Ordinal)) == 5, "all five arrive\n" + daemon.Log + postfix.Output);
        Assert.Contains("sasl_username=alice", postfix.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(_password, daemon.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_second_MX_takes_what_the_dead_first_one_does_not()
    {
        Assert.True(Environment.IsPrivilegedProcess, "Postfix's master needs root");
        // Port 25 of hosts that are not this machine: a network of the test's own behind a pair of virtual interfaces.
        await using PrivateNetwork? network = await PrivateNetwork.MakeAsync();
        if (network is null)
        {
            output.WriteLine("not run: this machine makes no network namespaces");
            return;
        }
        using var folder = new TemporaryFolder();
        await using NameServer dns = await NameServer.StartAsync(folder, new Dictionary<string, string>
        {
            ["dest.test"] = $"@ MX 10 dead\n@ MX 20 alive\n@ MX 30 never\ndead A {network.Dead}\nalive A {network.Alive}\nnever A {network.Dead}\nnull MX 0 .\nplain A {network.Alive}",
        });
        const int sinkPort = 2525;
        string received = Directory.CreateDirectory(folder["sink"]).FullName;
        File.SetUnixFileMode(received, (UnixFileMode)0b111_111_111);
        await using Background sink = network.Start("/usr/sbin/smtp-sink", "-u", "nobody", "-d", received + "/m.", $"{network.Alive}:{sinkPort}", "20");
        using X509Certificate2 certificate = SendingToPostfixTests.Certificate(folder);
        await using Background postfix = network.Start("/usr/lib/postfix/sbin/master", "-c",
            SendingToPostfixTests.Configuration(folder, 25, sinkPort, network.Alive, "mynetworks = 0.0.0.0/0"), "-d");
        await Wait.UntilAsync(() => AnswersAsync(network.Alive), "Postfix greets\n" + postfix.Output);

        await using var daemon = await Daemon.StartAsync($$"""
            nameserver {{dns.At}}
            listen on 127.0.0.1 port @PORT@ hostname mx.home.test
            action "out" relay
            match from src 127.0.0.0/8 for any action "out"
            """, folder);
        await using (SmtpClient client = await SmtpClient.ConnectAsync(daemon.Port))
        {
            for (int i = 0; i < 5; i++)
                Assert.StartsWith("250", await client.SendAsync("a@home.test", $"b{i}@dest.test", "Subject: by MX\n\nx\n"), StringComparison.Ordinal);
            // No MX but an address (RFC 5321 s5.1), and a domain that takes no mail (RFC 7505).
            Assert.StartsWith("250", await client.SendAsync("a@home.test", "c@plain.dest.test", "Subject: by A\n\nx\n"), StringComparison.Ordinal);
            Assert.StartsWith("250", await client.SendAsync("", "d@null.dest.test", "Subject: by null MX\n\nx\n"), StringComparison.Ordinal);
        }
        await daemon.UntilQueueIsEmptyAsync();
        await Wait.UntilAsync(() => Directory.GetFiles(received).Select(File.ReadAllText).Count(m => m.Contains("Subject: by ", StringComparison.Ordinal)) == 6, "all arrive\n" + daemon.Log + postfix.Output);
        Assert.Contains(network.Alive, daemon.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("by null MX", string.Concat(Directory.GetFiles(received).Select(File.ReadAllText)), StringComparison.Ordinal);
    }

    private static async Task<bool> AnswersAsync(string address)
    {
        using var client = new TcpClient();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        try
        {
            await client.ConnectAsync(IPAddress.Parse(address), 25, limit.Token);
            return await client.GetStream().ReadAsync(new byte[100], limit.Token) > 0;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or IOException)
        {
            return false;
        }
    }

    private string Sasl(TemporaryFolder folder, string socket) => folder.Write("dovecot.conf", $$"""
        base_dir = {{folder["run"]}}
        state_dir = {{folder["dovecot-state"]}}
        log_path = /dev/stderr
        protocols =
        ssl = no
        auth_mechanisms = plain login
        passdb {
          driver = static
          args = password={{_password.Replace("%", "%%", StringComparison.Ordinal)}}
        }
        userdb {
          driver = static
          args = uid=65534 gid=65534 home=/nonexistent
        }
        service auth {
          unix_listener {{socket}} {
            mode = 0666
          }
        }

        """);
}
