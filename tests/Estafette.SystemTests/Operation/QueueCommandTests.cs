using System.Text.Json;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Operation;

/// <summary>smtpctl, mailq and <c>estafette queue</c> on mail that waits because its next hop says 4xx.</summary>
public sealed class QueueCommandTests
{
    [Fact]
    public async Task Waiting_mail_is_listed_shown_held_released_tried_and_removed()
    {
        using var folder = new TemporaryFolder();
        int port = Ports.Free();
        string[] identity = Environment.IsPrivilegedProcess ? ["-u", "nobody"] : [];
        // 450 to every RCPT.
        var refusing = new Background("/usr/sbin/smtp-sink", [.. identity, "-r", "rcpt", $"127.0.0.1:{port}", "10"]);
        await using var daemon = await Daemon.StartAsync(Configurations.ToSink(port) + "\nretry schedule { 1h }", folder);
        var sent = new List<string>();
        await using (SmtpClient client = await SmtpClient.ConnectAsync(daemon.Port))
        {
            for (int i = 0; i < 3; i++)
                sent.Add((await client.SendAsync($"a{i}@client.test", $"b{i}@mx.test", $"Subject: waits {i}\n\nbody {i}\n")).Split(' ')[2]);
        }
        await Wait.UntilAsync(async () => (await daemon.QueueAsync()) is { Count: 3 } rows && rows.All(r => r.Split('|') is [.., "1", "pending", _, _]), "three wait after one attempt\n" + daemon.Log);

        string[] row = (await daemon.QueueAsync()).Single(r => r.StartsWith(sent[1], StringComparison.Ordinal)).Split('|');
        Assert.Equal(14, row.Length);
        Assert.Equal(("inet4", "mta", "a1@client.test", "b1@mx.test"), (row[1], row[2], row[4], row[5]));
        Assert.InRange(int.Parse(row[12], System.Globalization.CultureInfo.InvariantCulture), 1, 5400);
        Assert.Contains("450", row[13], StringComparison.Ordinal);

        Assert.Equal((await daemon.QueueAsync()).Select(r => r.Split('|')[5]), (await daemon.ToolAsync("mailq", [])).Output.TrimEnd().Split('\n').Select(r => r.Split('|')[5]));
        Assert.Single((await daemon.ToolAsync("smtpctl", ["show", "queue", sent[1]])).Output.TrimEnd().Split('\n'));
        CommandResult json = await daemon.ToolAsync("estafette", ["queue", "list", "--json"]);
        JsonElement[] entries = [.. json.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)];
        Assert.Equal(["b0@mx.test", "b1@mx.test", "b2@mx.test"], entries.Select(e => e.GetProperty("recipient").GetString()).Order());
        Assert.All(entries, e => Assert.Equal((1, "pending"), (e.GetProperty("attempts").GetInt32(), e.GetProperty("state").GetString())));

        CommandResult shown = await daemon.ToolAsync("smtpctl", ["show", "message", row[0]]);
        Assert.Contains("Subject: waits 1\n", shown.Output, StringComparison.Ordinal);
        Assert.Contains("\n\nbody 1\n", shown.Output, StringComparison.Ordinal);

        await SucceedsAsync(daemon, "pause envelope " + row[0]);
        Assert.Equal("hold", (await daemon.QueueAsync()).Single(r => r.StartsWith(row[0], StringComparison.Ordinal)).Split('|')[11]);
        await SucceedsAsync(daemon, "remove " + sent[2]);
        Assert.Equal(2, (await daemon.QueueAsync()).Count);

        // The next hop recovers; what is held stays, and so does the rest while relaying is paused.
        await refusing.TerminateAsync();
        await refusing.DisposeAsync();
        await SucceedsAsync(daemon, "pause mta");
        string received = Directory.CreateDirectory(folder["sink"]).FullName;
        File.SetUnixFileMode(received, (UnixFileMode)0b111_111_111);
        await using var sink = new Background("/usr/sbin/smtp-sink", [.. identity, "-d", Path.Combine(received, "m."), $"127.0.0.1:{port}", "10"]);
        await SucceedsAsync(daemon, "schedule all");
        Assert.Equal(2, (await daemon.QueueAsync()).Count);
        await SucceedsAsync(daemon, "resume mta");
        await SucceedsAsync(daemon, "schedule all");
        await Wait.UntilAsync(async () => (await daemon.QueueAsync()).Count == 1, "the one not held goes\n" + daemon.Log);
        await SucceedsAsync(daemon, "resume envelope " + row[0]);
        await SucceedsAsync(daemon, "schedule " + row[0]);
        await daemon.UntilQueueIsEmptyAsync();
        await Wait.UntilAsync(() => Directory.GetFiles(received).Length == 2, "both arrived");
        Assert.DoesNotContain(Directory.GetFiles(received).Select(File.ReadAllText), m => m.Contains("waits 2", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Wrong_words_are_told_and_exit_with_255()
    {
        await using var daemon = await Daemon.StartAsync(Configurations.ToSink(9));
        foreach (string words in (string[])["show message", "show message 00000000", "remove", "remove nonsense", "show nothing", "log", "schedule ../../etc", "pause", "pause everything", "frobnicate", "update table", "show"])
        {
            CommandResult result = await daemon.ToolAsync("smtpctl", words.Split(' '));
            Assert.True(result.ExitCode == 255 && result.Error.StartsWith("smtpctl: ", StringComparison.Ordinal), words + ": " + result);
        }
        foreach ((string words, string output) in new[] { ("remove 0123456789abcdef", "0 envelope removed\n"), ("schedule all", "0 envelope scheduled\n"), ("show status", "MDA running\nMTA running\nSMTP running\n"), ("show hoststats", "") })
        {
            CommandResult result = await daemon.ToolAsync("smtpctl", words.Split(' '));
            Assert.Equal((0, output), (result.ExitCode, result.Output));
        }
        foreach (string words in (string[])["show message 12345678", "resume mta", "trace nothing", "update table nosuch"])
            Assert.Equal(1, (await daemon.ToolAsync("smtpctl", words.Split(' '))).ExitCode);
        Assert.True(await daemon.GreetsAsync());
    }

    [Fact]
    public async Task Paused_reception_turns_the_network_away_and_resumes()
    {
        await using var daemon = await Daemon.StartAsync(Configurations.ToSink(9));
        await SucceedsAsync(daemon, "pause smtp");
        await using (RawSmtp client = await RawSmtp.ConnectAsync(daemon.Port))
            Assert.StartsWith("421", await client.RestAsync(), StringComparison.Ordinal);
        await SucceedsAsync(daemon, "resume smtp");
        Assert.True(await daemon.GreetsAsync());
    }

    private static async Task SucceedsAsync(Daemon daemon, string words)
    {
        CommandResult result = await daemon.ToolAsync("smtpctl", words.Split(' '));
        Assert.True(result.ExitCode == 0 && (result.Output == "command succeeded\n" || result.Output.Contains(" envelope", StringComparison.Ordinal)), words + ": " + result);
    }
}
