using System.Globalization;
using Estafette.SystemTests.Harness;
using Estafette.Tests.Delivery.Remote;

namespace Estafette.SystemTests.Attacks;

/// <summary>
/// A man in the middle between us and our provider (E6, E8, E9): he answers in the provider's place before TLS, takes STARTTLS away, breaks the handshake, promises what the provider
/// does not have. The password goes nowhere, and mail only where the configuration lets it go in clear.
/// </summary>
public sealed class StrippedTlsTests : IDisposable
{
    private const string Offers = "PIPELINING 8BITMIME SIZE AUTH=PLAIN=LOGIN=CRAM-MD5";
    private readonly TemporaryFolder _folder = new();
    private readonly System.Security.Cryptography.X509Certificates.X509Certificate2 _certificate = ScriptedPeer.NewCertificate("localhost");
    private readonly string _login = Secrets.Login();
    private readonly string _password = Secrets.Password();

    [Fact]
    public async Task E8_E9_without_STARTTLS_neither_login_nor_mail_leaves()
    {
        await using var man = new ScriptedPeer(Offers);
        await using Daemon daemon = await StartAsync(man.Port);
        await SendAsync(daemon);
        await UntilRefusedAsync(daemon);
        AssertNothingLeaked(man);
        Assert.Empty(man.Bodies);
    }

    [Theory]
    [InlineData("454 4.7.0 TLS not available due to temporary reason")]
    [InlineData("502 5.5.1 what?")]
    [InlineData("220 2.0.0 go")]
    [InlineData("!drop")]
    public async Task E8_a_declined_or_broken_STARTTLS_is_no_reason_for_clear_text(string answer)
    {
        await using var man = new ScriptedPeer(Offers + " STARTTLS").On("starttls", answer);
        await using Daemon daemon = await StartAsync(man.Port);
        await SendAsync(daemon);
        await UntilRefusedAsync(daemon);
        AssertNothingLeaked(man);
        Assert.Empty(man.Bodies);
    }

    /// <summary>Where TLS is only welcome the mail may go in clear text; a password never may, whatever the man offers, nor to a certificate of his own.</summary>
    [Theory]
    [InlineData("", false)]
    [InlineData(" STARTTLS", false)]
    [InlineData("", true)]
    public async Task E9_opportunistic_TLS_that_is_stripped_costs_the_password_nothing(string offer, bool ownCertificate)
    {
        using var other = ScriptedPeer.NewCertificate("localhost");
        await using var man = new ScriptedPeer("PIPELINING 8BITMIME AUTH=PLAIN=LOGIN" + offer) { Certificate = ownCertificate ? other : null };
        if (!ownCertificate)
            man.On("starttls", "454 4.7.0 not now");
        await using Daemon daemon = await StartAsync(man.Port, "smtp://localhost", "auth <secrets> by host");
        await SendAsync(daemon);
        await UntilTriedAsync(daemon, man);
        AssertNothingLeaked(man);
    }

    [Fact]
    public async Task E6_replies_injected_before_the_handshake_are_not_taken_for_the_providers()
    {
        // In the same segment as the 220: the answers to EHLO, AUTH, MAIL, RCPT, DATA and the final dot that would come.
        await using var man = new ScriptedPeer("PIPELINING 8BITMIME AUTH=PLAIN")
        {
            Certificate = _certificate,
            Injected = "250-evil.test\r\n250 AUTH PLAIN\r\n235 2.7.0 yes\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go\r\n250 2.0.0 taken by the man\r\n221 bye\r\n",
        };
        man.On("eod", "250 2.0.0 taken by the provider");
        await using Daemon daemon = await StartAsync(man.Port);
        await SendAsync(daemon);
        // Either the session is given up, or everything is asked anew inside TLS; what was injected never counts.
        await UntilTriedAsync(daemon, man);
        Assert.DoesNotContain("taken by the man", daemon.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("evil.test", daemon.Log, StringComparison.Ordinal);
        string[] lines = [.. man.Lines];
        int upgrade = Array.IndexOf(lines, "STARTTLS");
        Assert.DoesNotContain(lines[..upgrade], l => l.StartsWith("AUTH", StringComparison.Ordinal) || l.StartsWith("MAIL", StringComparison.Ordinal));
        if (lines.Length > upgrade + 1)
            Assert.StartsWith("EHLO", lines[upgrade + 1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task E6_what_was_promised_before_TLS_does_not_count_inside()
    {
        int hellos = 0;
        // In clear: SIZE, CHUNKING, SMTPUTF8, DSN and logins without end; inside TLS: nothing but a login.
        await using var man = new ScriptedPeer("SIZE=1 CHUNKING BINARYMIME SMTPUTF8 DSN PIPELINING 8BITMIME AUTH=PLAIN") { Certificate = _certificate };
        man.On("ehlo", _ => Interlocked.Increment(ref hellos) % 2 == 0 ? "250 provider.test\nAUTH LOGIN" : null);
        man.On("auth", l => l == "AUTH LOGIN" ? "334 VXNlcm5hbWU6" : "535 5.7.8 not offered");
        await using Daemon daemon = await StartAsync(man.Port);
        await SendAsync(daemon);
        await Wait.UntilAsync(() => man.Lines.Any(l => l.StartsWith("AUTH", StringComparison.Ordinal)), "the login begins", null, () => daemon.Log + string.Join('\n', man.Lines));
        await UntilTriedAsync(daemon, man);
        Assert.All(man.Lines.Where(l => l.StartsWith("AUTH", StringComparison.Ordinal)), l => Assert.Equal("AUTH LOGIN", l));
        Assert.DoesNotContain(man.Lines, l => l.StartsWith("BDAT", StringComparison.Ordinal));
        Assert.DoesNotContain(man.Lines, l => l.Contains(" SIZE=", StringComparison.Ordinal) || l.Contains("NOTIFY", StringComparison.Ordinal));
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _folder.Dispose();
    }

    private async Task<Daemon> StartAsync(int port, string url = "smtp+tls://me@localhost", string login = "auth <secrets>")
    {
        File.SetUnixFileMode(_folder.Write("secrets", $"me {_login}:{_password}\nlocalhost {_login}:{_password}\n"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        _folder.Write("authority.pem", _certificate.ExportCertificatePem());
        return await Daemon.StartAsync(string.Create(CultureInfo.InvariantCulture, $$"""
            log trace all
            ca lab cert "@DIR@/authority.pem"
            table secrets file:@DIR@/secrets
            retry schedule { 1h }
            listen on 127.0.0.1 port @PORT@ hostname mx.home.test
            action "out" relay host {{url}}:{{port}} {{login}} ca lab
            match from local for any action "out"
            """), _folder);
    }

    private static async Task SendAsync(Daemon daemon)
    {
        await using SmtpClient client = await SmtpClient.ConnectAsync(daemon.Port);
        Assert.StartsWith("250", await client.SendAsync("a@home.test", "b@far.test", "Subject: for the provider only\n\nx\n"), StringComparison.Ordinal);
    }

    private static Task UntilTriedAsync(Daemon daemon, ScriptedPeer man) => Wait.UntilAsync(
        async () => man.Bodies.Count > 0 || (await daemon.QueueAsync()).Any(q => q.Split('|')[13].Length > 0), "it was tried", null, () => daemon.Log + string.Join('\n', man.Lines));

    private static Task UntilRefusedAsync(Daemon daemon) => Wait.UntilAsync(
        async () => (await daemon.QueueAsync()) is [string entry] && (entry.Contains("TLS", StringComparison.Ordinal) || entry.Contains("STARTTLS", StringComparison.Ordinal)), "the queue tells that TLS failed", null, () => daemon.Log);

    private void AssertNothingLeaked(ScriptedPeer man)
    {
        Assert.DoesNotContain(man.Lines, l => l.StartsWith("AUTH", StringComparison.OrdinalIgnoreCase));
        Assert.Empty(SecretSearch.Octets("wire", System.Text.Encoding.UTF8.GetBytes(string.Join('\n', man.Lines))));
    }
}
