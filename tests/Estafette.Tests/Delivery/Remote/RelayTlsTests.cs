using System.Security.Cryptography.X509Certificates;
using Estafette.Config.Model;
using Estafette.Delivery.Remote;
using Estafette.Events;
using Estafette.Mail;

namespace Estafette.Tests.Delivery.Remote;

/// <summary>STARTTLS, implicit TLS and logins (E6, E8, E9, E54, O28).</summary>
public sealed class RelayTlsTests : IDisposable
{
    private readonly RelayBench _bench = new();
    private readonly X509Certificate2 _certificate = ScriptedPeer.NewCertificate("smart.test");

    public RelayTlsTests() => _bench.Dns.Host("smart.test", "127.0.0.1").Host("wrong.test", "127.0.0.1");

    public void Dispose() => _certificate.Dispose();

    [Fact]
    public async Task Opportunistic_TLS_is_used_when_offered_and_greets_again()
    {
        await using var peer = new ScriptedPeer { Certificate = _certificate };
        DeliveryOutcome outcome = await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer, TlsLevel.May)));
        Assert.Equal(OutcomeKind.Relayed, outcome.Kind);
        Assert.Equal(["EHLO mx.home.test", "STARTTLS", "EHLO mx.home.test"], peer.Lines.Take(3));
    }

    [Fact]
    public async Task E6_what_came_in_clear_text_behind_the_220_is_thrown_away()
    {
        await using var peer = new ScriptedPeer("PIPELINING") { Certificate = _certificate, Injected = "250-evil\r\n250 AUTH PLAIN\r\n250 2.1.0 injected\r\n" };
        DeliveryOutcome outcome = await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer, TlsLevel.Verify)) with { Tls = RelayBench.Level(TlsLevel.Encrypt) });
        Assert.Equal("250 2.0.0 taken", outcome.Text);
        Assert.Contains(_bench.Events.Events, e => e is OperatorWarning w && w.Text.Contains("in clear text behind its answer to STARTTLS", StringComparison.Ordinal));
        Assert.DoesNotContain(peer.Lines, l => l.StartsWith("AUTH", StringComparison.Ordinal));
    }

    [Fact]
    public async Task E6_nothing_promised_in_clear_text_counts_under_TLS()
    {
        int greetings = 0;
        await using var peer = new ScriptedPeer { Certificate = _certificate };
        peer.On("ehlo", _ => ++greetings == 1 ? "250 peer.test\nSTARTTLS\nPIPELINING\nCHUNKING\nSIZE 1\nAUTH PLAIN" : "250 peer.test");
        DeliveryOutcome outcome = await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer, TlsLevel.Encrypt)));
        Assert.True(outcome.Kind == OutcomeKind.Relayed, outcome.Text);
        Assert.Equal(["EHLO mx.home.test", "STARTTLS", "EHLO mx.home.test", "MAIL FROM:<bob@home.test>", "RCPT TO:<a@far.test>", "DATA"], peer.Lines.Take(6));
    }

    [Fact]
    public async Task E8_opportunistic_TLS_falls_back_to_clear_text_on_a_fresh_connection_and_says_so()
    {
        // Says 220 and then speaks no TLS: it goes on in clear text, which no handshake understands.
        await using var peer = new ScriptedPeer("PIPELINING STARTTLS").On("starttls", "220 go");
        DeliveryOutcome outcome = await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer, TlsLevel.May)));
        Assert.Equal(OutcomeKind.Relayed, outcome.Kind);
        Assert.Equal(2, peer.Connections);
        Assert.Contains(_bench.Events.Events, e => e is OperatorWarning w && w.Text.Contains("clear text is used", StringComparison.Ordinal));
    }

    [Fact]
    public async Task E8_a_declined_STARTTLS_goes_on_in_clear_text_only_where_that_is_allowed()
    {
        await using var peer = new ScriptedPeer("PIPELINING STARTTLS").On("starttls", "454 4.7.0 not now");
        Assert.Equal(OutcomeKind.Relayed, (await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer, TlsLevel.May)))).Kind);
        Assert.Equal(1, peer.Connections);
        DeliveryOutcome required = await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer, TlsLevel.Verify)));
        Assert.Equal((OutcomeKind.Deferred, "4.7.4"), (required.Kind, required.Status.ToString()));
        Assert.EndsWith("declines STARTTLS: 454 4.7.0 not now", required.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task E8_required_TLS_that_is_not_offered_defers()
    {
        await using var peer = new ScriptedPeer();
        DeliveryOutcome outcome = await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer, TlsLevel.Verify)));
        Assert.Equal((OutcomeKind.Deferred, "4.7.4"), (outcome.Kind, outcome.Status.ToString()));
        Assert.DoesNotContain(peer.Lines, l => l.StartsWith("MAIL", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Required_TLS_verifies_chain_and_name_unless_told_not_to()
    {
        await using var peer = new ScriptedPeer { Certificate = _certificate };
        ActionConfig.Relay action = RelayBench.Via(RelayBench.To(peer, TlsLevel.Verify, host: "smart.test"));
        DeliveryOutcome unknown = await _bench.SendAsync(action);
        Assert.Equal((OutcomeKind.Deferred, "4.7.5"), (unknown.Kind, unknown.Status.ToString()));
        Assert.Equal(OutcomeKind.Relayed, (await _bench.SendAsync(action with { Tls = RelayBench.Level(TlsLevel.Encrypt) })).Kind);
        string anchor = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        await File.WriteAllTextAsync(anchor, _certificate.ExportCertificatePem());
        try
        {
            _bench.Config = _bench.Config with { TrustAnchors = _bench.Config.TrustAnchors.Add("own", anchor) };
            Assert.Equal(OutcomeKind.Relayed, (await _bench.SendAsync(action with { Tls = new TlsPolicy { TrustAnchor = "own" } })).Kind);
            ActionConfig.Relay misnamed = RelayBench.Via(RelayBench.To(peer, TlsLevel.Verify, host: "wrong.test")) with { Tls = new TlsPolicy { TrustAnchor = "own" } };
            Assert.Equal("4.7.5", (await _bench.SendAsync(misnamed)).Status.ToString());
        }
        finally
        {
            File.Delete(anchor);
        }
        Assert.Equal("4.7.5", (await _bench.SendAsync(action with { Tls = new TlsPolicy { TrustAnchor = "/nonexistent" } })).Status.ToString());
    }

    [Fact]
    public async Task Implicit_TLS_encrypts_from_the_first_octet()
    {
        await using var peer = new ScriptedPeer { Certificate = _certificate, ImplicitTls = true };
        Assert.Equal(OutcomeKind.Relayed, (await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer, null)) with { Tls = RelayBench.Level(TlsLevel.Encrypt) })).Kind);
        Assert.DoesNotContain("STARTTLS", peer.Lines);
    }

    [Fact]
    public async Task O25_the_label_finds_the_login_and_the_password_travels_encrypted()
    {
        await using var peer = new ScriptedPeer("PIPELINING AUTH=PLAIN=LOGIN") { Certificate = _certificate };
        peer.On("auth", l => l == "AUTH PLAIN AHVzZXIAcGE6c3M=" ? "235 2.7.0 ok" : "535 5.7.8 no");
        _bench.Tables.Rows["secrets/lab"] = "user:pa:ss";
        ActionConfig.Relay action = RelayBench.Via(RelayBench.To(peer, TlsLevel.Verify, "lab")) with { Credentials = new RelayCredentials("secrets") { Password = PasswordNeeds.Tls }, Tls = RelayBench.Level(TlsLevel.Encrypt) };
        Assert.Equal(OutcomeKind.Relayed, (await _bench.SendAsync(action)).Kind);
        Assert.Equal(["EHLO mx.home.test", "STARTTLS", "EHLO mx.home.test", "AUTH PLAIN AHVzZXIAcGE6c3M="], peer.Lines.Take(4));
    }

    [Fact]
    public async Task E9_no_password_goes_out_in_clear_text_unless_the_URL_forbids_TLS()
    {
        await using var peer = new ScriptedPeer("PIPELINING AUTH=PLAIN").On("auth", "235 2.7.0 ok");
        _bench.Tables.Rows["secrets/lab"] = "user:pass";
        ActionConfig.Relay welcome = RelayBench.Via(RelayBench.To(peer, TlsLevel.May, "lab")) with { Credentials = new RelayCredentials("secrets") };
        Assert.Equal("4.7.4", (await _bench.SendAsync(welcome)).Status.ToString());
        Assert.DoesNotContain(peer.Lines, l => l.StartsWith("AUTH", StringComparison.Ordinal));
        ActionConfig.Relay never = RelayBench.Via(RelayBench.To(peer, TlsLevel.None, "lab")) with { Credentials = new RelayCredentials("secrets") { Password = PasswordNeeds.Nothing } };
        Assert.Equal(OutcomeKind.Relayed, (await _bench.SendAsync(never)).Kind);
    }

    [Theory]
    [InlineData("535-5.7.8 Username and Password not accepted. For more information, go to\n535 5.7.8 https://support.google.com/mail/?p=BadCredentials", "app password at myaccount.google.com")]
    [InlineData("534 5.7.9 Application-specific password required", "app password")]
    [InlineData("535 5.7.8 you sent AHVzZXIAZ2VoZWlt alias geheim", "(hidden)")]
    public async Task O28_E54_a_refused_login_waits_with_the_provider_s_words_and_a_hint_and_without_the_password(string reply, string expected)
    {
        await using var peer = new ScriptedPeer("PIPELINING AUTH=PLAIN").On("auth", reply);
        _bench.Tables.Rows["secrets/lab"] = "user:geheim";
        _bench.Sink.SetTrace(["all"]);
        ActionConfig.Relay action = RelayBench.Via(RelayBench.To(peer, TlsLevel.None, "lab"), RelayBench.To(peer, TlsLevel.None, "lab")) with { Credentials = new RelayCredentials("secrets") { Password = PasswordNeeds.Nothing } };
        DeliveryOutcome outcome = await _bench.SendAsync(action);
        Assert.Equal((OutcomeKind.Deferred, OutcomeScope.NextHop), (outcome.Kind, outcome.Scope));
        Assert.Contains(expected, outcome.Text, StringComparison.Ordinal);
        // Trying the same password at another address may lock the account.
        Assert.Equal(1, peer.Connections);
        string everything = outcome.ToString() + string.Join('\n', _bench.Events.Events);
        Assert.DoesNotContain("geheim", everything, StringComparison.Ordinal);
        Assert.DoesNotContain("AHVzZXIAZ2VoZWlt", everything, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LOGIN_is_spoken_with_those_who_know_nothing_better()
    {
        int step = 0;
        await using var peer = new ScriptedPeer("AUTH=LOGIN");
        peer.On("auth", "334 VXNlcm5hbWU6").On("dxnlcg==", _ => "334 UGFzc3dvcmQ6").On("cgfzcw==", _ => { step++; return "235 in"; });
        _bench.Tables.Rows["secrets/lab"] = "user:pass";
        DeliveryOutcome outcome = await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer, TlsLevel.None, "lab")) with { Credentials = new RelayCredentials("secrets") { Password = PasswordNeeds.Nothing } });
        Assert.Equal((OutcomeKind.Relayed, 1), (outcome.Kind, step));
    }

    [Theory]
    [InlineData(null, "No credentials for label lab")]
    [InlineData("nocolon", "not of the form")]
    public async Task A_label_without_credentials_waits_for_the_administrator(string? row, string expected)
    {
        await using var peer = new ScriptedPeer("AUTH=LOGIN");
        if (row is not null)
            _bench.Tables.Rows["secrets/lab"] = row;
        DeliveryOutcome outcome = await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer, TlsLevel.None, "lab")) with { Credentials = new RelayCredentials("secrets") { Password = PasswordNeeds.Nothing } });
        Assert.Equal(OutcomeKind.Deferred, outcome.Kind);
        Assert.Contains(expected, outcome.Text, StringComparison.Ordinal);
    }

    /// <summary>The text goes to logs, and to the sender of the mail.</summary>
    [Fact]
    public async Task E54_a_table_whose_name_holds_passwords_is_not_told_whole()
    {
        await using var peer = new ScriptedPeer("AUTH=LOGIN");
        _bench.Tables.Rows["static:secretword/lab"] = "secretword";
        DeliveryOutcome outcome = await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer, TlsLevel.None, "lab")) with { Credentials = new RelayCredentials("static:secretword") { Password = PasswordNeeds.Nothing } });
        Assert.Contains("in table static:... are not of the form user:password", outcome.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_source_address_and_the_name_that_belongs_to_it_come_from_tables()
    {
        await using var peer = new ScriptedPeer();
        _bench.Tables.Rows["sources/127.0.0.77"] = "";
        _bench.Tables.Rows["sources/2001:db8::1"] = "";
        _bench.Tables.Rows["names/127.0.0.77"] = "seventyseven.home.test";
        ActionConfig.Relay action = RelayBench.Via(RelayBench.To(peer)) with { SourceTable = "sources", HeloTable = "names" };
        Assert.Equal(OutcomeKind.Relayed, (await _bench.SendAsync(action)).Kind);
        Assert.Contains("EHLO seventyseven.home.test", peer.Lines);
    }
}
