using System.Globalization;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Peers;

public sealed class LocalCommandTests
{
    private const string Message = "Subject: command\r\n\r\nHello.\r\n";

    [Fact]
    public async Task Runs_as_the_user_with_the_usual_environment_and_no_way_back()
    {
        await using var rig = await LocalDeliveryRig.StartAsync(new LocalMethod.Command("(id -u; id -g; id -G; env | sort; pwd; umask; cat; setpriv --reuid 0 id -u 2>&1 || true) > $HOME/out"));
        DeliveryOutcome outcome = await rig.DeliverAsync(Message, rig.Recipient(original: "tester+tag@conform.test") with { Detail = "tag" });
        Assert.Equal(OutcomeKind.Delivered, outcome.Kind);
        string[] lines = await File.ReadAllLinesAsync(Path.Combine(rig.Home, "out"));
        string uid = LocalDeliveryRig.UserUid.ToString(CultureInfo.InvariantCulture);
        Assert.Equal(uid, lines[0]);
        if (LocalDeliveryRig.IsRoot)
            Assert.Equal([uid, uid], lines[1..3]);
        string[] expected =
        [
            "DOMAIN=conform.test", "EXTENSION=tag", "HOME=" + rig.Home, "LOCAL=tester+tag", "LOGNAME=tester",
            "PATH=/bin:/usr/bin", "RECIPIENT=tester+tag@conform.test", "SENDER=a@client.test", "SHELL=/bin/sh", "USER=tester",
        ];
        Assert.All(expected, e => Assert.Contains(e, lines));
        Assert.DoesNotContain(lines, l => l.StartsWith("DOTNET", StringComparison.Ordinal));
        Assert.Contains(rig.Home, lines);
        Assert.Contains("0077", lines);
        Assert.Contains("Return-Path: <a@client.test>", lines);
        Assert.Contains("Hello.", lines);
        Assert.NotEqual("0", lines[^1]);
    }

    [Theory]
    [InlineData("cat > /dev/null; exit 0", OutcomeKind.Delivered, "2.0.0")]
    [InlineData("exit 0", OutcomeKind.Delivered, "2.0.0")]
    [InlineData("exit 75", OutcomeKind.Deferred, "4.3.0")]
    [InlineData("echo; echo service gone; exit 69", OutcomeKind.Failed, "5.3.0")]
    [InlineData("exit 67", OutcomeKind.Failed, "5.1.1")]
    [InlineData("exit 77", OutcomeKind.Failed, "5.7.0")]
    [InlineData("exit 1", OutcomeKind.Failed, "5.3.0")]
    [InlineData("kill -9 $$", OutcomeKind.Deferred, "4.3.0")]
    public async Task Exit_statuses_are_those_of_sysexits(string command, OutcomeKind kind, string status)
    {
        await using var rig = await LocalDeliveryRig.StartAsync(new LocalMethod.Command(command));
        DeliveryOutcome outcome = await rig.DeliverAsync(Message + new string('x', 200_000));
        Assert.Equal((kind, status), (outcome.Kind, outcome.Status.ToString()));
        if (command.Contains("gone", StringComparison.Ordinal))
            Assert.Equal("service gone", outcome.Text);
    }

    [Fact]
    public async Task A_command_over_its_time_is_killed_with_its_children_and_mail_goes_on()
    {
        await using var rig = await LocalDeliveryRig.StartAsync(
            new LocalMethod.Command("echo $$ > $HOME/pid; case $SENDER in slow*) sleep 600 & sleep 600;; esac"), c => c with { Limits = c.Limits with { CommandRun = TimeSpan.FromSeconds(1) } });
        DeliveryOutcome outcome = await rig.DeliverAsync(Message, sender: "slow@client.test");
        Assert.Equal(OutcomeKind.Deferred, outcome.Kind);
        Assert.Contains("time limit", outcome.Text, StringComparison.Ordinal);
        string group = (await File.ReadAllTextAsync(Path.Combine(rig.Home, "pid"))).Trim();
        await Wait.UntilAsync(async () => (await Command.RunAsync("/usr/bin/pgrep", ["-g", group, "-r", "R,S,D"])).ExitCode == 1, "the process group is gone");
        Assert.Equal(OutcomeKind.Delivered, (await rig.DeliverAsync(Message)).Kind);
    }

    [Fact]
    public async Task Output_without_end_is_bounded()
    {
        await using var rig = await LocalDeliveryRig.StartAsync(new LocalMethod.Command("head -c 3000000 /dev/zero | tr '\\0' 'z'; exit 70"));
        DeliveryOutcome outcome = await rig.DeliverAsync(Message);
        Assert.Equal(OutcomeKind.Failed, outcome.Kind);
        Assert.True(outcome.Text.Length <= LocalProtocol.MaximumReplyText);
    }

    [Fact]
    public async Task E11_mail_data_means_nothing_to_the_shell()
    {
        await using var rig = await LocalDeliveryRig.StartAsync(new LocalMethod.Command("echo '['%{sender} %{rcpt:raw} %{user.username}']' > $HOME/out"));
        string hostile = "tester;touch$IFS\"$HOME\"/owned`id`|&<>'\n@conform.test";
        DeliveryOutcome outcome = await rig.DeliverAsync(Message, rig.Recipient(original: hostile), sender: "-x;$(touch owned)@client.test");
        Assert.Equal(OutcomeKind.Delivered, outcome.Kind);
        Assert.False(File.Exists(Path.Combine(rig.Home, "owned")));
        string line = await File.ReadAllTextAsync(Path.Combine(rig.Home, "out"));
        Assert.DoesNotContain(line[1..^2], c => "$`;|&<>'\"".Contains(c, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Alias_commands_run_as_the_alias_user_and_only_approved_ones()
    {
        using var folder = new TemporaryFolder();
        File.SetUnixFileMode(folder.Path, (UnixFileMode)0b111_111_111);
        string command = $"(id -un; cat) > {folder["out"]}";
        await using var rig = await LocalDeliveryRig.StartAsync(new LocalMethod.Maildir(), aliasTargets: ["|" + command]);
        Assert.Equal(OutcomeKind.Delivered, (await rig.DeliverAsync(Message, rig.Recipient(new DeliveryTarget.Command(command, "nobody", TargetSource.AliasTable)))).Kind);
        string user = LocalDeliveryRig.IsRoot ? "nobody" : Environment.UserName;
        Assert.StartsWith(user + "\n", await File.ReadAllTextAsync(folder["out"]), StringComparison.Ordinal);
        DeliveryOutcome other = await rig.DeliverAsync(Message, rig.Recipient(new DeliveryTarget.Command("touch /tmp/never", "nobody", TargetSource.AliasTable)));
        Assert.Equal(OutcomeKind.Deferred, other.Kind);
        Assert.Contains("does not stand in", other.Text, StringComparison.Ordinal);
    }
}
