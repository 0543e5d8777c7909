using System.Diagnostics;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Attacks;

/// <summary>E47: clients that are slow, many, or do not read.</summary>
public sealed class OverloadTests
{
    [Fact]
    public async Task Slow_loris_is_cut_by_time_of_session_command_and_pace()
    {
        await using Target target = await Target.StartAsync("limit session-total 4s\nlimit command-timeout 2s\nlimit data-timeout 2s\nlimit minimum-data-rate 64");
        var clock = Stopwatch.StartNew();
        // One octet at a time of a command that never ends; of a message that never ends; and one that says nothing.
        Task<string> command = DripAsync(target.Port, data: false, "N");
        Task<string> message = DripAsync(target.Port, data: true, "x");
        Task<string> silent = DripAsync(target.Port, data: false, "");
        Assert.Contains("421 4.4.2", await command, StringComparison.Ordinal);
        string told = await message;
        Assert.True(told.Contains("421 4.4.2", StringComparison.Ordinal), told + target.Daemon.Log);
        Assert.Contains("421 4.4.2 mx.test Timeout", await silent, StringComparison.Ordinal);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), clock.Elapsed.ToString());
        await target.AssertServesAsync();
    }

    private static async Task<string> DripAsync(int port, bool data, string drop)
    {
        await using RawSmtp client = await RawSmtp.GreetedAsync(port);
        if (data)
            await client.BeginDataAsync("a@client.test", "b@mx.test");
        Task<string> rest = client.RestAsync();
        while (!rest.IsCompleted)
        {
            await client.WriteAsync(drop);
            await Task.WhenAny(rest, Task.Delay(100));
        }
        return await rest;
    }

    [Fact]
    public async Task Connections_beyond_the_limit_hear_421_and_make_room_when_they_go()
    {
        await using Target target = await Target.StartAsync("limit sessions 10");
        var held = new List<RawSmtp>();
        // The check for readiness may still be leaving.
        await Wait.UntilAsync(async () =>
        {
            RawSmtp client = await RawSmtp.ConnectAsync(target.Port);
            string greeting = await client.ReplyAsync();
            if (greeting.StartsWith("220", StringComparison.Ordinal))
                held.Add(client);
            else
                await client.DisposeAsync();
            return held.Count == 10;
        }, "ten sessions are held");
        for (int i = 0; i < 50; i++)
        {
            await using RawSmtp client = await RawSmtp.ConnectAsync(target.Port);
            Assert.StartsWith("421 4.3.2", await client.RestAsync(), StringComparison.Ordinal);
        }
        foreach (RawSmtp client in held)
            await client.DisposeAsync();
        await Wait.UntilAsync(target.Daemon.GreetsAsync, "room again");
        await target.AssertServesAsync();
    }

    [Fact]
    public async Task A_client_that_never_reads_does_not_fill_memory()
    {
        await using Target target = await Target.StartAsync("limit session-total 5s\nlimit command-timeout 2s");
        await using (RawSmtp client = await RawSmtp.ConnectAsync(target.Port))
        {
            string many = string.Concat(Enumerable.Repeat("EHLO x\r\n", 2000));
            Task flood = FloodAsync();
            Assert.Same(flood, await Task.WhenAny(flood, Task.Delay(TimeSpan.FromSeconds(60))));

            async Task FloodAsync()
            {
                for (int i = 0; i < 20_000 && await client.WriteAsync(many); i++)
                    continue;
            }
        }
        await target.AssertServesAsync();
    }

    [Fact]
    public async Task Hundreds_of_aborted_sessions_leave_nothing_behind()
    {
        await using Target target = await Target.StartAsync();
        await Parallel.ForAsync(0, 300, new ParallelOptions { MaxDegreeOfParallelism = 20 }, async (i, _) =>
        {
            await using RawSmtp client = await RawSmtp.ConnectAsync(target.Port);
            string[] script = ["EHLO x\r\n", "MAIL FROM:<a@client.test>\r\n", "RCPT TO:<b@mx.test>\r\n", "DATA\r\n", "Subject: aborted\r\n\r\nhalf"];
            await client.WriteAsync(string.Concat(script.Take(i % 6)));
        });
        await Wait.UntilAsync(async () =>
        {
            CommandResult stats = await target.Daemon.ToolAsync("smtpctl", ["show", "stats"]);
            return stats.Output.Contains("smtp.sessions=0\n", StringComparison.Ordinal) && stats.Output.Contains("queue.messages=0\n", StringComparison.Ordinal);
        }, "no session and no message is left");
        await target.AssertServesAsync();
        Assert.DoesNotContain(target.Sink.Messages, m => m.Contains("aborted", StringComparison.Ordinal));
    }
}
