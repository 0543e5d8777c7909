using System.Text.RegularExpressions;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Peers;

/// <summary>The ways in which programs of a Debian machine call sendmail, word for word, with the daemon up and down.</summary>
public sealed class CallersOfSendmailTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private TestUser _user = null!;
    private Daemon _daemon = null!;

    public async Task InitializeAsync()
    {
        _user = await TestUser.MakeAsync(_folder);
        _daemon = Daemon.Prepare("""
            table aliases { root = "@USER@" }
            listen on 127.0.0.1 port @PORT@ hostname mx.test
            action "local" maildir "@DIR@/box/%{user.username}" alias <aliases>
            action "out" relay host smtp://127.0.0.1:9
            match for local action "local"
            match from local for domain mx.test action "local"
            match from local for any action "out"
            """.Replace("@USER@", _user.Name, StringComparison.Ordinal), _folder);
        await Command.ShellAsync($"mkdir {_folder["box"]} && chmod 1777 {_folder["box"]}");
        await _daemon.StartAgainAsync();
    }

    public async Task DisposeAsync()
    {
        await _daemon.DisposeAsync();
        await _user.DisposeAsync();
    }

    private string[] Box => Directory.Exists(_folder["box/" + _user.Name + "/new"]) ? Directory.GetFiles(_folder["box/" + _user.Name + "/new"]) : [];

    private Task<CommandResult> SendmailAsync(string arguments, string message) =>
        _user.RunAsync(Published.Tool("sendmail") + " " + arguments, message, _daemon.Environment);

    private async Task<string> DeliveredAsync(string mark)
    {
        string? found = null;
        await Wait.UntilAsync(() => (found = Box.Select(File.ReadAllText).FirstOrDefault(m => m.Contains(mark, StringComparison.Ordinal))) is not null, $"'{mark}' arrives\n{_daemon.Log}");
        return found!;
    }

    [Fact]
    public async Task Cron_fail2ban_logwatch_git_and_PHP_are_served()
    {
        string user = _user.Name;
        (string Arguments, string Message, string ReturnPath)[] callers =
        [
            ($"-FCronDaemon -i -B8BITMIME -oem {user}", $"From: root (Cron Daemon)\nTo: {user}\nSubject: mark-cron\n\nGr\u00fc\u00dfe\n.\nafter the dot\n", ""),
            ($"-i -FCronDaemon -oem -oi -oep {user}", "Subject: mark-vixie\n\nx\n", ""),
            ("-t", $"To: {user}\nFrom: logwatch\nSubject: mark-logwatch\nMIME-Version: 1.0\n\nx\n", ""),
            ($"-f fail2ban@mx.test {user}", $"Subject: mark-fail2ban\nDate: Thu, 1 Jan 2026 00:00:00 +0000\nFrom: Fail2Ban <fail2ban@mx.test>\nTo: {user}\n\nx\n", "fail2ban@mx.test"),
            ($"-i -f git@client.test {user}@mx.test", "From: Git <git@client.test>\nTo: x\nSubject: [PATCH] mark-git\n\nFrom the start\n.\n", "git@client.test"),
            ("-t -i", $"To: {user}@mx.test\r\nSubject: mark-php\r\nX-PHP-Originating-Script: 0:a.php\r\n\r\nx\r\n", ""),
            ($"-oi -oem -oQ/nowhere -OErrorMode=m -odb -r r@client.test -- {user}", "Subject: mark-old\n\nx\n", "r@client.test"),
            ("root", "Subject: mark-root\n\nx\n", ""),
            ($"-N never -R hdrs -V id=1 {user}", "Subject: mark-dsn\n\nx\n", ""),
            ($"-f '<>' {user}", "Subject: mark-null\n\nx\n", ""),
        ];
        foreach ((string arguments, string message, string returnPath) in callers)
        {
            CommandResult result = await SendmailAsync(arguments, message);
            Assert.True(result.ExitCode == 0 && result.Output.Length == 0 && result.Error.Length == 0, $"sendmail {arguments}: {result}");
            string mark = "mark-" + message.Split("mark-")[1].Split('\r', '\n')[0];
            string delivered = await DeliveredAsync(mark);
            Assert.Contains("\nDate: ", delivered, StringComparison.Ordinal);
            Assert.Contains("\nFrom: ", delivered, StringComparison.Ordinal);
            Assert.Contains("\nMessage-ID: <", delivered, StringComparison.OrdinalIgnoreCase);
            if (returnPath.Length > 0)
                Assert.Contains($"Return-Path: <{returnPath}>\n", delivered, StringComparison.Ordinal);
            Assert.DoesNotContain('\r', delivered);
        }
        string cron = await DeliveredAsync("mark-cron");
        Assert.Contains("Gr\u00fc\u00dfe\n.\nafter the dot\n", cron, StringComparison.Ordinal);
        Assert.Matches("From: .*Cron Daemon", cron);
        Assert.Matches("From: \"?Test User\"? <" + _user.Name + "@", await DeliveredAsync("mark-dsn"));
        Assert.Matches("From: \"?CronDaemon\"? <" + _user.Name + "@", await DeliveredAsync("mark-vixie"));
    }

    [Fact]
    public async Task E29_arguments_inject_nothing_and_Bcc_stays_secret()
    {
        string user = _user.Name;
        foreach (string arguments in (string[])
        [
            "-f \"$(printf 'a@client.test\\nRCPT TO:<x@elsewhere.test>')\" " + user, "-F \"$(printf 'Name\\nBcc: x@elsewhere.test')\" " + user, "-f \"$(printf 'a\\rb@client.test')\" " + user,
            "\"$(printf 'x\\nRCPT TO:<y@elsewhere.test>')\"", "\"$(printf '" + user + "@mx.test>\\r\\nRSET')\"", "-V \"$(printf 'a\\nb')\" " + user, "-N always " + user, "-R some " + user, "-B 9BIT " + user, "-Z " + user,
        ])
        {
            CommandResult result = await SendmailAsync(arguments, "Subject: injected\n\nx\n");
            Assert.True(result.ExitCode is 64, arguments + ": " + result);
            Assert.StartsWith("sendmail: ", result.Error, StringComparison.Ordinal);
        }
        // Without control characters, but with what could end a path or begin a parameter.
        foreach (string arguments in (string[])["-f 'a@client.test> SIZE=1 RET=HDRS' " + user, $"'{user}@mx.test> NOTIFY=NEVER ORCPT=rfc822;x'", "'<>'"])
        {
            CommandResult result = await SendmailAsync(arguments, "Subject: injected\n\nx\n");
            Assert.True(result.ExitCode is not 0, arguments + ": " + result);
        }
        // Quotes and comments in a name stay a name.
        Assert.Equal(0, (await SendmailAsync($"-F 'Eve\" <eve@elsewhere.test>, \"' {user}", "Subject: mark-quotes\n\nx\n")).ExitCode);
        Assert.Contains($"<{user}@", (await DeliveredAsync("mark-quotes")).Split("\nFrom: ")[1].Split('\n')[0], StringComparison.Ordinal);
        // Recipients come from the header, never from the body; Bcc goes; a leading dash after -- is an address.
        Assert.Equal(0, (await SendmailAsync("-t", $"To: {user}\nCc: Team: {user}@mx.test, \"a, b\" <root>;\nBcc: {user}@mx.test,\n secret-friend@elsewhere.test\nSubject: mark-bcc\n\nTo: nobody-at-all@elsewhere.test\n")).ExitCode);
        string delivered = await DeliveredAsync("mark-bcc");
        Assert.DoesNotContain("secret-friend", delivered, StringComparison.Ordinal);
        Assert.DoesNotContain("\nBcc", delivered, StringComparison.OrdinalIgnoreCase);
        IReadOnlyList<string> queue = await _daemon.QueueAsync();
        Assert.Contains(queue, q => q.Split('|')[5] == "secret-friend@elsewhere.test");
        Assert.DoesNotContain(queue, q => q.Contains("nobody-at-all", StringComparison.Ordinal) || q.Contains("x@elsewhere", StringComparison.Ordinal) || q.Contains("y@elsewhere", StringComparison.Ordinal));
        Assert.DoesNotContain(Box.Select(File.ReadAllText), m => m.Contains("Subject: injected", StringComparison.Ordinal));
        CommandResult none = await SendmailAsync("-t", "Subject: nobody\n\nx\n");
        Assert.True(none.ExitCode != 0 && none.Error.Contains("no recipients", StringComparison.Ordinal), none.ToString());
    }

    [Fact]
    public async Task E30_the_log_names_the_uid_that_submitted_whatever_the_sender_says()
    {
        Assert.Equal(0, (await SendmailAsync("-f boss@mx.test " + _user.Name, "From: boss@mx.test\nSubject: mark-forged\n\nx\n")).ExitCode);
        CommandResult uid = await _user.RunAsync("id -u");
        await DeliveredAsync("mark-forged");
        string session = Regex.Match(_daemon.Log, $@"New session ([0-9a-f]{{16}}) from host {uid.Output.Trim()}@localhost \[local\]").Groups[1].Value;
        Assert.Matches($@"Accepted message [0-9a-f]{{8}} on session {session}: from=<boss@mx.test>", _daemon.Log);
    }

    [Fact]
    public async Task Daemon_down_keeps_messages_of_everybody_and_delivers_them_after_the_start()
    {
        Assert.Equal(0, await _daemon.Running!.TerminateAsync());
        Assert.Equal(0, (await SendmailAsync($"-i -f a@client.test {_user.Name}", "Subject: mark-down-user\nBcc: x\n\n.\nGr\u00fc\u00dfe\n..\n")).ExitCode);
        CommandResult asRoot = await _daemon.ToolAsync("sendmail", ["-FCronDaemon", "-i", "-B8BITMIME", "-oem", _user.Name], "Subject: mark-down-root\n\nx\n");
        Assert.True(asRoot.ExitCode == 0, asRoot.ToString());
        if (Environment.IsPrivilegedProcess)
        {
            CommandResult listed = await _user.RunAsync($"ls {Path.Combine(_daemon.State, "drop")}");
            Assert.True(listed.ExitCode != 0 && listed.Output.Length == 0, listed.ToString());
            string kept = Directory.GetFiles(Path.Combine(_daemon.State, "drop"), "*.drop").First();
            Assert.Equal((UnixFileMode)0b110_100_000, File.GetUnixFileMode(kept));
        }
        CommandResult smtp = await SendmailAsync("-bs", "QUIT\n");
        Assert.Equal(75, smtp.ExitCode);
        await _daemon.StartAgainAsync();
        string delivered = await DeliveredAsync("mark-down-user");
        Assert.Contains("\n.\nGr\u00fc\u00dfe\n..\n", delivered, StringComparison.Ordinal);
        Assert.DoesNotContain("Bcc", delivered, StringComparison.Ordinal);
        await DeliveredAsync("mark-down-root");
        await Wait.UntilAsync(() => Directory.GetFiles(Path.Combine(_daemon.State, "drop")).Length == 0, "the drop folder is empty");
    }

    [Fact]
    public async Task Exit_codes_are_those_of_sysexits_and_a_refused_message_is_not_lost()
    {
        CommandResult unknown = await SendmailAsync("nobody-here", "Subject: mark-dead\n\nx\n");
        Assert.True(unknown.ExitCode is not (0 or 75), unknown.ToString());
        Assert.Contains("550", unknown.Error, StringComparison.Ordinal);
        Assert.Contains("mark-dead", await File.ReadAllTextAsync(Path.Combine(_user.Home, "dead.letter")), StringComparison.Ordinal);
        Assert.Equal(64, (await SendmailAsync("-f", "")).ExitCode);
        Assert.Equal(0, (await SendmailAsync("--help", "")).ExitCode);
        Assert.Equal(0, (await SendmailAsync("-bs", "EHLO x\nQUIT\n")).ExitCode);
    }
}
