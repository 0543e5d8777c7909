using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.SystemTests.Harness;
using Estafette.Tests.Delivery.Remote;

namespace Estafette.SystemTests.Peers;

/// <summary>OpenSSL's own server tells whether a session was resumed (E53). It speaks no SMTP: the handshake is all that is looked at.</summary>
public sealed class TlsResumptionTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_second_connection_resumes_the_session_unless_tickets_are_off(bool tickets)
    {
        using var folder = new TemporaryFolder();
        using X509Certificate2 certificate = SendingToPostfixTests.Certificate(folder);
        int port = Ports.Free();
        await using var server = new Background("/usr/bin/openssl",
            ["s_server", "-accept", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}"), "-cert", folder["cert.pem"], "-key", folder["key.pem"]]);
        await Wait.UntilAsync(() => server.Output.Contains("ACCEPT", StringComparison.Ordinal), "openssl listens", null, () => server.Output);
        var bench = new RelayBench();
        bench.GiveUpSoonAt("connect");
        bench.Dns.Host("smart.test", "127.0.0.1");
        bench.Agent = bench.NewAgent();
        var host = new RelayHost { Host = "smart.test", Port = port, Protocol = RelayProtocol.Smtps, Tls = TlsLevel.Verify };
        ActionConfig.Relay action = RelayBench.Via(host) with { Tls = new TlsPolicy { Level = TlsLevel.Verify, TrustAnchor = folder["cert.pem"], Settings = TlsSettings.Default with { Tickets = tickets } } };
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(OutcomeKind.Deferred, (await bench.SendAsync(action)).Kind);
            bench.Agent.Wake();
        }
        await Wait.UntilAsync(() => server.Output.Split("CIPHER is ").Length == 3, "two handshakes", null, () => server.Output);
        Assert.Equal(tickets, server.Output.Contains("Reused session-id", StringComparison.Ordinal));
        Assert.Equal(2, bench.Events.Events.OfType<Estafette.Events.RelayTlsStarted>().Count(e => e.Trust == Estafette.Events.PeerTrust.Verified));
    }
}
