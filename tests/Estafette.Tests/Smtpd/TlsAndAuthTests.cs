using System.Text;
using global::Estafette.Config.Model;
using global::Estafette.Events;

namespace Estafette.Tests.Smtpd;

public sealed class TlsAndAuthTests
{
    /// <summary>"secret", as <c>mkpasswd -m sha-512</c> writes it.</summary>
    private const string SecretHash = "$6$conform$ObiIuW5G6cSndMreaXGN9HveEQ0zjzzMigZGZJAqBMZ3Ft/KTdRO1fxuAHmcpKC0WvEroSawqOOZGD0ZQzUpN/";

    private static readonly SourceSpan s_at = new("smtpd.conf", 1, 1);

    [Fact]
    public async Task E5_plaintext_pipelined_after_starttls_is_thrown_away()
    {
        await using ReceptionHost host = await ReceptionHost.StartAsync(Settings(l => l with { Tls = ListenerTls.Offer }));
        await using SmtpPeer peer = await host.ConnectAsync();
        await peer.ReplyAsync();
        await peer.AskAsync("EHLO client.test");
        Assert.Equal("220 2.0.0 Ready to start TLS", await peer.AskAsync("STARTTLS\r\nEHLO evil.test\r\nMAIL FROM:<evil@client.test>"));
        await peer.StartTlsAsync();
        Assert.StartsWith("503", await peer.AskAsync("MAIL FROM:<a@client.test>"), StringComparison.Ordinal);
        Assert.Equal("250 HELP", await peer.AskAsync("EHLO client.test"));
        Assert.Equal("250 2.0.0 Ok", await peer.AskAsync("MAIL FROM:<a@client.test>"));
        Assert.Single(host.Published.OfType<ProtocolAbuse>());
        TlsStarted tls = Assert.Single(host.Published.OfType<TlsStarted>());
        Assert.Equal(("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256), (tls.Protocol, tls.Cipher, tls.Bits));
    }

    [Fact]
    public async Task Tls_require_and_auth_stand_before_mail()
    {
        await using ReceptionHost host = await ReceptionHost.StartAsync(Settings(l => l with { Tls = ListenerTls.Require, Auth = ListenerAuth.Required, AuthSource = new AuthSource.Table("creds") }));
        await using SmtpPeer peer = await host.ConnectAsync();
        await peer.ReplyAsync();
        Assert.Equal("250 HELP", await peer.AskAsync("EHLO client.test"));
        Assert.Equal("530 5.5.1 Invalid command: Must issue a STARTTLS command first", await peer.AskAsync("MAIL FROM:<a@client.test>"));
        Assert.Equal("503 5.5.1 Invalid command: Command not supported", await peer.AskAsync("AUTH PLAIN " + Plain("alice", "secret")));
        Assert.StartsWith("220", await peer.AskAsync("STARTTLS"), StringComparison.Ordinal);
        await peer.StartTlsAsync();
        await peer.AskAsync("EHLO client.test");
        Assert.Equal("530 5.5.1 Invalid command: Must issue an AUTH command first", await peer.AskAsync("MAIL FROM:<a@client.test>"));
        Assert.Equal("535 5.7.8 Authentication failed", await peer.AskAsync("AUTH PLAIN " + Plain("alice", "wrong")));
        Assert.Equal("535 5.7.8 Authentication failed", await peer.AskAsync("AUTH PLAIN " + Plain("nobody", "secret")));
        Assert.Equal("504", (await peer.AskAsync("AUTH CRAM-MD5"))[..3]);
        Assert.Equal("501 5.5.2 Syntax error", await peer.AskAsync("AUTH PLAIN !!!"));
        Assert.Equal("334 VXNlcm5hbWU6", await peer.AskAsync("AUTH LOGIN"));
        Assert.Equal("334 UGFzc3dvcmQ6", await peer.AskAsync(Base64("alice")));
        Assert.Equal("235 2.0.0 Authentication succeeded", await peer.AskAsync(Base64("secret")));
        Assert.Equal("503 5.5.1 Invalid command: Already authenticated", await peer.AskAsync("AUTH LOGIN"));
        Assert.Equal("250 2.0.0 Ok", await peer.AskAsync("MAIL FROM:<a@client.test>"));
        Assert.Equal([false, false, true], host.Published.OfType<AuthenticationResult>().Select(e => e.Success));
    }

    [Fact]
    public async Task E10_the_third_failure_ends_the_session()
    {
        await using ReceptionHost host = await ReceptionHost.StartAsync(Settings(l => l with { Tls = ListenerTls.Implicit, Auth = ListenerAuth.Optional, AuthSource = new AuthSource.Table("creds") }));
        await using SmtpPeer peer = await host.ConnectAsync();
        await peer.StartTlsAsync();
        await peer.ReplyAsync();
        await peer.AskAsync("EHLO client.test");
        for (int i = 0; i < 3; i++)
            Assert.StartsWith("535", await peer.AskAsync("AUTH PLAIN " + Plain("alice", "wrong")), StringComparison.Ordinal);
        Assert.Equal("closed", await peer.ReplyAsync());
    }

    [Fact]
    public async Task Senders_may_use_their_own_addresses_and_masquerade_rewrites_From()
    {
        ReceptionSettings settings = Settings(l => l with
        {
            Tls = ListenerTls.Implicit,
            Auth = ListenerAuth.Required,
            AuthSource = new AuthSource.Table("creds"),
            SendersTable = "senders",
            Masquerade = true,
        });
        await using ReceptionHost host = await ReceptionHost.StartAsync(settings);
        await using SmtpPeer peer = await host.ConnectAsync();
        await peer.StartTlsAsync();
        await peer.ReplyAsync();
        await peer.AskAsync("EHLO client.test");
        Assert.StartsWith("235", await peer.AskAsync("AUTH PLAIN " + Plain("alice", "secret")), StringComparison.Ordinal);
        Assert.Equal("530 5.7.1 Sender rejected", await peer.AskAsync("MAIL FROM:<bob@conform.test>"));
        Assert.Equal("250 2.0.0 Ok", await peer.AskAsync("MAIL FROM:<Sales@conform.test>"));
        await peer.AskAsync("RSET");
        await peer.AskAsync("MAIL FROM:<alice@conform.test>");
        await peer.AskAsync("RCPT TO:<bob@mx.test>");
        await peer.AskAsync("DATA");
        Assert.StartsWith("250", await peer.AskAsync("From: Forged <boss@conform.test>\r\nTo: bob\r\nSubject: x\r\n\r\nbody\r\n."), StringComparison.Ordinal);
        string text = Assert.Single(host.Intake.Messages).Text;
        Assert.Contains("\r\nFrom: Forged <alice@conform.test>\r\nTo: bob@mx.test\r\nSubject: x\r\nDate: ", text, StringComparison.Ordinal);
        Assert.Contains("with ESMTPSA id", text, StringComparison.Ordinal);
        Assert.Contains("(TLSv1.3:TLS_AES_256_GCM_SHA384:256:NO)", text, StringComparison.Ordinal);
        Assert.Equal("530 5.7.1 Sender rejected", host.Published.OfType<CommandRefused>().First().Reply);
        Assert.Equal("smtpd.conf:7", host.Published.OfType<CommandRefused>().First().Rule);
    }

    [Fact]
    public async Task A_listener_without_a_certificate_says_so()
    {
        await using ReceptionHost host = await ReceptionHost.StartAsync(Settings(l => l with { Tls = ListenerTls.Offer }) with { Tls = null });
        await using SmtpPeer peer = await host.ConnectAsync();
        await peer.ReplyAsync();
        await peer.AskAsync("EHLO client.test");
        Assert.StartsWith("454 4.7.0", await peer.AskAsync("STARTTLS"), StringComparison.Ordinal);
        Assert.Equal("250 2.0.0 Ok", await peer.AskAsync("NOOP"));
    }

    [Fact]
    public async Task A_failed_handshake_costs_its_own_session_only()
    {
        await using ReceptionHost host = await ReceptionHost.StartAsync(Settings(l => l with { Tls = ListenerTls.Implicit }));
        await using (SmtpPeer broken = await host.ConnectAsync())
        {
            await broken.SendAsync("EHLO plain.test\r\n");
            string line;
            do line = await broken.LineAsync();
            while (line != "closed");
        }
        await using SmtpPeer peer = await host.ConnectAsync();
        await peer.StartTlsAsync();
        Assert.StartsWith("220", await peer.ReplyAsync(), StringComparison.Ordinal);
        Assert.Single(host.Published.OfType<TlsFailed>());
    }

    private static ReceptionSettings Settings(Func<ListenerConfig, ListenerConfig> listener) => new()
    {
        Listener = listener,
        Tls = TestIdentity.Create(),
        Tables =
        [
            new TableConfig { Name = "creds", Kind = TableKind.Inline, Rows = [new("alice", SecretHash)], At = s_at },
            new TableConfig { Name = "senders", Kind = TableKind.Inline, Rows = [new("alice", "alice@conform.test, sales@conform.test")], At = s_at },
        ],
    };

    private static string Plain(string login, string password) => Base64($"\0{login}\0{password}");

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
