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
    public async Task A_new_local_action_is_taken_or_refused_in_words_never_lost()
    {
        await using Daemon daemon = await Daemon.StartAsync(First);
        daemon.Folder.Write("smtpd.conf", Changed(daemon, "action \"more\" mbox\nmatch for domain \"more.example\" action \"more\"\n"));
        CommandResult result = await daemon.ToolAsync("smtpctl", ["reload"]);
        if (Environment.IsPrivilegedProcess)
        {
            Assert.NotEqual(0, result.ExitCode);
            Assert.Contains("action \"more\" is new or changed: restart the server to change local delivery", result.Output + result.Error, StringComparison.Ordinal);
        }
        else
        {
            Assert.Equal(0, result.ExitCode);
        }
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
