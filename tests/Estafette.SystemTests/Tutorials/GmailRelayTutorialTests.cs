using Estafette.SystemTests.Harness;
using Estafette.SystemTests.Peers;
using Estafette.Tests.Delivery.Remote;

namespace Estafette.SystemTests.Tutorials;

/// <summary>
/// The part "Configuration d'un relais" of the article (rows O24 to O28), typed step by step against a provider that behaves as Gmail did: Postfix and Dovecot with TLS and a
/// login. Only host, port and paths are the test's own, and the provider's authority, which nobody's machine trusts, is named in <c>SSL_CERT_FILE</c>.
/// </summary>
public sealed class GmailRelayTutorialTests(Provider provider) : IClassFixture<Provider>
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task O25_O27_mail_of_every_local_program_arrives_with_the_login(bool newGrammar)
    {
        (string login, string password) = (Secrets.Login(), Secrets.Password());
        await provider.SetUserAsync(login, password);
        using var folder = new TemporaryFolder();
        await PrepareAsync(folder, login, password);
        await using Daemon daemon = await StartAsync(folder, newGrammar);

        // s-nail is mailx(1) and mail(1); cron calls sendmail with these words.
        string[] calls =
        [
            $"echo 'Ceci est un message de test' | s-nail -:/ -Smta=file://{Published.Tool("sendmail")} -s 'mailx {login}' you@far.test",
            $"printf 'Subject: sendmail {login}\\nTo: you@far.test\\n\\ntext\\n' | {Published.Tool("sendmail")} -t",
            $"printf 'From: root (Cron Daemon)\\nTo: you@far.test\\nSubject: cron {login}\\n\\noutput\\n' | {Published.Tool("sendmail")} -FCronDaemon -i -B8BITMIME -oem you@far.test",
        ];
        foreach (string call in calls)
        {
            CommandResult sent = await Command.ShellAsync(call, environment: daemon.Environment);
            Assert.True(sent.ExitCode == 0, sent + daemon.Log);
        }
        foreach (string program in (string[])["mailx", "sendmail", "cron"])
            Assert.Contains($"(Authenticated sender: {login})", await provider.ArrivesAsync($"Subject: {program} {login}", () => daemon.Log), StringComparison.Ordinal);
        await daemon.UntilQueueIsEmptyAsync();
        Assert.Contains("relay: Ok for", daemon.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task O28_a_wrong_password_waits_with_the_providers_words_and_is_corrected_without_a_restart()
    {
        (string login, string password) = (Secrets.Login(), Secrets.Password());
        await provider.SetUserAsync(login, password);
        using var folder = new TemporaryFolder();
        await PrepareAsync(folder, login, Secrets.Password());
        await using Daemon daemon = await StartAsync(folder, newGrammar: false);
        CommandResult sent = await daemon.ToolAsync("sendmail", ["you@far.test"], $"Subject: patient {login}\n\ntext\n");
        Assert.True(sent.ExitCode == 0, sent.ToString());
        string mailq = "";
        await Wait.UntilAsync(async () => (mailq = (await daemon.ToolAsync("mailq", [])).Output).Contains("535 5.7.8", StringComparison.Ordinal), "mailq tells the refusal", null, () => mailq + daemon.Log);
        Assert.Contains("authentication failed", mailq, StringComparison.Ordinal);
        Assert.Contains("535 5.7.8", daemon.Log, StringComparison.Ordinal);

        await PrepareAsync(folder, login, password);
        // The file is seen to have changed; only the mail that waits for its next attempt must be told.
        await Wait.UntilAsync(async () =>
        {
            CommandResult flush = await daemon.ToolAsync("smtpctl", ["schedule", "all"]);
            Assert.True(flush.ExitCode == 0, flush.ToString());
            return (await daemon.QueueAsync()).Count == 0;
        }, "the corrected password is used", null, () => daemon.Log + provider.Log);
        Assert.Contains($"(Authenticated sender: {login})", await provider.ArrivesAsync($"Subject: patient {login}", () => daemon.Log), StringComparison.Ordinal);
        await daemon.UntilQueueIsEmptyAsync();
    }

    /// <summary>What Google says to an account's password; no Postfix can, so these octets are said by hand. Some servers repeat what they were sent.</summary>
    [Fact]
    public async Task O28_E54_Googles_refusal_is_told_with_its_cure_and_an_echo_of_the_password_is_hidden()
    {
        (string login, string password) = (Secrets.Login(), Secrets.Password());
        using var folder = new TemporaryFolder();
        await using TestUser user = await TestUser.MakeAsync(folder);
        using var certificate = ScriptedPeer.NewCertificate("localhost");
        folder.Write("google.pem", certificate.ExportCertificatePem());
        await using var google = new ScriptedPeer("PIPELINING 8BITMIME SIZE AUTH=LOGIN=PLAIN=XOAUTH2 ENHANCEDSTATUSCODES") { Certificate = certificate };
        string plain = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"\0{login}\0{password}"));
        google.On("auth", "535-5.7.8 Username and Password not accepted. For more information, go to\n5.7.8  https://support.google.com/mail/?p=BadCredentials\n"
            + $"5.7.8 you sent {login} {password} {plain} {Uri.EscapeDataString(password)}\n5.7.8 a640c23a62f3a-ab0f - gsmtp");
        await PrepareAsync(folder, login, password);
        await using Daemon daemon = Daemon.Prepare($$"""
            listen on 127.0.0.1 port @PORT@ hostname Hermes
            table secrets db:@DIR@/secrets.db
            log trace all
            expire 4s
            accept from local for local deliver to maildir
            accept from local for any relay via tls+auth://label@localhost:{{google.Port}} auth <secrets>
            """, folder);
        daemon.Environment["SSL_CERT_FILE"] = folder["google.pem"];
        await daemon.StartAgainAsync();
        await daemon.ToolAsync("sendmail", ["-f", user.Name + "@localhost", "you@far.test"], "Subject: refused\n\ntext\n");
        string mailq = "";
        await Wait.UntilAsync(async () => (mailq = (await daemon.ToolAsync("mailq", [])).Output).Contains("Username and Password not accepted", StringComparison.Ordinal), "mailq tells Google's words", null, () => mailq + daemon.Log);
        Assert.Contains("gsmtp", mailq, StringComparison.Ordinal);
        Assert.Contains("apppasswords", mailq, StringComparison.Ordinal);
        Assert.Contains("Username and Password not accepted", daemon.Log, StringComparison.Ordinal);
        await daemon.ToolAsync("estafette", ["queue", "list", "--json"]);
        // The notification, when the mail is too old, tells the same.
        string inbox = Path.Combine(user.Home, "Maildir", "new");
        await Wait.UntilAsync(() => Directory.Exists(inbox) && Directory.GetFiles(inbox).Length == 1, "the notification arrives", null, () => daemon.Log);
        string notification = string.Join(' ', (await File.ReadAllTextAsync(Directory.GetFiles(inbox)[0])).Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("Username and Password not accepted", notification, StringComparison.Ordinal);
        string everything = daemon.Log + mailq + notification;
        Assert.DoesNotContain(Secrets.PasswordMarker, everything, StringComparison.Ordinal);
        Assert.Empty(SecretSearch.Octets("log", System.Text.Encoding.UTF8.GetBytes(everything)));
        // The login went over TLS only, and the password nowhere before.
        Assert.StartsWith("STARTTLS", google.Lines.ElementAt(1), StringComparison.Ordinal);
    }

    /// <summary>O27: the article's four commands. Whichever user the daemon becomes, it is root who reads the file.</summary>
    private static async Task PrepareAsync(TemporaryFolder folder, string login, string password)
    {
        // The password comes by standard input: what is an argument, everybody may read while the command runs.
        CommandResult prepared = await Command.ShellAsync(
            $"""
            cd {folder.Path} && rm -f secrets && umask 077
            read -r line && echo "$line" >> {folder["secrets"]}
            {Published.Tool("makemap")} {folder["secrets"]}
            chmod 640 {folder["secrets"]}*
            chown root:nogroup {folder["secrets"]}*
            """, $"label {login}:{password}\n");
        Assert.True(prepared.ExitCode == 0, prepared.ToString());
        Assert.True(File.Exists(folder["secrets.db"]));
    }

    private async Task<Daemon> StartAsync(TemporaryFolder folder, bool newGrammar)
    {
        string rule = newGrammar
            ? $"action \"out\" relay host smtp+tls://label@{Provider.Host}:{provider.Submission} auth <secrets>\nmatch from local for any action \"out\""
            : $"accept from local for any relay via tls+auth://label@{Provider.Host}:{provider.Submission} auth <secrets>";
        Daemon daemon = Daemon.Prepare($"""
            log trace all
            nameserver {provider.NameServer}
            retry schedule {"{"} 1h {"}"}
            listen on 127.0.0.1 port @PORT@ hostname Hermes
            table secrets db:@DIR@/secrets.db
            {rule}
            """, folder);
        daemon.Environment["SSL_CERT_FILE"] = provider.Authority;
        await daemon.StartAgainAsync();
        return daemon;
    }
}
