using System.Diagnostics;
using System.Text;
using Estafette.Tests.Smtp;
using global::Estafette.Config.Model;
using global::Estafette.Events;
using global::Estafette.Smtp;
using global::Estafette.Smtpd;

namespace Estafette.Tests.Smtpd;

/// <summary>What a client may do wrong in AUTH, for each mechanism, and what it must not get by it.</summary>
public sealed class AuthDialogTests
{
    private const string SecretHash = "$6$conform$ObiIuW5G6cSndMreaXGN9HveEQ0zjzzMigZGZJAqBMZ3Ft/KTdRO1fxuAHmcpKC0WvEroSawqOOZGD0ZQzUpN/";
    private static readonly string s_verifier = ScramVerifier.Create("secret"u8, 4096)!.ToStoredText();
    private static readonly SourceSpan s_at = new("smtpd.conf", 1, 1);

    [Theory]
    [InlineData("PLAIN")]
    [InlineData("LOGIN")]
    [InlineData("SCRAM-SHA-256")]
    [InlineData("scram-sha-256-plus")]
    public async Task E10_a_login_can_be_given_up_at_every_step_and_garbage_is_a_syntax_error(string mechanism)
    {
        await using ReceptionHost host = await ReceptionHost.StartAsync(Settings(s_verifier));
        await using SmtpPeer peer = await GreetedAsync(host);
        Assert.StartsWith("334 ", await peer.AskAsync("AUTH " + mechanism), StringComparison.Ordinal);
        Assert.Equal("501 5.7.0 Authentication cancelled", await peer.AskAsync("*"));
        foreach (string garbage in (string[])["!!!", "=", "====", "AAAA", Base64("\0\0"), Base64("\0\0\0"), Base64(new string('\0', 300)), Base64("n,,n=a,r=\0")])
        {
            Assert.StartsWith("334 ", await peer.AskAsync("AUTH " + mechanism), StringComparison.Ordinal);
            // LOGIN's first line is a name: only what is no base64, empty, or holds NUL is wrong there.
            string reply = await peer.AskAsync(garbage);
            if (reply.StartsWith("334", StringComparison.Ordinal))
                reply = await peer.AskAsync("=");
            Assert.Equal("501 5.5.2 Syntax error", reply);
        }
        Assert.Equal("501 5.5.2 Syntax error", await peer.AskAsync($"AUTH {mechanism} !!!"));
        Assert.Equal("250 2.0.0 Ok", await peer.AskAsync("NOOP"));
        Assert.Empty(host.Published.OfType<AuthenticationResult>());
    }

    [Theory]
    [InlineData("PLAIN")]
    [InlineData("LOGIN")]
    [InlineData("SCRAM-SHA-256")]
    public async Task E10_CVE_2018_6789_oversized_base64_is_refused_and_nothing_is_left_behind(string mechanism)
    {
        await using ReceptionHost host = await ReceptionHost.StartAsync(Settings(s_verifier));
        await using SmtpPeer peer = await GreetedAsync(host);
        foreach (int length in (int[])[3 * 1024, 9000, 60_000])
        {
            await peer.AskAsync("AUTH " + mechanism);
            string reply = await peer.AskAsync(Convert.ToBase64String(Enumerable.Repeat((byte)'a', length).ToArray()));
            if (reply.StartsWith("334", StringComparison.Ordinal))
                reply = await peer.AskAsync("*");
            Assert.StartsWith("501 ", reply, StringComparison.Ordinal);
        }
        Assert.Equal("250 2.0.0 Ok", await peer.AskAsync("NOOP"));
    }

    [Fact]
    public async Task AUTH_has_its_place_and_counts_once()
    {
        await using ReceptionHost host = await ReceptionHost.StartAsync(Settings(SecretHash));
        await using SmtpPeer peer = await host.ConnectAsync();
        await peer.StartTlsAsync();
        await peer.ReplyAsync();
        Assert.StartsWith("503", await peer.AskAsync("AUTH PLAIN " + Plain("secret")), StringComparison.Ordinal);
        await peer.AskAsync("EHLO client.test");
        Assert.StartsWith("501", await peer.AskAsync("AUTH"), StringComparison.Ordinal);
        Assert.StartsWith("504", await peer.AskAsync("AUTH SCRAM-SHA-256"), StringComparison.Ordinal);
        await peer.AskAsync("MAIL FROM:<a@client.test>");
        Assert.StartsWith("503", await peer.AskAsync("AUTH PLAIN " + Plain("secret")), StringComparison.Ordinal);
        await peer.AskAsync("RSET");
        Assert.StartsWith("235", await peer.AskAsync("AUTH PLAIN " + Plain("secret")), StringComparison.Ordinal);
        Assert.StartsWith("503", await peer.AskAsync("AUTH PLAIN " + Plain("secret")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SCRAM_is_offered_where_every_row_is_a_verifier_and_binds_the_channel()
    {
        await using ReceptionHost host = await ReceptionHost.StartAsync(Settings(s_verifier));
        await using SmtpPeer peer = await host.ConnectAsync();
        await peer.StartTlsAsync();
        await peer.ReplyAsync();
        await peer.SendAsync("EHLO client.test\r\n");
        Assert.Contains("250-AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN", await LinesAsync(peer));
        // A client that could bind the channel and was told that we cannot: somebody in the middle took PLUS out.
        Assert.Equal("501 5.5.2 Syntax error", await peer.AskAsync("AUTH SCRAM-SHA-256 " + Base64("y,,n=alice,r=abc")));
        foreach ((string password, string login, string code) in ((string, string, string)[])[("wrong", "alice", "535"), ("secret", "nobody", "535"), ("secret", "alice", "235")])
            Assert.StartsWith(code, await ScramAsync(peer, login, password), StringComparison.Ordinal);
        Assert.Equal(["alice", "nobody", "alice"], host.Published.OfType<AuthenticationResult>().Select(e => e.Login));
    }

    [Fact]
    public async Task SCRAM_is_offered_where_the_listener_names_it_and_a_row_without_a_verifier_fails_like_a_wrong_password()
    {
        await using ReceptionHost host = await ReceptionHost.StartAsync(Settings(SecretHash, "SCRAM-SHA-256", "PLAIN"));
        await using SmtpPeer peer = await host.ConnectAsync();
        await peer.StartTlsAsync();
        await peer.ReplyAsync();
        await peer.SendAsync("EHLO client.test\r\n");
        Assert.Contains("250-AUTH SCRAM-SHA-256 PLAIN", await LinesAsync(peer));
        Assert.Equal("535 5.7.8 Authentication failed", await ScramAsync(peer, "alice", "secret"));
        Assert.StartsWith("504", await peer.AskAsync("AUTH LOGIN"), StringComparison.Ordinal);
        Assert.StartsWith("235", await peer.AskAsync("AUTH PLAIN " + Plain("secret")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task E10_wrong_unknown_and_locked_have_the_same_words_and_the_same_moments()
    {
        await using ReceptionHost host = await ReceptionHost.StartAsync(Settings(SecretHash));
        foreach (string login in (string[])["alice", "nobody", "locked"])
        {
            await using SmtpPeer peer = await GreetedAsync(host);
            var clock = Stopwatch.StartNew();
            Assert.Equal("535 5.7.8 Authentication failed", await peer.AskAsync("AUTH PLAIN " + Base64($"\0{login}\0wrong")));
            // On a beat of half a second; a loaded machine may miss one, and only ever be later.
            Assert.True(clock.Elapsed >= TimeSpan.FromSeconds(0.49), $"{login}: {clock.Elapsed}");
        }
    }

    [Fact]
    public async Task E9_without_TLS_passwords_are_asked_for_only_where_the_listener_says_so()
    {
        foreach (bool said in (bool[])[true, false])
        {
            ReceptionSettings settings = Settings(SecretHash);
            await using ReceptionHost host = await ReceptionHost.StartAsync(settings with { Listener = l => settings.Listener!(l) with { Tls = ListenerTls.None, AuthWithoutTls = said } });
            await using SmtpPeer peer = await host.ConnectAsync();
            await peer.ReplyAsync();
            await peer.AskAsync("EHLO client.test");
            Assert.StartsWith(said ? "235" : "503", await peer.AskAsync("AUTH PLAIN " + Plain("secret")), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task E44_a_back_end_that_is_away_is_454_and_counts_against_nobody()
    {
        ReceptionSettings settings = Settings(SecretHash);
        await using ReceptionHost host = await ReceptionHost.StartAsync(settings with { Listener = l => settings.Listener!(l) with { AuthSource = new AuthSource.Dovecot("/nonexistent/auth-client") } });
        await using SmtpPeer peer = await GreetedAsync(host);
        for (int i = 0; i < 5; i++)
            Assert.Equal("454 4.7.0 Temporary authentication failure", await peer.AskAsync("AUTH PLAIN " + Plain("secret")));
        Assert.Empty(host.Published.OfType<AuthenticationResult>());
        Assert.StartsWith("Dovecot at /nonexistent/auth-client: ", host.Published.OfType<AuthenticationUnavailable>().First().Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("alice@conform.test", true)]
    [InlineData("ALICE@Conform.Test", true)]
    [InlineData("any@own.test", true)]
    [InlineData("sales@anywhere.test", true)]
    [InlineData("bob@conform.test", false)]
    [InlineData("any@sub.own.test", false)]
    [InlineData("alice@other.test", false)]
    [InlineData("", false)]
    public async Task Senders_says_who_may_use_which_address(string sender, bool good)
    {
        ReceptionSettings settings = Settings(SecretHash);
        await using ReceptionHost host = await ReceptionHost.StartAsync(settings with
        {
            Listener = l => settings.Listener!(l) with { AuthSource = AuthSource.SystemUsers.Default, SendersTable = "senders" },
            SystemLogin = (_, _) => ValueTask.FromResult(CredentialCheck.Right),
        });
        await using SmtpPeer peer = await GreetedAsync(host);
        Assert.StartsWith("235", await peer.AskAsync("AUTH PLAIN " + Plain("secret")), StringComparison.Ordinal);
        Assert.Equal(good ? "250 2.0.0 Ok" : "530 5.7.1 Sender rejected", await peer.AskAsync($"MAIL FROM:<{sender}>"));
    }

    [Theory]
    [InlineData(SecretHash, "", "")]
    [InlineData("!$6$x$y", "SCRAM-SHA-256", "")]
    [InlineData("secret", "", "1 of 2 rows of the table `creds` hold nothing that a password could fit")]
    [InlineData("{PLAIN}secret", "", "1 of 2 rows of the table `creds` hold nothing that a password could fit")]
    [InlineData(SecretHash, "SCRAM-SHA-256", "`mechanisms` names SCRAM, but 1 of 2 rows of the table `creds` cannot do it")]
    public void Rows_that_can_never_fit_are_told_and_not_shown(string stored, string mechanism, string message)
    {
        var config = new MailConfig
        {
            Dialect = Dialect.OpenSmtpd,
            Source = "smtpd.conf",
            HostName = "mx.test",
            Listeners =
            [
                new ListenerConfig { EndPoint = new(System.Net.IPAddress.Loopback, 587), Spec = "lo", At = s_at, HostName = "mx.test", Auth = ListenerAuth.Required, AuthSource = new AuthSource.Table("creds"), AuthMechanisms = mechanism.Length > 0 ? [mechanism] : [] },
            ],
            Tables = System.Collections.Immutable.ImmutableDictionary<string, TableConfig>.Empty.Add("creds", new TableConfig { Name = "creds", Kind = TableKind.Inline, Rows = [new("alice", stored), new("bob", s_verifier)], At = s_at }),
        };
        var tables = new global::Estafette.Tables.TableSet(config, new global::Estafette.Tables.SystemUsers(TimeProvider.System), TimeProvider.System, _ => { });
        string told = string.Join('\n', global::Estafette.Smtpd.Auth.CredentialsCheck.Of(config, tables).Select(d => d.Message));
        Assert.Equal(message.Length == 0, told.Length == 0);
        Assert.Contains(message, told, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", told, StringComparison.Ordinal);
    }

    [Fact]
    public void E54_what_holds_a_password_does_not_show_it()
    {
        Assert.DoesNotContain("secret", new SystemLoginRequest("smtpd", "alice", "secret"u8.ToArray(), null).ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("secret", new global::Estafette.Mail.LoginQuestion("alice", "secret"u8.ToArray(), "").ToString(), StringComparison.Ordinal);
    }

    private static async Task<SmtpPeer> GreetedAsync(ReceptionHost host)
    {
        SmtpPeer peer = await host.ConnectAsync();
        await peer.StartTlsAsync();
        await peer.ReplyAsync();
        await peer.AskAsync("EHLO client.test");
        return peer;
    }

    private static async Task<string> ScramAsync(SmtpPeer peer, string login, string password)
    {
        var client = new ScramServerTests.Client(password) { Login = login };
        string first = await peer.AskAsync("AUTH SCRAM-SHA-256 " + Base64(client.First));
        string reply = await peer.AskAsync(Base64(client.Final(Encoding.UTF8.GetString(Convert.FromBase64String(first[4..])))));
        return reply.StartsWith("334", StringComparison.Ordinal) ? await peer.AskAsync("") : reply;
    }

    private static async Task<List<string>> LinesAsync(SmtpPeer peer)
    {
        var lines = new List<string>();
        do
            lines.Add(await peer.LineAsync());
        while (lines[^1][3] == '-');
        return lines;
    }

    private static ReceptionSettings Settings(string stored, params string[] mechanisms) => new()
    {
        Listener = l => l with { Tls = ListenerTls.Implicit, Auth = ListenerAuth.Optional, AuthSource = new AuthSource.Table("creds"), AuthMechanisms = [.. mechanisms] },
        Tls = TestIdentity.Create(),
        Tables =
        [
            new TableConfig { Name = "creds", Kind = TableKind.Inline, Rows = stored == SecretHash ? [new("alice", stored), new("locked", "!" + stored)] : [new("alice", stored)], At = s_at },
            new TableConfig { Name = "senders", Kind = TableKind.Inline, Rows = [new("alice", "alice@conform.test, @own.test , sales")], At = s_at },
        ],
    };

    private static string Plain(string password) => Base64($"\0alice\0{password}");

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
