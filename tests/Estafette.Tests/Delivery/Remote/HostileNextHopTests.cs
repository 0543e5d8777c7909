using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Estafette.Config.Model;
using Estafette.Delivery.Remote;
using Estafette.Mail;
using Estafette.Smtp;

namespace Estafette.Tests.Delivery.Remote;

/// <summary>Next hops that want our passwords, or our trouble: what they show, say and are called.</summary>
public sealed class HostileNextHopTests
{
    private const string Password = "correct-horse-9";
    private static readonly RelayCredentials s_clear = new("secrets") { Password = PasswordNeeds.Nothing };
    private readonly RelayBench _bench = new();

    [Theory]
    [InlineData("evil.test", false)]
    [InlineData("[192.0.2.66]", true)]
    public async Task E9_a_sender_s_password_is_not_for_whoever_receives_his_mail(string domain, bool isFixed)
    {
        _bench.Tables.Rows["secrets/bob@home.test"] = "bob:" + Password;
        _bench.Tables.Rows["secrets/@home.test"] = "home:" + Password;
        var logins = new RelayLogins(_bench.Tables, _bench.Sink);
        var byMx = new ActionConfig.Relay { Name = "out", At = SourceSpan.None, Credentials = new RelayCredentials("secrets") { Key = CredentialKey.Sender } };
        var target = new RelayEndPoint(domain, new System.Net.IPEndPoint(System.Net.IPAddress.Parse("192.0.2.66"), 25)) { Fixed = isFixed };
        Assert.Null((await logins.FindAsync(byMx, target, "bob@home.test", CancellationToken.None)).Credentials);
        ActionConfig.Relay byHost = byMx with { Hosts = [new RelayHost { Host = domain }] };
        Assert.NotNull((await logins.FindAsync(byHost, target, "bob@home.test", CancellationToken.None)).Credentials);
    }

    [Fact]
    public async Task E9_a_login_found_by_the_recipient_s_domain_is_not_for_a_name_out_of_the_DNS()
    {
        _bench.Tables.Rows["secrets/partner.test"] = "us:" + Password;
        _bench.Tables.Rows["secrets/mx.provider.test"] = "us:" + Password;
        var action = new ActionConfig.Relay { Name = "out", At = SourceSpan.None, Credentials = new RelayCredentials("secrets") { Key = CredentialKey.Host } };
        var policies = new TlsPolicies(_bench.Tables);
        var logins = new RelayLogins(_bench.Tables, _bench.Sink);
        foreach ((string host, TlsLevel level) in ((string, TlsLevel)[])[("mx.evil.test", TlsLevel.Secure), ("mx.provider.test", TlsLevel.Verify)])
        {
            var target = new RelayEndPoint(host, new System.Net.IPEndPoint(System.Net.IPAddress.Parse("192.0.2.66"), 25)) { NextHop = "partner.test" };
            LoginAnswer login = await logins.FindAsync(action, target, "", CancellationToken.None);
            Assert.Equal(level, (await policies.FindAsync(action, target, SessionOpener.LeastLevel(action, login), CancellationToken.None)).Policy!.Level);
        }
    }

    [Theory]
    [InlineData("mail", "550 5.7.1 user secret {0} may not send")]
    [InlineData("rcpt", "451 4.7.1 {0}")]
    [InlineData("eod", "554 5.7.1 you are {0}")]
    [InlineData("eod", "250 2.0.0 thanks {0}")]
    public async Task E54_a_password_repeated_long_after_the_login_is_told_to_nobody(string step, string answer)
    {
        _bench.Tables.Rows["secrets/lab"] = "user:" + Password;
        foreach (string form in (string[])[Password, Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes("\0user\0" + Password))])
        {
            await using var peer = new ScriptedPeer("PIPELINING AUTH=PLAIN").On("auth", "235 ok").On(step, string.Format(System.Globalization.CultureInfo.InvariantCulture, answer, form));
            DeliveryOutcome outcome = await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer, TlsLevel.None, "lab")) with { Credentials = s_clear });
            Assert.Contains("(hidden)", outcome.Text, StringComparison.Ordinal);
            Assert.DoesNotContain(form, outcome.Text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("hidden", "535 your password hidden is wrong", "535 your password (hidden) is wrong")]
    [InlineData("idde", "535 it is (hidden) and idde", null)]
    [InlineData(" padded ", "535 <padded>", "535 <(hidden)>")]
    [InlineData("tab\there", "535 tab\\x09here", "535 (hidden)")]
    public async Task E54_hiding_ends_and_finds_what_a_reply_makes_of_a_password(string password, string text, string? shown)
    {
        Task<string> hiding = Task.Run(() => SecretEcho.Hide(text, new SaslCredentials("user", password)));
        string hidden = await hiding.WaitAsync(TimeSpan.FromSeconds(20));
        if (shown is not null)
            Assert.Equal(shown, hidden);
    }

    /// <summary>A name list that is no name list: what the certificate is for cannot be told, and that is the peer's trouble alone.</summary>
    [Theory]
    [InlineData("3003820161FF", TlsLevel.May, true)]
    [InlineData("30058203E4F6FC", TlsLevel.May, true)]
    [InlineData("30058203E4F6FC", TlsLevel.Verify, false)]
    [InlineData("FFFF", TlsLevel.Verify, false)]
    [InlineData("30068704", TlsLevel.Verify, false)]
    [InlineData("30058703010203", TlsLevel.May, true)]
    public async Task E12_a_certificate_with_garbage_for_names_is_no_fault_of_ours(string extension, TlsLevel level, bool relayed)
    {
        using X509Certificate2 certificate = WithNames(Convert.FromHexString(extension));
        await using var peer = new ScriptedPeer { Certificate = certificate };
        _bench.Dns.Host("smart.test", "127.0.0.1");
        DeliveryOutcome outcome = await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer, level, host: "smart.test")));
        Assert.True(outcome.Kind == (relayed ? OutcomeKind.Relayed : OutcomeKind.Deferred), outcome.Text);
        Assert.DoesNotContain("internal", outcome.Text, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The DNS of a recipient's domain says what its exchanger is called.</summary>
    [Theory]
    [InlineData("mx_1.test")]
    [InlineData("m!x.test")]
    [InlineData("m x.test")]
    [InlineData("-mx-.test")]
    [InlineData("xn--a.test")]
    [InlineData("mx\u0001.test")]
    [InlineData("1.2.3")]
    [InlineData("*.test")]
    public async Task E12_an_exchanger_with_an_odd_name_gets_TLS_or_none_but_no_fault(string name)
    {
        using X509Certificate2 certificate = ScriptedPeer.NewCertificate("smart.test");
        await using var peer = new ScriptedPeer { Certificate = certificate };
        _bench.Dns.Host(name, "127.0.0.1");
        DeliveryOutcome outcome = await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer, TlsLevel.May, host: name)));
        Assert.True(outcome.Kind == OutcomeKind.Relayed, outcome.Text);
        outcome = await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer, TlsLevel.Verify, host: name)));
        Assert.Equal((OutcomeKind.Deferred, "4.7.5"), (outcome.Kind, outcome.Status.ToString()));
    }

    private static X509Certificate2 WithNames(byte[] subjectAlternativeName)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=smart.test", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509Extension("2.5.29.17", subjectAlternativeName, critical: false));
        using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(10));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }
}
