using System.Globalization;
using System.Text.RegularExpressions;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Tutorials;

/// <summary>
/// The article "OpenSMTPD" of LinuxFR (rows O1 to O28), typed step by step with Estafette in OpenSMTPD's place. Ports are high and names are the
/// test's own; every line of configuration and every command is the article's.
/// </summary>
public sealed partial class OpenSmtpdTutorialTests
{
    private const string Article = """
        listen on 127.0.0.1 port @PORT@ hostname hermes.my.domain

        table aliases db:@DIR@/aliases.db

        # Uncomment the following to accept external mail for domain "example.org"
        #
        # accept from any for domain "example.org" alias <aliases> deliver to mbox
        accept from any for domain "dev.unix-experience.fr" alias <aliases> deliver to maildir
        accept for local alias <aliases> deliver to maildir
        accept for any relay
        """;

    [Fact]
    public async Task O7_to_O23_the_first_message_its_dialogue_and_its_log()
    {
        using var folder = new TemporaryFolder();
        await using TestUser user = await TestUser.MakeAsync(folder);
        folder.Write("aliases", $"postmaster: root\nroot: {user.Name}\n");
        // O6, O27: the aliases database.
        CommandResult made = await Command.RunAsync(Published.Tool("makemap"), ["-t", "aliases", "-o", folder["aliases.db"], folder["aliases"]]);
        Assert.True(made.ExitCode == 0, made.ToString());

        await using Daemon daemon = Daemon.Prepare(Article, folder);
        // O12: the syntax check says so and ends well.
        CommandResult check = await Command.RunAsync(Published.Tool("smtpd"), ["-n", "-f", folder["smtpd.conf"]]);
        Assert.True(check.ExitCode == 0, check.ToString());
        Assert.Contains("configuration OK", check.Output + check.Error, StringComparison.Ordinal);

        // O12: foreground and verbose.
        await daemon.StartAgainAsync(Published.Tool("smtpd"), ["-dv", "-f", folder["smtpd.conf"]]);

        // O14: telnet shows the banner.
        CommandResult telnet = await Command.ShellAsync($"printf 'QUIT\\r\\n' | nc -w 5 127.0.0.1 {daemon.Port}");
        Assert.StartsWith("220 hermes.my.domain ESMTP OpenSMTPD", telnet.Output, StringComparison.Ordinal);

        // O17, O18: echo ... | mail -v, with s-nail as mail(1) and our sendmail behind it.
        CommandResult mail = await Command.RunAsync("/usr/bin/s-nail",
            ["-:/", "-Smta=file://" + Published.Tool("sendmail"), "-v", "-s", "TEST MAIL", "root@localhost"],
            "Ceci est un message de test\n", daemon.Environment);
        Assert.True(mail.ExitCode == 0, mail.ToString());
        string dialogue = mail.Output + mail.Error;
        // The local door carries the machine's own name, which is the article author's hermes.my.domain.
        Assert.Matches(@"<<< 220 \S+ ESMTP OpenSMTPD", dialogue);
        foreach (string line in (string[])
        [
            ">>> EHLO localhost", "Hello localhost [local], pleased to meet you", "<<< 250-8BITMIME",
            "<<< 250-ENHANCEDSTATUSCODES", "<<< 250-SIZE 36700160", "HELP", ">>> MAIL FROM:<", "Ok", ">>> RCPT TO:<root@localhost>", "Recipient ok", ">>> DATA",
            "<<< 354 Enter mail, end with \".\" on a line by itself", ">>> .", "Message accepted for delivery", ">>> QUIT", "Bye",
        ])
            Assert.Contains(line, dialogue, StringComparison.Ordinal);
        string messageId = Accepted().Match(dialogue).Groups[1].Value;
        Assert.Matches("^[0-9a-f]{8}$", messageId);

        await Wait.UntilAsync(() => daemon.Log.Contains($"mda: all done for user \"{user.Name}\"", StringComparison.Ordinal), "the message is delivered\n" + daemon.Log);
        AssertLog(daemon.Log, messageId, user.Name);

        // O10: it lies in ~/Maildir, with the article's trace.
        string message = await File.ReadAllTextAsync(Assert.Single(Directory.GetFiles(Path.Combine(user.Home, "Maildir", "new"))));
        Assert.Contains("Subject: TEST MAIL", message, StringComparison.Ordinal);
        Assert.Contains("Ceci est un message de test", message, StringComparison.Ordinal);
        Assert.Contains("Delivered-To: root@localhost", message, StringComparison.Ordinal);
    }

    /// <summary>O19 to O22: one session id, one message id, one envelope id link all lines.</summary>
    private static void AssertLog(string log, string messageId, string user)
    {
        Match opened = Opened().Matches(log).Last(m => log.Contains("Accepted message " + messageId + " on session " + m.Groups[1].Value, StringComparison.Ordinal));
        string session = opened.Groups[1].Value;
        Assert.Matches($@"smtp-in: Accepted message {messageId} on session {session}: from=<[^>]+>, to=<root@localhost>, size=\d+, ndest=1, proto=ESMTP", log);
        Assert.Contains("smtp-in: Closing session " + session, log, StringComparison.Ordinal);
        Match scheduled = Regex.Match(log, $@"debug: scheduler: evp:({messageId}[0-9a-f]{{8}}) scheduled \(mda\)");
        Assert.True(scheduled.Success, log);
        Assert.Matches($@"delivery: Ok for {scheduled.Groups[1].Value}: from=<[^>]+>, to=<root@localhost>, user={user}, method=maildir, delay=\d+s, stat=Delivered", log);
        // O20, O21: what -v shows of expansion and of the delivery process.
        Assert.Matches(@"debug: aliases_get: returned 1 aliases", log);
        Assert.Contains("debug: lka: userinfo <getpwnam>:" + user, log, StringComparison.Ordinal);
        Assert.Matches($@"debug: mda: new session [0-9a-f]{{16}} for user ""{user}"" evpid {scheduled.Groups[1].Value}", log);
        Assert.Matches($@"debug: mda: all done for user ""{user}""", log);
    }

    [Fact]
    public async Task O9_strangers_reach_the_domain_and_nothing_else()
    {
        using var folder = new TemporaryFolder();
        await using TestUser user = await TestUser.MakeAsync(folder);
        folder.Write("aliases", $"root: {user.Name}\n");
        await Command.RunAsync(Published.Tool("makemap"), ["-t", "aliases", "-o", folder["aliases.db"], folder["aliases"]]);
        await using Daemon daemon = await Daemon.StartAsync(Article, folder);
        CommandResult dialogue = await Command.RunAsync("/usr/bin/swaks",
            ["--server", "127.0.0.1", "--port", daemon.Port.ToString(CultureInfo.InvariantCulture), "--local-interface", "127.0.0.9", "--from", "a@stranger.test",
             "--to", $"{user.Name}@dev.unix-experience.fr,victim@example.net", "--body", "from outside"]);
        Assert.Contains("Destination address valid: Recipient ok", dialogue.Output, StringComparison.Ordinal);
        Assert.Matches(@"<\*\* 550 .*Invalid recipient", dialogue.Output);
    }

    [Fact]
    public async Task O15_O24_tls_require_and_auth_as_the_article_writes_them()
    {
        using var folder = new TemporaryFolder();
        CommandResult certificate = await Command.ShellAsync($"openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=Hermes -keyout {folder["key.pem"]} -out {folder["cert.pem"]} 2>&1 && chmod 600 {folder["key.pem"]}");
        Assert.True(certificate.ExitCode == 0, certificate.ToString());
        await using Daemon daemon = await Daemon.StartAsync("""
            pki Hermes certificate "@DIR@/cert.pem"
            pki Hermes key "@DIR@/key.pem"
            listen on 127.0.0.1 port @PORT@ tls-require pki Hermes hostname Hermes
            accept for any relay
            """, folder);
        await using SmtpClient client = await SmtpClient.ConnectAsync(daemon.Port);
        Assert.StartsWith("530", await client.AskAsync("MAIL FROM:<a@client.test>"), StringComparison.Ordinal);
        CommandResult swaks = await Command.RunAsync("/usr/bin/swaks",
            ["--server", "127.0.0.1", "--port", daemon.Port.ToString(CultureInfo.InvariantCulture), "--tls", "--from", "a@client.test", "--to", "b@far.test", "--quit-after", "RCPT"]);
        Assert.True(swaks.ExitCode == 0, swaks.ToString());
        Assert.Contains("=== TLS started", swaks.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task O24_to_O28_the_relay_through_a_provider_with_a_login()
    {
        using var folder = new TemporaryFolder();
        using var providerFolder = new TemporaryFolder();
        CommandResult certificate = await Command.ShellAsync(
            $"openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout {providerFolder["key.pem"]} -out {providerFolder["cert.pem"]} 2>&1 && chmod 600 {providerFolder["key.pem"]}");
        Assert.True(certificate.ExitCode == 0, certificate.ToString());
        (string password, string wrong) = (Secrets.Password(), Secrets.Password());
        CommandResult hash = await Command.RunAsync(Published.Tool("smtpctl"), ["encrypt"], password + "\n");
        // The provider: it wants TLS and a login, and takes mail for everywhere from who has one.
        await using var sink = new SmtpSink(providerFolder["sink"]);
        await using Daemon provider = await Daemon.StartAsync($$"""
            pki localhost certificate "@DIR@/cert.pem"
            pki localhost key "@DIR@/key.pem"
            table creds { "IDGOOGLE@gmail.com" = "{{hash.Output.Trim()}}" }
            listen on 127.0.0.1 port @PORT@ tls-require pki localhost auth <creds> hostname localhost
            accept from local for any relay via smtp://127.0.0.1:{{sink.Port}}
            """, providerFolder);

        // O27: the article's four commands.
        string secrets = folder.Write("secrets", "");
        string group = Environment.IsPrivilegedProcess ? "&& chown root:nogroup secrets*" : "";
        CommandResult prepared = await Command.ShellAsync(
            $"cd {folder.Path} && echo 'label IDGOOGLE@gmail.com:{password}' >> secrets && {Published.Tool("makemap")} {secrets} && chmod 640 secrets* {group}");
        Assert.True(prepared.ExitCode == 0, prepared.ToString());
        Assert.True(File.Exists(folder["secrets.db"]));

        await using Daemon daemon = Daemon.Prepare($$"""
            listen on 127.0.0.1 port @PORT@ hostname Hermes
            table secrets db:@DIR@/secrets.db
            accept from local for any relay via tls+auth://label@localhost:{{provider.Port}} auth <secrets>
            """, folder);
        // The provider's certificate is one that the machine trusts, as Google's is.
        daemon.Environment["SSL_CERT_FILE"] = providerFolder["cert.pem"];
        await daemon.StartAgainAsync();
        CommandResult sent = await daemon.ToolAsync("sendmail", ["you@far.test"], "Subject: through the provider\n\ntext\n");
        Assert.True(sent.ExitCode == 0, sent.ToString());
        await Wait.UntilAsync(() => sink.Messages.Any(m => m.Contains("Subject: through the provider", StringComparison.Ordinal)), "the provider has it\n" + daemon.Log + provider.Log);
        Assert.Contains("by IDGOOGLE@gmail.com", provider.Log.Replace("user \"", "by ", StringComparison.Ordinal), StringComparison.Ordinal);

        // O28, E54: a wrong password defers with the provider's words, and stands in no log.
        await daemon.Running!.TerminateAsync();
        await Command.ShellAsync($"cd {folder.Path} && echo 'label IDGOOGLE@gmail.com:{wrong}' > secrets && {Published.Tool("makemap")} {secrets}");
        await daemon.StartAgainAsync();
        await daemon.ToolAsync("sendmail", ["you@far.test"], "Subject: refused\n\ntext\n");
        await Wait.UntilAsync(async () => (await daemon.QueueAsync()).Any(l => l.Contains("535", StringComparison.Ordinal)), "the refused login is told\n" + daemon.Log);
        Assert.DoesNotContain(Secrets.PasswordMarker, daemon.Log + provider.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task O26_the_stray_space_of_the_article_is_pointed_at()
    {
        using var folder = new TemporaryFolder();
        string config = folder.Write("smtpd.conf", """
            listen on 127.0.0.1
            table secrets { label = "user:password" }
            accept from local for any relay via tls+ auth://label@smtp.gmail.com:587 auth <secrets>
            """);
        CommandResult check = await Command.RunAsync(Published.Tool("estafette"), ["check", "--config", config]);
        Assert.Equal(1, check.ExitCode);
        string told = check.Output + check.Error;
        Assert.Contains(config + ":3:", told, StringComparison.Ordinal);
        Assert.Contains("^", told, StringComparison.Ordinal);
        Assert.Contains("tls+auth://label@smtp.gmail.com:587", told, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"<<< 250 (?:2\.0\.0:? )?([0-9a-f]{8}) Message accepted for delivery")]
    private static partial Regex Accepted();

    [GeneratedRegex(@"smtp-in: New session ([0-9a-f]{16}) from host \d+@localhost \[local\]")]
    private static partial Regex Opened();
}
