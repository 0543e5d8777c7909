using System.Globalization;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Dialects;

/// <summary>A reload of a running daemon: by SIGHUP and by smtpctl, as root (which the daemon has given up) and as an ordinary user.</summary>
public sealed class ReloadTests
{
    private const string First = """
        listen on 127.0.0.1 port @PORT@
        action "in" maildir "@DIR@/mail/%{user.username}"
        match for local action "in"

        """;

    private static string Changed(Daemon daemon, string more) =>
        First.Replace("@PORT@", daemon.Port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal).Replace("@DIR@", daemon.Folder.Path, StringComparison.Ordinal) + more;

    [Fact]
    public async Task A_new_local_action_and_a_new_command_of_an_alias_are_known_to_the_privileged_side_after_a_reload()
    {
        await using Daemon daemon = await Daemon.StartAsync(First);
        string written = daemon.Folder["written/by-alias"];
        Configurations.GiveToEverybody(daemon.Folder["written"]);
        daemon.Folder.Write("smtpd.conf", Changed(daemon, $$"""
            table more { list = "|/bin/cat >> {{written}}" }
            action "more" mbox alias <more>
            match for domain "more.example" action "more"

            """));
        CommandResult result = await daemon.ToolAsync("smtpctl", ["reload"]);
        Assert.True(result.ExitCode == 0, result + daemon.Log);
        await using SmtpClient client = await SmtpClient.ConnectAsync(daemon.Port);
        Assert.StartsWith("250", await client.SendAsync("a@client.test", "list@more.example", "Subject: reloaded\n\nto a command"), StringComparison.Ordinal);
        await Wait.UntilAsync(() => File.Exists(written) && File.ReadAllText(written).Contains("to a command", StringComparison.Ordinal), "the command has run\n" + daemon.Log);
    }

    [Fact]
    public async Task A_broken_configuration_is_told_to_who_reloads_with_its_place()
    {
        await using Daemon daemon = await Daemon.StartAsync(First);
        daemon.Folder.Write("smtpd.conf", Changed(daemon, "acction \"more\" mbox\n"));
        CommandResult result = await daemon.ToolAsync("estafette", ["reload"]);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(daemon.Folder["smtpd.conf"] + ":4:1: error: `acction` is no statement", result.Error, StringComparison.Ordinal);
        Assert.True(await daemon.GreetsAsync(), daemon.Log);
    }

    [Fact]
    public async Task A_hangup_with_a_listener_that_is_not_bound_is_refused_in_the_log_and_another_one_goes_on()
    {
        await using Daemon daemon = await Daemon.StartAsync(First);
        daemon.Folder.Write("smtpd.conf", Changed(daemon, $"listen on 127.0.0.1 port {Ports.Free()}\n"));
        await HangUpAsync(daemon);
        await Wait.UntilAsync(() => Task.FromResult(daemon.Log.Contains("NOT reloaded", StringComparison.Ordinal) && daemon.Log.Contains("restart the server", StringComparison.Ordinal)), "the refusal is told\n" + daemon.Log);
        daemon.Folder.Write("smtpd.conf", Changed(daemon, "match from any for domain \"gone.example\" reject\n"));
        await HangUpAsync(daemon);
        await Wait.UntilAsync(() => Task.FromResult(daemon.Log.Contains("configuration reloaded from", StringComparison.Ordinal)), "the reload is told\n" + daemon.Log);
        Assert.True(await daemon.GreetsAsync(), daemon.Log);
    }

    private static Task HangUpAsync(Daemon daemon) => Command.RunAsync("/bin/kill", ["-HUP", daemon.Running!.Process.Id.ToString(CultureInfo.InvariantCulture)]);
}
