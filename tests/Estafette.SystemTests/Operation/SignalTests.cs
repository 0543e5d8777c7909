using System.Diagnostics;
using System.Globalization;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Operation;

/// <summary>SIGHUP, SIGTERM, and a second daemon beside the first.</summary>
public sealed class SignalTests
{
    private static Task HangUpAsync(Daemon daemon) => Command.RunAsync("/bin/kill", ["-HUP", daemon.Running!.Process.Id.ToString(CultureInfo.InvariantCulture)]);

    [Fact]
    public async Task SIGHUP_changes_rules_for_new_sessions_and_a_broken_file_changes_nothing()
    {
        using var folder = new TemporaryFolder();
        await using var daemon = await Daemon.StartAsync(Configurations.ToSink(9), folder);
        string file = folder["smtpd.conf"];
        string before = await File.ReadAllTextAsync(file);
        await using RawSmtp old = await RawSmtp.GreetedAsync(daemon.Port);
        Assert.Equal("550", await AnswerAsync(daemon, "x@new.test"));

        await File.WriteAllTextAsync(file, before.Replace("for domain mx.test", "for domain new.test", StringComparison.Ordinal));
        await HangUpAsync(daemon);
        await Wait.UntilAsync(async () => await AnswerAsync(daemon, "x@new.test") == "250", "the new rule is in force\n" + daemon.Log);
        Assert.Equal("550", await AnswerAsync(daemon, "x@mx.test"));
        // The session that began before goes on with what it began with.
        await old.AskAsync("MAIL FROM:<a@client.test>");
        Assert.StartsWith("250", await old.AskAsync("RCPT TO:<x@mx.test>"), StringComparison.Ordinal);

        foreach (string broken in (string[])[before + "\nmatch from any for any action \"nowhere\"\n", "{{{{", "", before.Replace("for domain mx.test", "for any", StringComparison.Ordinal).Replace("127.0.0.1 port", "0.0.0.0 port", StringComparison.Ordinal)])
        {
            await File.WriteAllTextAsync(file, broken);
            CommandResult reload = await daemon.ToolAsync("smtpctl", ["reload"]);
            if (broken.Length > 0)
                Assert.True(reload.ExitCode == 1 && reload.Error.Contains("smtpd.conf:", StringComparison.Ordinal), $"{broken}: {reload}");
            else
                continue;
            await HangUpAsync(daemon);
            Assert.Equal("250", await AnswerAsync(daemon, "x@new.test"));
        }
        File.Delete(file);
        Assert.Equal(1, (await daemon.ToolAsync("smtpctl", ["reload"])).ExitCode);
        await File.WriteAllTextAsync(file, before);
        await HangUpAsync(daemon);
        await Wait.UntilAsync(async () => await AnswerAsync(daemon, "x@mx.test") == "250", "the first rule is back\n" + daemon.Log);
    }

    private static async Task<string> AnswerAsync(Daemon daemon, string recipient)
    {
        await using RawSmtp client = await RawSmtp.GreetedAsync(daemon.Port);
        await client.AskAsync("MAIL FROM:<a@client.test>");
        return (await client.AskAsync($"RCPT TO:<{recipient}>"))[..3];
    }

    [Fact]
    public async Task SIGTERM_tells_idle_sessions_421_lets_a_message_finish_and_ends_well()
    {
        using var folder = new TemporaryFolder();
        await using var daemon = await Daemon.StartAsync(Configurations.ToSink(9) + "\nlimit drain 2m", folder);
        await using RawSmtp idle = await RawSmtp.GreetedAsync(daemon.Port);
        await using RawSmtp busy = await RawSmtp.GreetedAsync(daemon.Port);
        await busy.BeginDataAsync("a@client.test", "b@mx.test");
        await busy.WriteAsync("Subject: half\r\n\r\n");
        Task<int> ended = daemon.Running!.TerminateAsync();
        Assert.StartsWith("421 4.3.2", await idle.RestAsync(), StringComparison.Ordinal);
        await Wait.UntilAsync(async () => !await daemon.GreetsAsync(), "nobody new is let in");
        Assert.StartsWith("250", await busy.AskAsync("the other half\r\n."), StringComparison.Ordinal);
        Assert.StartsWith("421", await busy.RestAsync(), StringComparison.Ordinal);
        Assert.Equal(0, await ended);
        // It was acknowledged, so it waits after the start.
        await daemon.StartAgainAsync();
        Assert.Single(await daemon.QueueAsync());
    }

    [Fact]
    public async Task SIGTERM_waits_no_longer_than_the_drain_limit()
    {
        await using var daemon = await Daemon.StartAsync(Configurations.ToSink(9) + "\nlimit drain 2s\nlimit command-timeout 10m\nlimit data-timeout 10m");
        await using RawSmtp stuck = await RawSmtp.GreetedAsync(daemon.Port);
        await stuck.BeginDataAsync("a@client.test", "b@mx.test");
        var clock = Stopwatch.StartNew();
        Assert.Equal(0, await daemon.Running!.TerminateAsync());
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), clock.Elapsed.ToString());
        Assert.DoesNotContain("250", await stuck.RestAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task E57_a_second_daemon_on_the_same_state_says_so_and_leaves_the_first_alone()
    {
        using var folder = new TemporaryFolder();
        await using var daemon = await Daemon.StartAsync(Configurations.ToSink(9), folder);
        string other = folder.Write("other.conf", Configurations.ToSink(9).Replace("@PORT@", Ports.Free().ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));
        CommandResult second = await Command.RunAsync(Published.Tool("estafette"), ["run", "--config", other, "--state", daemon.State], deadline: TimeSpan.FromSeconds(60));
        Assert.Equal(1, second.ExitCode);
        Assert.Matches("estafette: .*(another|already|in use)", second.Error);
        // Its sockets and its mail are as they were.
        Assert.True(await daemon.GreetsAsync());
        Assert.Empty(await daemon.QueueAsync());
        Assert.Equal(0, (await daemon.ToolAsync("sendmail", ["x@mx.test"], "Subject: x\n\nx\n")).ExitCode);
        Assert.Single(await daemon.QueueAsync());
    }

    [Fact]
    public async Task Floods_of_SIGHUP_and_reload_do_no_harm()
    {
        await using var daemon = await Daemon.StartAsync(Configurations.ToSink(9));
        for (int i = 0; i < 30; i++)
            await HangUpAsync(daemon);
        Assert.Equal(0, (await daemon.ToolAsync("smtpctl", ["reload"])).ExitCode);
        Assert.True(await daemon.GreetsAsync());
        Assert.Equal(0, await daemon.Running!.TerminateAsync());
    }
}
