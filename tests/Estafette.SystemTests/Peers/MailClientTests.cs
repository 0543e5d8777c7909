using System.Globalization;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Peers;

/// <summary>What people and scripts send with: msmtp, mutt, s-nail, smtp-source; and mutt that reads what arrived.</summary>
public sealed class MailClientTests
{
    [Theory]
    [InlineData("plain")]
    [InlineData("login")]
    public async Task Msmtp_logs_in_over_verified_TLS_and_sends_where_strangers_may_not(string mechanism)
    {
        using var folder = new TemporaryFolder();
        Certificates.Write(folder);
        string right = Secrets.Password();
        CommandResult hash = await Command.RunAsync(Published.Tool("smtpctl"), ["encrypt"], right + "\n");
        await using var sink = new SmtpSink(folder["sink"]);
        await using var daemon = await Daemon.StartAsync($$"""
            pki mx.test cert "@DIR@/cert.pem"
            pki mx.test key "@DIR@/key.pem"
            table users { alice = "{{hash.Output.Trim()}}" }
            listen on 127.0.0.1 port @PORT@ tls-require pki mx.test auth <users> hostname mx.test
            action "out" relay host smtp://127.0.0.1:{{sink.Port}}
            match from auth for any action "out"
            """, folder);
        string Account(string password) => $"""
            account default
            host 127.0.0.1
            port {daemon.Port}
            tls on
            tls_starttls on
            tls_trust_file {folder["cert.pem"]}
            tls_host_override mx.test
            auth {mechanism}
            user alice
            password {password}
            from a@client.test

            """;
        foreach ((string password, bool good) in ((string, bool)[])[(right, true), (Secrets.Password(), false)])
        {
            string file = folder.Write("msmtprc", Account(password));
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            CommandResult sent = await Command.RunAsync("/usr/bin/msmtp", ["-C", file, "b@far.test", "c@far.test"], "Subject: by msmtp\n\nGr\u00fc\u00dfe\n.\n..\n");
            Assert.True(sent.ExitCode == 0 == good, sent + daemon.Log);
        }
        await daemon.UntilQueueIsEmptyAsync();
        Assert.Contains("\nGr\u00fc\u00dfe\n.\n..\n", Assert.Single(sink.Messages), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mutt_sends_an_attachment_through_our_sendmail_and_reads_the_Maildir()
    {
        using var folder = new TemporaryFolder();
        await using TestUser user = await TestUser.MakeAsync(folder);
        await using var daemon = await Daemon.StartAsync("""
            listen on 127.0.0.1 port @PORT@ hostname mx.test
            action "local" maildir "@DIR@/box/%{user.username}"
            match for local action "local"
            match from local for domain mx.test action "local"
            """, folder);
        await Command.ShellAsync($"mkdir -p {folder["box"]} && chmod 1777 {folder["box"]}");
        folder.Write("attachment.bin", string.Concat(Enumerable.Repeat("attached\0octets\r\n", 100)));
        folder.Write("muttrc", $"""
            set sendmail="{Published.Tool("sendmail")} -oem -oi"
            set realname="Test User"
            set from="{user.Name}@mx.test"
            set use_envelope_from=yes
            set copy=no
            set folder="{user.Home}"
            set wait_key=no
            set pipe_decode=no
            set quit=yes
            set header_cache=""

            """);
        string box = folder["box/" + user.Name];
        var environment = new Dictionary<string, string>(daemon.Environment) { ["TERM"] = "xterm", ["LANG"] = "C.UTF-8" };
        CommandResult sent = await user.RunAsync($"mutt -n -F {folder["muttrc"]} -s 'mutt sends' -a {folder["attachment.bin"]} -- {user.Name}@mx.test", "Gr\u00fc\u00dfe from mutt\n.\nFrom the third line\n", environment);
        Assert.True(sent.ExitCode == 0, sent.ToString());
        await Wait.UntilAsync(() => Directory.Exists(box + "/new") && Directory.GetFiles(box + "/new").Length == 1, "it arrives\n" + daemon.Log);

        // -z opens the mailbox only when it holds mail, and tells with its exit code.
        CommandResult read = await user.RunAsync(
            $"script -qec \"mutt -n -F {folder["muttrc"]} -z -f {box} -e 'push <pipe-message>cat>{user.Home}/piped<enter><quit>'\" /dev/null < /dev/null", null, environment);
        Assert.True(read.ExitCode == 0, read.ToString());
        string piped = await File.ReadAllTextAsync(Path.Combine(user.Home, "piped"));
        Assert.Contains("Subject: mutt sends\n", piped, StringComparison.Ordinal);
        Assert.Contains("\n.\nFrom the third line\n", piped, StringComparison.Ordinal);
        Assert.Contains("filename=\"attachment.bin\"", piped, StringComparison.Ordinal);
        // mutt has taken it for seen, as IMAP servers and other readers do: new becomes cur.
        Assert.Single(Directory.GetFiles(box + "/cur"));
    }

    [Fact]
    public async Task Smtp_source_by_the_hundred_into_Maildir_and_to_the_next_hop_and_all_arrive()
    {
        using var folder = new TemporaryFolder();
        await using TestUser user = await TestUser.MakeAsync(folder);
        await using var sink = new SmtpSink(folder["sink"]);
        await using var daemon = await Daemon.StartAsync($$"""
            listen on 127.0.0.1 port @PORT@ hostname mx.test
            action "local" maildir
            action "out" relay host smtp://127.0.0.1:{{sink.Port}}
            match for local action "local"
            match from local for any action "out"
            """, folder);
        string port = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{daemon.Port}");
        CommandResult[] results = await Task.WhenAll(
            Command.RunAsync("/usr/sbin/smtp-source", ["-s", "10", "-m", "300", "-l", "5000", "-f", "a@client.test", "-t", user.Name + "@localhost", port]),
            Command.RunAsync("/usr/sbin/smtp-source", ["-s", "10", "-m", "300", "-N", "-d", "-l", "5000", "-f", "a@client.test", "-t", "b@far.test", port]));
        Assert.All(results, r => Assert.True(r.ExitCode == 0, r.ToString()));
        await daemon.UntilQueueIsEmptyAsync();
        Assert.Equal(300, Directory.GetFiles(Path.Combine(user.Home, "Maildir", "new")).Length);
        await Wait.UntilAsync(() => sink.Messages.Count >= 300, "all arrive at the sink");
        Assert.Equal(300, sink.Messages.Count);
        Assert.DoesNotContain("ended by a fault", daemon.Log, StringComparison.Ordinal);
    }
}
