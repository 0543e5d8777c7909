using System.Globalization;
using System.Text;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Operation;

/// <summary>Root's part of a reload: what it hands over, to whom, and what it refuses. Without root there is none, and the daemon reads for itself.</summary>
public sealed class CompileTests
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static string Socket(Daemon daemon) =>
        Path.Combine(daemon.State, "run", string.Create(CultureInfo.InvariantCulture, $"local.{daemon.Running!.Process.Id}.sock"));

    [Fact]
    public async Task Passwords_that_only_root_may_read_change_without_a_restart()
    {
        using var folder = new TemporaryFolder();
        Certificates.Write(folder);
        void Write(string password) => File.SetUnixFileMode(folder.Write("passwords", $"jo {password}\n"), Private);
        Write(Hash("first-word"));
        await using Daemon daemon = await Daemon.StartAsync("""
            pki mx.test cert "@DIR@/cert.pem"
            pki mx.test key "@DIR@/key.pem"
            table passwords file:@DIR@/passwords
            listen on 127.0.0.1 port @PORT@ hostname mx.test tls pki mx.test auth <passwords>
            action "in" relay host smtp://127.0.0.1:9
            match from any for domain mx.test action "in"
            """, folder);
        Assert.StartsWith("235", await LoginAsync(daemon, "first-word"), StringComparison.Ordinal);
        Write(Hash("second-word"));
        CommandResult updated = await daemon.ToolAsync("smtpctl", ["update", "table", "passwords"]);
        Assert.True(updated.ExitCode == 0, updated + daemon.Log);
        Assert.StartsWith("235", await LoginAsync(daemon, "second-word"), StringComparison.Ordinal);
        Assert.StartsWith("535", await LoginAsync(daemon, "first-word"), StringComparison.Ordinal);
        Write(Hash("third-word"));
        Assert.Equal(0, (await daemon.ToolAsync("smtpctl", ["reload"])).ExitCode);
        Assert.StartsWith("235", await LoginAsync(daemon, "third-word"), StringComparison.Ordinal);
        Assert.DoesNotContain("-word", daemon.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("$6$", daemon.Log, StringComparison.Ordinal);
    }

    private static string Hash(string password) => Command.RunAsync(Published.Tool("smtpctl"), ["encrypt", password]).GetAwaiter().GetResult().Output.Trim();

    private static async Task<string> LoginAsync(Daemon daemon, string password)
    {
        await using RawSmtp client = await RawSmtp.GreetedAsync(daemon.Port);
        Assert.StartsWith("220", await client.AskAsync("STARTTLS"), StringComparison.Ordinal);
        await client.StartTlsAsync();
        await client.AskAsync("EHLO client.test");
        return await client.AskAsync("AUTH PLAIN " + Convert.ToBase64String(Encoding.ASCII.GetBytes($"\0jo\0{password}")));
    }

    [Fact]
    public async Task E13_only_the_daemon_may_ask_and_garbage_or_a_flood_costs_nothing()
    {
        if (!Environment.IsPrivilegedProcess)
            return;
        using var folder = new TemporaryFolder();
        await using Daemon daemon = await Daemon.StartAsync(Configurations.ToSink(9), folder);
        const string Client = "use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die \"connect: $!\"; print $s \"$ARGV[1]\\r\\n\"; print scalar <$s>";
        foreach (string request in (string[])["XCOMPILE RELOAD", "XCOMPILE RENEW", "XWATCH"])
        {
            CommandResult stranger = await Command.RunAsync("/usr/bin/setpriv", ["--reuid", "5", "--regid", "5", "--clear-groups", "perl", "-e", Client, Socket(daemon), request]);
            Assert.StartsWith("550 5.7.1 ", stranger.Output, StringComparison.Ordinal);
        }
        foreach (string garbage in (string[])["XCOMPILE", "XCOMPILE RELOAD /etc/shadow", "XCOMPILE RENEW --config=/tmp/x", "XWATCH /etc/shadow", "XCOMPILE  RELOAD", "xcompile reload"])
        {
            await using RawSmtp client = await RawSmtp.ConnectUnixAsync(Socket(daemon));
            Assert.StartsWith("550 5.5.", await client.AskAsync(garbage), StringComparison.Ordinal);
        }

        // One that asks and never goes on holds the only place, and gives it back when it leaves; the others are put off.
        RawSmtp idle = await RawSmtp.ConnectUnixAsync(Socket(daemon));
        await idle.WriteAsync("XCOMPILE RELOAD\r\n");
        Assert.Equal("ESTAFETTE HANDOVER 1", (await idle.FirstAsync()).Split('\n')[0]);
        for (int i = 0; i < 20; i++)
        {
            await using RawSmtp flood = await RawSmtp.ConnectUnixAsync(Socket(daemon));
            Assert.StartsWith("450 4.3.2 ", await flood.AskAsync("XCOMPILE RENEW"), StringComparison.Ordinal);
        }
        await idle.DisposeAsync();
        CommandResult reload = await daemon.ToolAsync("smtpctl", ["reload"]);
        Assert.True(reload.ExitCode == 0, reload + daemon.Log);
    }

    [Fact]
    public async Task A_configuration_that_the_daemon_could_write_is_not_compiled_by_root()
    {
        if (!Environment.IsPrivilegedProcess)
            return;
        using var folder = new TemporaryFolder();
        await using Daemon daemon = await Daemon.StartAsync(Configurations.ToSink(9), folder);
        string file = folder["smtpd.conf"];
        File.SetUnixFileMode(file, (UnixFileMode)0b110_110_110);
        CommandResult reload = await daemon.ToolAsync("smtpctl", ["reload"]);
        Assert.Equal(1, reload.ExitCode);
        Assert.Contains($"(cure: chown root {file}; chmod go-w {file})", reload.Error, StringComparison.Ordinal);
        Assert.True(await daemon.GreetsAsync(), daemon.Log);
        await daemon.Running!.TerminateAsync();

        CommandResult start = await Command.RunAsync(Published.Tool("estafette"), ["run", "--config", file, "--state", daemon.State]);
        Assert.Equal(1, start.ExitCode);
        Assert.Contains("could change it, and with it what root does", start.Error, StringComparison.Ordinal);
        File.SetUnixFileMode(file, (UnixFileMode)0b110_100_100);
    }

    [Fact]
    public async Task E13_a_state_folder_that_was_opened_to_the_daemon_is_gone_by_in_no_renewal()
    {
        if (!Environment.IsPrivilegedProcess)
            return;
        using var folder = new TemporaryFolder();
        string table = folder.Write("table", "a.test\n");
        await using Daemon daemon = await Daemon.StartAsync($"table named file:{table}\n" + Configurations.ToSink(9) + "\nmatch from any for domain <named> action \"in\"\n", folder);
        File.SetUnixFileMode(daemon.State, (UnixFileMode)0b111_111_111);
        File.WriteAllText(table, "a.test\nb.test\n");
        await Wait.UntilAsync(() => daemon.Log.Contains("could change it, and with it what root does", StringComparison.Ordinal), "the open folder is told\n" + daemon.Log, TimeSpan.FromSeconds(60));
        File.SetUnixFileMode(daemon.State, (UnixFileMode)0b111_101_101);
    }

    [Fact]
    public async Task Nothing_that_the_daemon_put_in_the_place_of_a_named_file_is_handed_over()
    {
        if (!Environment.IsPrivilegedProcess)
            return;
        using var folder = new TemporaryFolder();
        File.SetUnixFileMode(folder.Write("roots", "rootsecret.test\n"), Private);
        // A table in a folder of the daemon's own.
        await using Daemon daemon = await Daemon.StartAsync("""
            table named { a.test }
            listen on 127.0.0.1 port @PORT@ hostname mx.test
            action "in" relay host smtp://127.0.0.1:9
            match from any for domain <named> action "in"
            """, folder);
        string trap = Path.Combine(daemon.State, "spool", "domains");
        File.CreateSymbolicLink(trap, folder["roots"]);
        folder.Write("smtpd.conf", (await File.ReadAllTextAsync(folder["smtpd.conf"])).Replace("{ a.test }", "file:" + trap, StringComparison.Ordinal));
        CommandResult reload = await daemon.ToolAsync("smtpctl", ["reload"]);
        Assert.Equal(1, reload.ExitCode);
        Assert.Contains("table named", reload.Error, StringComparison.Ordinal);
        await using RawSmtp client = await RawSmtp.GreetedAsync(daemon.Port);
        await client.AskAsync("MAIL FROM:<a@client.test>");
        Assert.StartsWith("550", await client.AskAsync("RCPT TO:<x@rootsecret.test>"), StringComparison.Ordinal);
        Assert.StartsWith("250", await client.AskAsync("RCPT TO:<x@a.test>"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_that_is_broken_by_an_edit_loses_no_command_of_its_aliases()
    {
        using var folder = new TemporaryFolder();
        Configurations.GiveToEverybody(folder["written"]);
        void Write(string more) => File.SetUnixFileMode(folder.Write("aliases", $"list: \"|/bin/cat >> {folder["written/by-alias"]}\"\n{more}"), Private);
        Write("");
        await using Daemon daemon = await Daemon.StartAsync("""
            table aliases file:@DIR@/aliases
            listen on 127.0.0.1 port @PORT@ hostname mx.test
            action "in" mbox alias <aliases>
            match from any for domain mx.test action "in"
            """, folder);
        Write("unfinished\n");
        CommandResult updated = await daemon.ToolAsync("smtpctl", ["update", "table", "aliases"]);
        Assert.Equal(1, updated.ExitCode);
        Assert.Contains("aliases:2:", updated.Error, StringComparison.Ordinal);
        await using SmtpClient client = await SmtpClient.ConnectAsync(daemon.Port);
        Assert.StartsWith("250", await client.SendAsync("a@client.test", "list@mx.test", "Subject: kept\n\nstill there"), StringComparison.Ordinal);
        await Wait.UntilAsync(() => File.Exists(folder["written/by-alias"]) && File.ReadAllText(folder["written/by-alias"]).Contains("still there", StringComparison.Ordinal), "the command has run\n" + daemon.Log);
    }

    [Fact]
    public async Task Another_user_for_the_daemon_inherits_the_queue()
    {
        if (!Environment.IsPrivilegedProcess)
            return;
        using var folder = new TemporaryFolder();
        await using Daemon daemon = await Daemon.StartAsync(Configurations.ToSink(9), folder);
        await using (SmtpClient client = await SmtpClient.ConnectAsync(daemon.Port))
            Assert.StartsWith("250", await client.SendAsync("a@client.test", "b@mx.test", "Subject: waits\n\nfor the next user"), StringComparison.Ordinal);
        await daemon.Running!.TerminateAsync();
        string spool = Path.Combine(daemon.State, "spool"), foreign = Path.Combine(spool, "link");
        string owner = await OwnerAsync(spool);
        // As an earlier version left it, which became nobody; and a trap.
        File.CreateSymbolicLink(foreign, folder.Write("roots", ""));
        Assert.Equal(0, (await Command.ShellAsync($"cd {daemon.State} && chown -hR nobody: spool public run mail drop certs")).ExitCode);
        await daemon.StartAgainAsync();
        Assert.Equal([owner], (await Command.ShellAsync($"find {daemon.State}/spool {daemon.State}/drop -printf '%u\n' | sort -u")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Single(await daemon.QueueAsync());
        Assert.Equal("root", await OwnerAsync(folder["roots"]));
    }

    private static async Task<string> OwnerAsync(string path) => (await Command.RunAsync("/usr/bin/stat", ["-c", "%U", path])).Output.Trim();

    [Fact]
    public async Task The_command_does_nothing_for_who_is_not_root()
    {
        CommandResult result = Environment.IsPrivilegedProcess
            ? await Command.RunAsync("/usr/bin/setpriv", ["--reuid", "65534", "--regid", "65534", "--clear-groups", Published.Tool("estafette"), "compile", "--user", "nobody:65534:65534:", "--directory", "/"])
            : await Command.RunAsync(Published.Tool("estafette"), ["compile", "--user", "nobody:65534:65534:", "--directory", "/"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Empty(result.Output);
        Assert.Contains("use 'estafette reload'", result.Error, StringComparison.Ordinal);
    }
}
