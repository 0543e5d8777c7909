using System.Text.Json;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Operation;

/// <summary>postqueue, postsuper, postcat and qshape on mail that waits because its next hop says 4xx; words and exit codes are those of Postfix 3.7.</summary>
public sealed class PostfixQueueCommandTests
{
    private const string PostqueueUsage = "postqueue: fatal: usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site\n";

    [Fact]
    public async Task V15_P15_waiting_mail_is_listed_held_released_shown_expired_and_deleted()
    {
        using var folder = new TemporaryFolder();
        int port = Ports.Free();
        string[] identity = Environment.IsPrivilegedProcess ? ["-u", "nobody"] : [];
        await using var refusing = new Background("/usr/sbin/smtp-sink", [.. identity, "-r", "rcpt", $"127.0.0.1:{port}", "10"]);
        await using var daemon = await Daemon.StartAsync(Configurations.ToSink(port) + "\nretry schedule { 1h }", folder);
        Assert.Equal(new CommandResult(0, "Mail queue is empty\n", ""), await daemon.ToolAsync("postqueue", ["-p"]));
        Assert.Equal(new CommandResult(0, "", ""), await daemon.ToolAsync("postqueue", ["-j"]));
        await using (SmtpClient client = await SmtpClient.ConnectAsync(daemon.Port))
        {
            for (int i = 0; i < 3; i++)
                await client.SendAsync($"a{i}@client.test", $"b{i}@mx.test", $"Subject: waits {i}\nX-Long: a\n folded\n\nbody {i}\n");
        }
        await Wait.UntilAsync(async () => (await MessagesAsync(daemon)).Count(m => Text(m, "queue_name") == "deferred") == 3, "three wait after one attempt\n" + daemon.Log);

        JsonElement[] messages = [.. (await MessagesAsync(daemon)).OrderBy(m => Text(m, "sender"), StringComparer.Ordinal)];
        string[] ids = [.. messages.Select(m => Text(m, "queue_id"))];
        Assert.Equal(["a0@client.test", "a1@client.test", "a2@client.test"], messages.Select(m => Text(m, "sender")));
        JsonElement recipient = messages[1].GetProperty("recipients")[0];
        Assert.Equal("b1@mx.test", Text(recipient, "address"));
        Assert.Contains("450", Text(recipient, "delay_reason"), StringComparison.Ordinal);
        Assert.False(messages[1].GetProperty("forced_expire").GetBoolean());

        // One id everywhere, in a form that awk scripts take from the first column.
        CommandResult table = await daemon.ToolAsync("postqueue", ["-p"]);
        string[] lines = table.Output.Split('\n');
        Assert.Equal("-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------", lines[0]);
        Assert.Equal(ids.Order(StringComparer.Ordinal), lines.Where(l => l.Length > 0 && char.IsAsciiLetterOrDigit(l[0])).Select(l => l.Split(' ')[0]).Order(StringComparer.Ordinal));
        Assert.Equal("-- 0 Kbytes in 3 Requests.", lines[^2]);
        Assert.Contains(new string(' ', 41) + "b2@mx.test", lines);

        await SaysAsync(daemon, ["-h", ids[0], "-h", ids[1]], $"postsuper: {ids[0]}: placed on hold\npostsuper: {ids[1]}: placed on hold\npostsuper: Placed on hold: 2 messages\n");
        Assert.Contains(ids[1] + "! ", (await daemon.ToolAsync("postqueue", ["-p"])).Output, StringComparison.Ordinal);
        await SaysAsync(daemon, ["-H", "ALL", "hold"], "postsuper: Released from hold: 2 messages\n");
        await SaysAsync(daemon, ["-h", "-"], $"postsuper: {ids[2]}: placed on hold\npostsuper: Placed on hold: 1 message\n", ids[2] + "\n\n");

        await ShowsAsync(daemon, ids[1]);
        await ShapesAsync(daemon);

        await SaysAsync(daemon, ["-e", ids[2]], $"postsuper: {ids[2]}: expired\npostsuper: Force-expired: 1 message\n");
        Assert.Contains(ids[2] + "# ", (await daemon.ToolAsync("postqueue", ["-p"])).Output, StringComparison.Ordinal);
        await SaysAsync(daemon, ["-d", ids[0]], $"postsuper: {ids[0]}: removed\npostsuper: Deleted: 1 message\n");
        // Off hold it goes back to its sender, and nobody may send that on here: only the attempt counts.
        await SaysAsync(daemon, ["-H", ids[2]], $"postsuper: {ids[2]}: released from hold\npostsuper: Released from hold: 1 message\n");
        await Wait.UntilAsync(async () => !(await MessagesAsync(daemon)).Any(m => Text(m, "queue_id") == ids[2]), "the expired one is given up\n" + daemon.Log);
        Assert.Equal([ids[1]], (await MessagesAsync(daemon)).Where(m => Text(m, "sender") != "MAILER-DAEMON").Select(m => Text(m, "queue_id")));
        CommandResult emptied = await daemon.ToolAsync("postsuper", ["-d", "ALL"]);
        Assert.Matches("^postsuper: Deleted: [12] messages?\n$", emptied.Error);
        Assert.Empty(await MessagesAsync(daemon));
    }

    private static async Task ShowsAsync(Daemon daemon, string id)
    {
        CommandResult header = await daemon.ToolAsync("postcat", ["-qh", id]);
        Assert.Contains("\nSubject: waits 1\nX-Long: a\n folded\n", header.Output, StringComparison.Ordinal);
        Assert.Equal(new CommandResult(0, "\nbody 1\n\n", ""), await daemon.ToolAsync("postcat", ["-qb", id]));
        string[] envelope = (await daemon.ToolAsync("postcat", ["-qe", id])).Output.Split('\n');
        Assert.Equal($"*** ENVELOPE RECORDS deferred/{id} ***", envelope[0]);
        Assert.Contains("sender: a1@client.test", envelope);
        Assert.Contains("original_recipient: b1@mx.test", envelope);
        Assert.Contains("recipient: b1@mx.test", envelope);
        Assert.Equal($"*** MESSAGE FILE END deferred/{id} ***", envelope[^2]);
        Assert.Contains(" 83 sender: a1@client.test\n", (await daemon.ToolAsync("postcat", ["-qdeo", id])).Output, StringComparison.Ordinal);
        Assert.Equal(new CommandResult(1, "", "postcat: fatal: open queue file nosuch: No such file or directory\n"), await daemon.ToolAsync("postcat", ["-q", "nosuch"]));
    }

    private static async Task ShapesAsync(Daemon daemon)
    {
        string[] shape = (await daemon.ToolAsync("qshape", ["deferred", "hold"])).Output.Split('\n');
        Assert.Equal("                                         T  5 10 20 40 80 160 320 640 1280 1280+", shape[0]);
        Assert.Equal("                                  TOTAL  3  3  0  0  0  0   0   0   0    0     0", shape[1]);
        Assert.Equal("                                mx.test  3  3  0  0  0  0   0   0   0    0     0", shape[2]);
        Assert.Contains("client.test  3", (await daemon.ToolAsync("qshape", ["-s", "deferred", "hold"])).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wrong_words_are_told_as_Postfix_tells_them()
    {
        await using var daemon = await Daemon.StartAsync(Configurations.ToSink(9));
        foreach (string words in (string[])["", "-p extra", "-p -f", "-f -p"])
            Assert.Equal(new CommandResult(69, "", PostqueueUsage), await daemon.ToolAsync("postqueue", words.Split(' ', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Equal(new CommandResult(69, "", "postqueue: invalid option -- 'x'\n" + PostqueueUsage), await daemon.ToolAsync("postqueue", ["-x"]));
        Assert.Equal(new CommandResult(69, "", "postqueue: fatal: Cannot flush queue ID - invalid name: \"a b\"\n"), await daemon.ToolAsync("postqueue", ["-i", "a b"]));
        Assert.Equal(new CommandResult(69, "", "postqueue: fatal: Flush service is not configured for destination \"far.test\"\n"), await daemon.ToolAsync("postqueue", ["-s", "far.test"]));
        Assert.Equal(new CommandResult(0, "", ""), await daemon.ToolAsync("postqueue", ["-i", "0123456789"]));
        Assert.Equal(new CommandResult(0, "", ""), await daemon.ToolAsync("postqueue", ["-f"]));
        await SaysAsync(daemon, ["-d", "../../x"], "postsuper: warning: invalid mail queue id: ../../x\npostsuper: Deleted: 0 messages\n");
        await SaysAsync(daemon, ["-r", "nosuchid"], "postsuper: Requeued: 0 messages\n");
        await SaysAsync(daemon, ["-s"], "");
        Assert.Equal(new CommandResult(1, "", "postsuper: fatal: invalid directory name: nosuch\n"), await daemon.ToolAsync("postsuper", ["-d", "ALL", "nosuch"]));
        CommandResult missing = await daemon.ToolAsync("postsuper", ["-d"]);
        Assert.Equal((1, "postsuper: option requires an argument -- 'd'"), (missing.ExitCode, missing.Error.Split('\n')[0]));
        foreach (string name in (string[])["postkick", "postlock", "postmulti", "postdrop", "posttls-finger"])
            Assert.StartsWith($"{name}: fatal: not part of this mail system: ", (await daemon.ToolAsync(name, [])).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_server_the_words_say_so()
    {
        using var folder = new TemporaryFolder();
        var environment = new Dictionary<string, string> { ["ESTAFETTE_STATE"] = folder["none"] };
        CommandResult list = await Command.RunAsync(Published.Tool("postqueue"), ["-p"], environment: environment);
        Assert.Equal(69, list.ExitCode);
        Assert.StartsWith("postqueue: fatal: Queue report unavailable - mail system is down", list.Error, StringComparison.Ordinal);
        CommandResult flush = await Command.RunAsync(Published.Tool("postqueue"), ["-f"], environment: environment);
        Assert.Equal(new CommandResult(69, "", "postqueue: fatal: Cannot flush mail queue - mail system is down\n"), flush);
    }

    private static async Task SaysAsync(Daemon daemon, string[] arguments, string words, string? input = null) =>
        Assert.Equal(new CommandResult(0, "", words), await daemon.ToolAsync("postsuper", arguments, input));

    private static async Task<IReadOnlyList<JsonElement>> MessagesAsync(Daemon daemon)
    {
        CommandResult result = await daemon.ToolAsync("postqueue", ["-j"]);
        Assert.True(result.ExitCode == 0, result.ToString());
        return [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)];
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
