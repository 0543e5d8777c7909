using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using Estafette.SystemTests.Harness;
using Xunit.Abstractions;

namespace Estafette.SystemTests.Crash;

/// <summary>
/// The promise that everything stands on: whatever was answered 250 arrives, although the daemon is killed without warning again and again
/// under load. Half of the mail goes to a Maildir, half through a real SMTP sink. <c>ESTAFETTE_CRASH_ROUNDS</c> sets the rounds (<c>./crash 200</c>).
/// </summary>
public sealed class KillTests(ITestOutputHelper output)
{
    private const int Senders = 8;

    [Fact]
    public async Task Promise_1_no_acknowledged_message_is_lost_when_the_daemon_is_killed()
    {
        int rounds = int.Parse(Environment.GetEnvironmentVariable("ESTAFETTE_CRASH_ROUNDS") ?? "10", CultureInfo.InvariantCulture);
        using var folder = new TemporaryFolder();
        await using var sink = new SmtpSink(folder["sink"]);
        await using var daemon = await Daemon.StartAsync($$"""
            listen on 127.0.0.1 port @PORT@ hostname crash.test
            table boxes { "@local.test" = "{{Configurations.LocalUser}}" }
            action "box" maildir "{{folder["box"]}}" virtual <boxes>
            action "out" relay host smtp://127.0.0.1:{{sink.Port}}
            match from src 127.0.0.0/8 for domain "local.test" action "box"
            match from src 127.0.0.0/8 for any action "out"
            """, folder);
        Configurations.GiveToLocalUser(folder["box"]);
        var acknowledged = new ConcurrentBag<string>();
        var random = new Random(1);
        // Load that is not counted but presses: Postfix's own generator, many messages a session.
        for (int round = 0; round < rounds; round++)
        {
            using var stop = new CancellationTokenSource();
            Task[] senders = [.. Enumerable.Range(0, Senders).Select(i => SendUntilCutAsync(daemon.Port, $"{round}-{i}", acknowledged, stop.Token))];
            await using var press = new Background("/usr/sbin/smtp-source", ["-c", "-d", "-s", "10", "-m", "5000", "-l", "2000", "-f", "press@client.test", "-t", "press@relay.test", $"inet:127.0.0.1:{daemon.Port}"]);
            int before = acknowledged.Count;
            await Wait.UntilAsync(() => acknowledged.Count > before + random.Next(5, 200), "messages are acknowledged\n" + daemon.Log);
            await Task.Delay(random.Next(0, 150));
            await daemon.Running!.KillAsync();
            await stop.CancelAsync();
            await Task.WhenAll(senders);
            await daemon.StartAgainAsync();
        }
        await daemon.UntilQueueIsEmptyAsync(TimeSpan.FromMinutes(3));
        Dictionary<string, int> arrived = Count(folder["box"] + "/new", folder["sink"]);
        string[] lost = [.. acknowledged.Where(id => !arrived.ContainsKey(id))];
        int duplicates = acknowledged.Sum(id => arrived.GetValueOrDefault(id, 1) - 1);
        output.WriteLine($"{rounds} rounds: {acknowledged.Count} acknowledged, {lost.Length} lost, {duplicates} duplicates");
        Assert.True(lost.Length == 0, $"lost {lost.Length} of {acknowledged.Count}: {string.Join(", ", lost.Take(5))}");
    }

    private static async Task SendUntilCutAsync(int port, string name, ConcurrentBag<string> acknowledged, CancellationToken stop)
    {
        try
        {
            await using SmtpClient client = await SmtpClient.ConnectAsync(port);
            for (int i = 0; !stop.IsCancellationRequested; i++)
            {
                string id = $"id-{name}-{i}-end";
                string to = i % 2 == 0 ? "anyone@local.test" : "anyone@relay.test";
                string reply = await client.SendAsync("sender@client.test", to, $"Subject: crash\nX-Crash: {id}\n\n{new string('x', i % 3000)}");
                if (reply.StartsWith("250", StringComparison.Ordinal))
                    acknowledged.Add(id);
            }
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // The daemon was killed: what was not acknowledged may be lost.
        }
    }

    private static Dictionary<string, int> Count(params string[] folders)
    {
        var arrived = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (string file in folders.Where(Directory.Exists).SelectMany(f => Directory.EnumerateFiles(f)))
        {
            foreach (string line in File.ReadLines(file))
            {
                if (!line.StartsWith("X-Crash: ", StringComparison.Ordinal))
                    continue;
                string id = line[9..].Trim();
                arrived[id] = arrived.GetValueOrDefault(id) + 1;
            }
        }
        return arrived;
    }
}
