using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Estafette.Config.Model;
using Estafette.Delivery.Remote;
using Estafette.Events;
using Estafette.Mail;

namespace Estafette.Tests.Delivery.Remote;

/// <summary>Every level against every kind of certificate, shown by a server that speaks real TLS; and what the log says of it.</summary>
public sealed class TlsLevelTests : IDisposable
{
    private readonly RelayBench _bench = new();
    private readonly TestCertificates _certificates = new();

    public TlsLevelTests() => _bench.Dns.Host("smart.test", "127.0.0.1").Host("mx.smart.test", "127.0.0.1").MailBy("far.test", (10, "smart.test"));

    public void Dispose() => _certificates.Dispose();

    [Theory]
    [InlineData("right", TlsLevel.May, "Trusted")]
    [InlineData("right", TlsLevel.Encrypt, "Trusted")]
    [InlineData("right", TlsLevel.Verify, "Verified")]
    [InlineData("right", TlsLevel.Secure, "Verified")]
    [InlineData("misnamed", TlsLevel.May, "Trusted")]
    [InlineData("misnamed", TlsLevel.Encrypt, "Trusted")]
    [InlineData("misnamed", TlsLevel.Verify, "another name")]
    [InlineData("misnamed", TlsLevel.Secure, "another name")]
    [InlineData("below", TlsLevel.Verify, "another name")]
    [InlineData("below", TlsLevel.Secure, "Verified")]
    [InlineData("wildcard", TlsLevel.Verify, "another name")]
    [InlineData("wildcard", TlsLevel.Secure, "Verified")]
    [InlineData("expired", TlsLevel.May, "Untrusted")]
    [InlineData("expired", TlsLevel.Encrypt, "Untrusted")]
    [InlineData("expired", TlsLevel.Verify, "it has expired")]
    [InlineData("expired", TlsLevel.Secure, "it has expired")]
    [InlineData("early", TlsLevel.Verify, "not valid yet")]
    [InlineData("client", TlsLevel.Verify, "not meant for servers")]
    [InlineData("self-signed", TlsLevel.May, "Untrusted")]
    [InlineData("self-signed", TlsLevel.Encrypt, "Untrusted")]
    [InlineData("self-signed", TlsLevel.Verify, "signed by itself")]
    [InlineData("self-signed", TlsLevel.Secure, "signed by itself")]
    [InlineData("stranger", TlsLevel.Verify, "trusted authority")]
    [InlineData("stranger", TlsLevel.Secure, "trusted authority")]
    public async Task A_certificate_is_good_enough_for_a_level_or_mail_waits(string kind, TlsLevel level, string expected)
    {
        await using var peer = new ScriptedPeer { Certificate = _certificates[kind] };
        DeliveryOutcome outcome = await SendAsync(peer, new TlsPolicy { Level = level, TrustAnchor = _certificates.AnchorFile });
        if (Enum.TryParse(expected, out PeerTrust trust))
        {
            Assert.True(outcome.Kind == OutcomeKind.Relayed, outcome.Text);
            RelayTlsStarted told = Assert.Single(_bench.Events.Events.OfType<RelayTlsStarted>());
            Assert.Equal((trust, "TLSv1.3", 256), (told.Trust, told.Protocol, told.Bits));
            Assert.StartsWith("smart.test[127.0.0.1]:", told.Peer, StringComparison.Ordinal);
            return;
        }
        Assert.Equal((OutcomeKind.Deferred, "4.7.5"), (outcome.Kind, outcome.Status.ToString()));
        Assert.Contains(expected, outcome.Text, StringComparison.Ordinal);
        // What was shown, what was expected, and what helps.
        X509Certificate2 shown = _certificates[kind];
        foreach (string part in (string[])["subject=" + shown.Subject, "issuer=" + shown.Issuer, "valid " + shown.NotBefore.ToUniversalTime().ToString("yyyy-MM-dd", null), TestCertificates.Digest(shown),
            "expected name smart.test", _certificates.AnchorFile, "cure: "])
            Assert.Contains(part, outcome.Text, StringComparison.Ordinal);
        Assert.Contains(_bench.Events.Events, e => e is OperatorWarning w && w.Text == outcome.Text);
        Assert.DoesNotContain(peer.Lines, l => l.StartsWith("MAIL", StringComparison.Ordinal));
        // Only what is wrong is told.
        if (kind is "expired")
            Assert.DoesNotContain("another name", outcome.Text, StringComparison.Ordinal);
        if (kind is "misnamed")
            Assert.DoesNotContain("expired", outcome.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("self-signed")]
    [InlineData("expired")]
    [InlineData("stranger")]
    public async Task A_fingerprint_of_certificate_or_key_counts_and_nothing_else(string kind)
    {
        await using var peer = new ScriptedPeer { Certificate = _certificates[kind] };
        string key = Convert.ToHexString(SHA256.HashData(_certificates[kind].PublicKey.ExportSubjectPublicKeyInfo()));
        Assert.Equal(OutcomeKind.Relayed, (await SendAsync(peer, Pinned(TestCertificates.Digest(_certificates[kind])))).Kind);
        Assert.Equal(OutcomeKind.Relayed, (await SendAsync(peer, Pinned(new string('0', 64), key))).Kind);
        DeliveryOutcome outcome = await SendAsync(peer, Pinned(TestCertificates.Digest(_certificates["right"])));
        Assert.Equal("4.7.5", outcome.Status.ToString());
        Assert.Contains("its key is another one", outcome.Text, StringComparison.Ordinal);
        Assert.Contains("expected sha256=" + TestCertificates.Digest(_certificates["right"]), outcome.Text, StringComparison.Ordinal);

        static TlsPolicy Pinned(params string[] digests) => new() { Level = TlsLevel.Fingerprint, Fingerprints = [.. digests] };
    }

    [Theory]
    [InlineData(TlsLevel.Verify, OutcomeKind.Relayed)]
    [InlineData(TlsLevel.Secure, OutcomeKind.Deferred)]
    public async Task For_mail_by_MX_verify_takes_the_name_out_of_the_DNS_and_secure_does_not(TlsLevel level, OutcomeKind expected)
    {
        // The exchanger shows a good certificate in its own name, which only the DNS connects with far.test.
        await using var peer = new ScriptedPeer { Certificate = _certificates["right"] };
        var target = new RelayEndPoint("smart.test", new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, peer.Port)) { NextHop = "far.test" };
        var services = new RelayServices(_bench.Dns, _bench.Tables, TlsMaterial.Anonymous, _bench.Sink, TimeProvider.System, _bench.Timeouts);
        ActionConfig.Relay action = RelayBench.Via() with { Tls = new TlsPolicy { Level = level, TrustAnchor = _certificates.AnchorFile } };
        OpenResult result = await services.Opener.OpenAsync(target, action, "", _bench.Config, default);
        Assert.Equal(expected, result.Session is null ? OutcomeKind.Deferred : OutcomeKind.Relayed);
        if (result.Session is not null)
            await result.Session.DisposeAsync();
    }

    [Theory]
    [InlineData(TlsLevel.Encrypt)]
    [InlineData(TlsLevel.Verify)]
    [InlineData(TlsLevel.Secure)]
    [InlineData(TlsLevel.Fingerprint)]
    public async Task E8_nothing_goes_out_in_clear_text_whatever_the_other_side_does(TlsLevel level)
    {
        TlsPolicy policy = new() { Level = level, Fingerprints = [new string('A', 64)], TrustAnchor = _certificates.AnchorFile };
        await using var stripped = new ScriptedPeer();
        await using var declines = new ScriptedPeer("PIPELINING STARTTLS").On("starttls", "454 4.7.0 TLS not available");
        await using var forbids = new ScriptedPeer("PIPELINING STARTTLS").On("starttls", "502 what?");
        await using var babbles = new ScriptedPeer("PIPELINING STARTTLS").On("starttls", "220 go");
        await using var drops = new ScriptedPeer("PIPELINING STARTTLS").On("starttls", "!drop");
        await using var ancient = new ScriptedPeer().On("ehlo", "502 what?");
        foreach (ScriptedPeer peer in (ScriptedPeer[])[stripped, declines, forbids, babbles, drops, ancient])
        {
            DeliveryOutcome outcome = await SendAsync(peer, policy);
            Assert.Equal(OutcomeKind.Deferred, outcome.Kind);
            Assert.True(outcome.Status.Subject == 7 || peer == drops, outcome.ToString());
            Assert.Equal(1, peer.Connections);
            Assert.DoesNotContain(peer.Lines, l => l.StartsWith("MAIL", StringComparison.Ordinal) || l.StartsWith("AUTH", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task The_fall_back_is_told_once_and_not_with_every_message()
    {
        await using var peer = new ScriptedPeer("PIPELINING STARTTLS").On("starttls", "220 go");
        _bench.Agent = _bench.NewAgent();
        for (int i = 0; i < 3; i++)
            Assert.Equal(OutcomeKind.Relayed, (await SendAsync(peer, RelayBench.Level(TlsLevel.May))).Kind);
        Assert.Equal(6, peer.Connections);
        Assert.Single(_bench.Events.Events.OfType<OperatorWarning>());
    }

    [Fact]
    public async Task The_server_s_name_is_sent_and_may_be_chosen()
    {
        await using var peer = new ScriptedPeer { Certificate = _certificates["right"] };
        await SendAsync(peer, RelayBench.Level(TlsLevel.May));
        await SendAsync(peer, RelayBench.Level(TlsLevel.May) with { ServerName = "chosen.test" });
        Assert.Equal(["smart.test", "chosen.test"], peer.ServerNames);
    }

    [Fact]
    public async Task A_changed_anchor_file_counts_at_the_next_connection()
    {
        await using var peer = new ScriptedPeer { Certificate = _certificates["right"] };
        string file = _certificates.StrangersFile;
        try
        {
            _bench.Agent = _bench.NewAgent();
            _bench.Config = _bench.Config with { TrustAnchors = _bench.Config.TrustAnchors.Add("provider", file) };
            var policy = new TlsPolicy { Level = TlsLevel.Verify, TrustAnchor = "provider" };
            Assert.Equal("4.7.5", (await SendAsync(peer, policy)).Status.ToString());
            File.Copy(_certificates.AnchorFile, file, overwrite: true);
            _bench.Agent.Wake();
            DeliveryOutcome outcome = await SendAsync(peer, policy);
            Assert.True(outcome.Kind == OutcomeKind.Relayed, outcome.Text);
            // Gone is not the same as replaced.
            File.Delete(file);
            Assert.Equal(OutcomeKind.Relayed, (await SendAsync(peer, policy)).Kind);
            Assert.Contains(_bench.Events.Events, e => e is OperatorWarning w && w.Text.Contains("stays in force", StringComparison.Ordinal));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Connections_to_a_host_share_their_options_which_do_not_grow()
    {
        await using var peer = new ScriptedPeer { Certificate = _certificates["right"], Intermediates = [_certificates["stranger"]] };
        var anchors = new TrustAnchorFiles(static () => new Estafette.Config.FileView(), _bench.Sink);
        var tls = new ClientTls(TlsMaterial.Anonymous, anchors, TimeProvider.System);
        var policy = new TlsPolicy { Level = TlsLevel.Verify, TrustAnchor = _certificates.AnchorFile };
        var target = new RelayEndPoint("smart.test", new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, peer.Port));
        _bench.Agent = _bench.NewAgent();
        for (int i = 0; i < 3; i++)
        {
            DeliveryOutcome outcome = await SendAsync(peer, policy);
            Assert.True(outcome.Kind == OutcomeKind.Relayed, outcome.Text);
        }
        System.Net.Security.SslClientAuthenticationOptions options = tls.Options(policy, target, _bench.Config);
        Assert.Same(options, tls.Options(policy with { }, target, _bench.Config));
        for (int i = 0; i < 2; i++)
        {
            (SmtpConnection? connection, _) = await SmtpConnection.ConnectAsync(target.Address, null, TimeSpan.FromSeconds(60), TimeProvider.System, default);
            await using (connection)
            {
                await connection!.ReadReplyAsync(TimeSpan.FromSeconds(60));
                global::Estafette.Smtp.CommandWriter.Line(connection.Output, "STARTTLS");
                await connection.FlushAsync(TimeSpan.FromSeconds(60));
                await connection.ReadReplyAsync(TimeSpan.FromSeconds(60));
                Assert.True(await connection.StartTlsAsync(options, TimeSpan.FromSeconds(60)), connection.Failure);
                Assert.Equal(SHA256.HashData(_certificates["right"].RawData), connection.EndPointBinding());
            }
        }
        Assert.Empty(options.CertificateChainPolicy!.ExtraStore);
    }

    [Theory]
    [InlineData("[smart.test]:@", "may", OutcomeKind.Relayed)]
    [InlineData("smart.test", "encrypt", OutcomeKind.Relayed)]
    [InlineData("smart.test:@", "secure", OutcomeKind.Deferred)]
    [InlineData(".test", "verify", OutcomeKind.Deferred)]
    [InlineData("smart.test", "dane", OutcomeKind.Deferred)]
    [InlineData("other.test", "secure", OutcomeKind.Relayed)]
    public async Task A_policy_table_decides_by_next_hop(string key, string value, OutcomeKind expected)
    {
        await using var peer = new ScriptedPeer { Certificate = _certificates["stranger"] };
        _bench.Tables.Rows["policies/" + key.Replace("@", peer.Port.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal)] = value;
        ActionConfig.Relay action = RelayBench.Via(RelayBench.To(peer, null, host: "smart.test")) with { TlsTable = "policies" };
        DeliveryOutcome outcome = await _bench.SendAsync(action);
        Assert.True(outcome.Kind == expected, outcome.Text);
        // A row never undoes what the URL demands.
        ActionConfig.Relay demanding = RelayBench.Via(RelayBench.To(peer, TlsLevel.Verify, host: "smart.test")) with { TlsTable = "policies" };
        Assert.Equal(value == "encrypt" ? OutcomeKind.Relayed : OutcomeKind.Deferred, (await _bench.SendAsync(demanding)).Kind);
    }

    private Task<DeliveryOutcome> SendAsync(ScriptedPeer peer, TlsPolicy policy) =>
        _bench.SendAsync(RelayBench.Via(RelayBench.To(peer, null, host: "smart.test")) with { Tls = policy });
}
