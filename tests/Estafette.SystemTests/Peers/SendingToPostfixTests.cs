using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.SystemTests.Harness;
using Estafette.Tests.Delivery.Remote;

namespace Estafette.SystemTests.Peers;

/// <summary>A whole Postfix as smarthost, with STARTTLS, that hands everything on to an smtp-sink. Postfix needs root to run at all.</summary>
public sealed class SendingToPostfixTests
{
    [Fact]
    public async Task Postfix_takes_messages_over_verified_TLS_and_passes_them_on_unchanged()
    {
        Assert.True(Environment.IsPrivilegedProcess, "Postfix's master needs root");
        using var folder = new TemporaryFolder();
        await using var sink = new SmtpSink(folder["sink"]);
        await Wait.UntilAsync(() => PeerPort.AnswersAsync(sink.Port), "smtp-sink listens");
        int port = Ports.Free();
        using X509Certificate2 certificate = Certificate(folder);
        await using var postfix = new Background("/usr/lib/postfix/sbin/master", ["-c", Configuration(folder, port, sink.Port), "-d"]);
        await Wait.UntilAsync(() => PeerPort.AnswersAsync(port), "Postfix greets");

        var bench = new RelayBench();
        bench.Dns.Host("smart.test", "127.0.0.1");
        ActionConfig.Relay action = RelayBench.Via(new RelayHost { Host = "smart.test", Port = port, Tls = TlsLevel.Verify }) with { Tls = new TlsPolicy { TrustAnchor = folder["cert.pem"] } };
        TestJob[] jobs = [.. Enumerable.Range(0, 5).Select(i => new TestJob($"Subject: {i}\r\nFrom: bob@home.test\r\n\r\nGr\u00fc\u00dfe\r\n.dot\r\n", "bob@home.test", "a@far.test", "bad address@far.test")
            .With(e => e with { Body = BodyType.EightBitMime }))];
        var large = new StringBuilder("Subject: large\r\n\r\n");
        for (int i = 0; large.Length < 1_000_000; i++)
            large.Append(CultureInfo.InvariantCulture, $".line {i}\r\n");
        var big = new TestJob(large.ToString(), "bob@home.test", "a@far.test");
        await bench.SendAsync(action, [.. jobs, big]);
        Assert.All(jobs, j => Assert.True(j.Outcomes[0].Kind == OutcomeKind.Relayed, j.Outcomes[0].ToString()));
        Assert.Contains("queued as", jobs[0].Outcomes[0].Text, StringComparison.Ordinal);
        Assert.True(jobs[0].Outcomes[0].DsnHandedOver);
        // The sink makes a message's file before it has the octets: the content is waited for, not the count of files.
        string whole = large.ToString()[20..].Replace("\r\n", "\n", StringComparison.Ordinal);
        await Wait.UntilAsync(
            () => sink.Messages.Count(m => m.Contains("Gr\u00fc\u00dfe\n.dot\n", StringComparison.Ordinal)) == 10
                && sink.Messages.Count(m => m.Contains(whole, StringComparison.Ordinal)) == 1,
            "all messages are with the sink, unchanged");
        Assert.Equal(11, sink.Messages.Count);
    }

    internal static X509Certificate2 Certificate(TemporaryFolder folder)
    {
        X509Certificate2 certificate = ScriptedPeer.NewCertificate("smart.test");
        folder.Write("cert.pem", certificate.ExportCertificatePem());
        folder.Write("key.pem", certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        return certificate;
    }

    /// <param name="more">Settings that win over those here.</param>
    internal static string Configuration(TemporaryFolder folder, int port, int sinkPort, string address = "127.0.0.1", string more = "")
    {
        string data = Directory.CreateDirectory(folder["data"]).FullName;
        Directory.CreateDirectory(folder["queue"]);
        File.SetUnixFileMode(data, (UnixFileMode)0b111_101_101);
        string main = $"""
            compatibility_level = 3.6
            queue_directory = {folder["queue"]}
            data_directory = {data}
            mail_owner = postfix
            setgid_group = postdrop
            command_directory = /usr/sbin
            daemon_directory = /usr/lib/postfix/sbin
            myhostname = smart.test
            mydestination =
            mynetworks = 127.0.0.0/8
            inet_interfaces = {address}
            inet_protocols = ipv4
            smtpd_tls_security_level = may
            smtpd_tls_chain_files = {folder["key.pem"]}, {folder["cert.pem"]}
            relayhost = [{address}]:{sinkPort}
            maillog_file = /dev/stdout
            alias_maps =
            local_recipient_maps =
            smtp_destination_recipient_limit = 1

            """.Replace("            ", "", StringComparison.Ordinal);
        // A second line for the same setting wins as well, but with a warning from every process.
        HashSet<string> replaced = [.. more.Split('\n').Select(l => l.Split(' ')[0])];
        folder.Write("main.cf", string.Join('\n', main.Split('\n').Where(l => !replaced.Contains(l.Split(' ')[0]) || l.Length == 0)) + more + "\n");
        folder.Write("master.cf", $"""
            {address}:{port} inet n - n - - smtpd
            cleanup unix n - n - 0 cleanup
            qmgr unix n - n 300 1 qmgr
            tlsmgr unix - - n 1000? 1 tlsmgr
            rewrite unix - - n - - trivial-rewrite
            bounce unix - - n - 0 bounce
            defer unix - - n - 0 bounce
            trace unix - - n - 0 bounce
            smtp unix - - n - - smtp
            relay unix - - n - - smtp
            error unix - - n - - error
            retry unix - - n - - error
            proxymap unix - - n - - proxymap
            flush unix n - n 1000? 0 flush
            anvil unix - - n - 1 anvil
            scache unix - - n - 1 scache
            postlog unix-dgram n - n - 1 postlogd

            """.Replace("            ", "", StringComparison.Ordinal));
        foreach (string name in (string[])["active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace", "maildrop", "public", "pid"])
            Directory.CreateDirectory(Path.Combine(folder["queue"], name));
        // What postfix(1) sets up before it starts the master.
        Command.ShellAsync($"cd {folder["queue"]} && chown postfix active bounce corrupt defer deferred flush hold incoming private saved trace && chown postfix:postdrop maildrop public && chmod 730 maildrop && chmod 710 public && chown postfix {data}").Wait();
        return folder.Path;
    }
}
