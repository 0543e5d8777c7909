using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using global::Estafette.Config.Model;
using global::Estafette.Events;
using global::Estafette.Smtpd;

namespace Estafette.Tests.Smtpd;

/// <summary>TLS of a listener: which certificate it shows, what it makes of the client's, and what it says when there is no session.</summary>
public sealed class TlsReceptionTests : IDisposable
{
    private readonly TestCertificates _certificates = new();

    public void Dispose() => _certificates.Dispose();

    [Theory]
    [InlineData("mx.one.test", "mx.one.test")]
    [InlineData("a.two.test", "*.two.test")]
    [InlineData("two.test", "mx.one.test")]
    [InlineData("b.a.two.test", "mx.one.test")]
    [InlineData("unknown.test", "mx.one.test")]
    [InlineData("", "mx.one.test")]
    public async Task The_certificate_goes_by_the_name_that_the_client_asks_for(string asked, string shown)
    {
        using X509Certificate2 one = _certificates.Issue("mx.one.test", TestCertificates.ForServers);
        using X509Certificate2 two = _certificates.Issue("*.two.test", TestCertificates.ForServers);
        await using ReceptionHost host = await ReceptionHost.StartAsync(new ReceptionSettings
        {
            Listener = l => l with { Tls = ListenerTls.Implicit, Identities = ["one", "two"] },
            Identities = [_certificates.Identity("one", one), _certificates.Identity("two", two)],
        });
        await using SmtpPeer peer = await host.ConnectAsync();
        using SslStream tls = await peer.StartTlsAsync(new SslClientAuthenticationOptions { TargetHost = asked });
        Assert.Equal("CN=" + shown, tls.RemoteCertificate!.Subject);
    }

    [Theory]
    [InlineData("nothing", "", "(Client did not present a certificate)", "NO")]
    [InlineData("good", "", "(Client CN \"client one\", Issuer \"ISSUER\" (verified OK))", "YES")]
    [InlineData("self", "it is self-signed, and not signed by `ca partners`", "(Client CN \"self?x?\", Issuer \"self?x?\" (not verified))", "NO")]
    [InlineData("server", "it is not meant for clients (extended key usage)", "(Client CN \"client one\", Issuer \"ISSUER\" (not verified))", "NO")]
    [InlineData("expired", "it has expired", "(Client CN \"client one\", Issuer \"ISSUER\" (not verified))", "NO")]
    [InlineData("early", "it is not valid yet", "(Client CN \"client one\", Issuer \"ISSUER\" (not verified))", "NO")]
    public async Task P21_a_certificate_that_was_asked_for_is_told_and_an_untrusted_one_costs_nothing(string shown, string distrust, string postfix, string opensmtpd)
    {
        using X509Certificate2? certificate = Client(shown);
        foreach (Dialect dialect in (Dialect[])[Dialect.OpenSmtpd, Dialect.Postfix])
        {
            await using ReceptionHost host = await ReceptionHost.StartAsync(Asking(ClientCertificateDemand.Ask) with { Dialect = dialect });
            await using SmtpPeer peer = await host.ConnectAsync();
            await StartAsync(peer, certificate);
            await peer.ReplyAsync();
            await peer.AskAsync("EHLO client.test");
            await peer.AskAsync("MAIL FROM:<a@client.test>");
            await peer.AskAsync("RCPT TO:<alice@mx.test>");
            await peer.AskAsync("DATA");
            Assert.StartsWith("250", await peer.AskAsync("From: a@client.test\r\n\r\nbody\r\n."), StringComparison.Ordinal);
            TlsStarted started = Assert.Single(host.Published.OfType<TlsStarted>());
            Assert.Equal(distrust, started.Client?.Distrust ?? "");
            Assert.Equal(certificate?.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant(), started.Client?.Fingerprint);
            Assert.Equal(shown == "good" ? "partners" : "", started.Client?.Anchor ?? "");
            string expected = dialect == Dialect.Postfix
                ? "(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\r\n\t" + postfix.Replace("ISSUER", _certificates.Issuer.GetNameInfo(X509NameType.SimpleName, false), StringComparison.Ordinal)
                : $"(TLSv1.3:TLS_AES_256_GCM_SHA384:256:{opensmtpd})";
            Assert.Contains(expected, Assert.Single(host.Intake.Messages).Text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("nothing", "the client showed no certificate, and one is demanded here")]
    [InlineData("self", "the client's certificate is not trusted: it is self-signed, and not signed by `ca partners` (subject CN=self(x), issuer CN=self(x), valid ")]
    [InlineData("server", "the client's certificate is not trusted: it is not meant for clients (extended key usage) (subject CN=client one, issuer CN=Issuer ")]
    [InlineData("expired", "the client's certificate is not trusted: it has expired (subject CN=client one, ")]
    public async Task A_certificate_that_is_demanded_must_be_trusted(string shown, string reason)
    {
        using X509Certificate2? certificate = Client(shown);
        await using ReceptionHost host = await ReceptionHost.StartAsync(Asking(ClientCertificateDemand.Require));
        await using (SmtpPeer peer = await host.ConnectAsync())
        {
            // In TLS 1.3 the client hears of it only when it reads.
            await StartAsync(peer, certificate);
            Assert.Equal("closed", await peer.ReplyAsync());
        }
        TlsFailed failed = Assert.Single(host.Published.OfType<TlsFailed>());
        Assert.StartsWith(reason, failed.Reason, StringComparison.Ordinal);
        Assert.Equal("127.0.0.1", failed.Address!.ToString());
        await using SmtpPeer good = await host.ConnectAsync();
        using X509Certificate2? right = Client("good");
        await StartAsync(good, right);
        Assert.StartsWith("220", await good.ReplyAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task E53_a_handshake_that_fails_is_told_in_words_and_in_one_line()
    {
        TlsSettings settings = TlsSettings.Default with { Maximum = TlsVersion.Tls12, CipherSuites = ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"] };
        await using ReceptionHost host = await ReceptionHost.StartAsync(new ReceptionSettings { Listener = l => l with { Tls = ListenerTls.Implicit, TlsSettings = settings }, Tls = TestIdentity.Create() });
        await FailAsync(host, new SslClientAuthenticationOptions { EnabledSslProtocols = SslProtocols.Tls13 }, "the client speaks only versions of TLS that are not spoken here");
        if (OperatingSystem.IsLinux())
        {
            await FailAsync(host, new SslClientAuthenticationOptions { EnabledSslProtocols = SslProtocols.Tls12, CipherSuitesPolicy = new CipherSuitesPolicy([TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]) },
                "no cipher in common with the client");
        }
        await FailAsync(host, null, "the client does not speak TLS", "GET / HTTP/1.0\r\n\r\n");
        await FailAsync(host, null, "the client hung up during the handshake", "");
        await using SmtpPeer peer = await host.ConnectAsync();
        await peer.StartTlsAsync();
        Assert.StartsWith("220", await peer.ReplyAsync(), StringComparison.Ordinal);
        TlsStarted started = Assert.Single(host.Published.OfType<TlsStarted>());
        Assert.Equal(("TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", 128), (started.Protocol, started.Cipher, started.Bits));
        // Four failures, four lines: nothing opened, nothing closed.
        Assert.Equal(5, host.Published.Count(e => e is SessionEvent and not TlsStarted));
    }

    [Fact]
    public async Task E47_a_handshake_that_drips_is_cut_by_time()
    {
        await using ReceptionHost host = await ReceptionHost.StartAsync(new ReceptionSettings
        {
            Listener = l => l with { Tls = ListenerTls.Implicit },
            Tls = TestIdentity.Create(),
            Limits = new LimitsConfig { TlsHandshake = TimeSpan.FromSeconds(1) },
        });
        await using SmtpPeer peer = await host.ConnectAsync();
        // The head of a ClientHello of 512 octets, and then one octet after the other.
        await peer.SendAsync([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]);
        Task<string> end = peer.ReplyAsync();
        while (!end.IsCompleted)
        {
            try
            {
                await peer.SendAsync([0]);
            }
            catch (IOException)
            {
                // Cut already.
            }
            await Task.WhenAny(end, Task.Delay(50));
        }
        Assert.Equal("closed", await end);
        Assert.Equal("the handshake took too long", Assert.Single(host.Published.OfType<TlsFailed>()).Reason);
    }

    [Fact]
    public async Task E5_a_client_hello_behind_STARTTLS_in_one_segment_is_thrown_away_like_all_else()
    {
        await using ReceptionHost host = await ReceptionHost.StartAsync(new ReceptionSettings
        {
            Listener = l => l with { Tls = ListenerTls.Offer },
            Tls = TestIdentity.Create(),
            Limits = new LimitsConfig { TlsHandshake = TimeSpan.FromSeconds(1) },
        });
        await using SmtpPeer peer = await host.ConnectAsync();
        await peer.ReplyAsync();
        await peer.AskAsync("EHLO client.test");
        await peer.SendAsync([.. "STARTTLS\r\n"u8, 22, 3, 1, 0, 4, 1, 0, 0, 0]);
        Assert.StartsWith("220", await peer.ReplyAsync(), StringComparison.Ordinal);
        Assert.Equal("closed", await peer.ReplyAsync());
        Assert.Equal("plaintext pipelined after STARTTLS", Assert.Single(host.Published.OfType<ProtocolAbuse>()).What);
        Assert.Equal("the handshake took too long", Assert.Single(host.Published.OfType<TlsFailed>()).Reason);
    }

    [Theory]
    [InlineData("STARTTLS\r\nEHLO evil.test\r\n")]
    [InlineData("STARTTLS\r\nE")]
    [InlineData("STARTTLS\r\n\r\n")]
    [InlineData("STARTTLS\r\n\0")]
    public async Task E5_no_octet_of_the_clear_text_survives_however_it_is_cut(string sent)
    {
        for (int cut = 1; cut <= sent.Length; cut++)
        {
            await using ReceptionHost host = await ReceptionHost.StartAsync(new ReceptionSettings { Listener = l => l with { Tls = ListenerTls.Offer }, Tls = TestIdentity.Create() });
            await using SmtpPeer peer = await host.ConnectAsync();
            await peer.ReplyAsync();
            await peer.AskAsync("EHLO client.test");
            await peer.SendAsync(sent[..cut]);
            // Behind the line's end the server has answered: what comes then is no command any more, but a broken handshake.
            if (cut < "STARTTLS\r\n".Length)
                await peer.SendAsync(sent[cut..]);
            Assert.StartsWith("220", await peer.ReplyAsync(), StringComparison.Ordinal);
            await peer.StartTlsAsync();
            Assert.StartsWith("503", await peer.AskAsync("MAIL FROM:<a@client.test>"), StringComparison.Ordinal);
            Assert.Equal("250 HELP", await peer.AskAsync("EHLO client.test"));
        }
    }

    private async Task FailAsync(ReceptionHost host, SslClientAuthenticationOptions? options, string reason, string plain = "")
    {
        int before = host.Published.OfType<TlsFailed>().Count();
        await using (SmtpPeer peer = await host.ConnectAsync())
        {
            if (options is not null)
                await Assert.ThrowsAnyAsync<AuthenticationException>(() => peer.StartTlsAsync(options));
            else if (plain.Length > 0)
            {
                await peer.SendAsync(plain);
                while (await peer.LineAsync() != "closed")
                {
                }
            }
        }
        await UntilAsync(() => host.Published.OfType<TlsFailed>().Count() > before);
        Assert.StartsWith(reason, host.Published.OfType<TlsFailed>().Last().Reason, StringComparison.Ordinal);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!condition())
            await Task.Delay(10, limit.Token);
    }

    private ReceptionSettings Asking(ClientCertificateDemand demand) => new()
    {
        Listener = l => l with { Tls = ListenerTls.Implicit, ClientCertificate = demand, ClientAnchors = ["partners"] },
        Tls = TestIdentity.Create(),
        Anchors = new Dictionary<string, string> { ["partners"] = _certificates.AnchorFile },
    };

    private X509Certificate2? Client(string kind) => kind switch
    {
        "good" => _certificates.Issue("client one"),
        "self" => TestCertificates.SelfSigned("self(x)"),
        "server" => _certificates.Issue("client one", TestCertificates.ForServers),
        "expired" => _certificates.Issue("client one", fromDay: -20, toDay: -2),
        "early" => _certificates.Issue("client one", fromDay: 2, toDay: 20),
        _ => null,
    };

    /// <summary>Shows the certificate with its issuer's, as a client should.</summary>
    private async Task StartAsync(SmtpPeer peer, X509Certificate2? certificate) => await peer.StartTlsAsync(new SslClientAuthenticationOptions
    {
        TargetHost = "mx.test",
        ClientCertificateContext = certificate is null ? null : SslStreamCertificateContext.Create(certificate, [_certificates.Issuer], offline: true),
    });
}
