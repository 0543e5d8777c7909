using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Crash;

/// <summary>A disk that fills up: clients are told to come back (452), nothing accepted is lost, and service returns by itself when there is room (E45).</summary>
public sealed class FullDiskTests
{
    [Fact]
    public async Task E45_full_disk_answers_452_loses_nothing_and_recovers_by_itself()
    {
        if (!Environment.IsPrivilegedProcess)
            return; // Only root can mount a small file system; CI runs as root.
        using var folder = new TemporaryFolder();
        string disk = Directory.CreateDirectory(folder["disk"]).FullName;
        CommandResult mounted = await Command.ShellAsync($"truncate -s 400M {folder["image"]} && mkfs.ext4 -q {folder["image"]} && mount -o loop {folder["image"]} {disk}");
        Assert.True(mounted.ExitCode == 0, mounted.ToString());
        try
        {
            File.SetUnixFileMode(disk, (UnixFileMode)0b111_101_101);
            await FillAndRecoverAsync(folder, disk);
        }
        finally
        {
            await Command.RunAsync("/bin/umount", ["-l", disk]);
        }
    }

    private static async Task FillAndRecoverAsync(TemporaryFolder folder, string disk)
    {
        await using var sink = new SmtpSink(folder["sink"]);
        Daemon daemon = Daemon.Prepare($$"""
            listen on 127.0.0.1 port @PORT@ hostname full.test
            action "out" relay host smtp://127.0.0.1:{{sink.Port}}
            match from src 127.0.0.0/8 for any action "out"
            """, folder);
        daemon.State = Path.Combine(disk, "state");
        await daemon.StartAgainAsync();
        try
        {
            await using SmtpClient client = await SmtpClient.ConnectAsync(daemon.Port);
            Assert.StartsWith("250", await client.SendAsync("a@client.test", "first@relay.test", "Subject: before\n\nroom"), StringComparison.Ordinal);
            // Everything but a few pages is taken by somebody else.
            await Command.ShellAsync($"cat /dev/zero > {disk}/ballast 2>/dev/null; sync; true");
            string refusal = "";
            await Wait.UntilAsync(async () =>
            {
                refusal = await client.SendAsync("a@client.test", "second@relay.test", "Subject: full\n\n" + new string('x', 200_000));
                await client.AskAsync("RSET");
                return refusal[0] != '2';
            }, "a full disk refuses mail\n" + daemon.Log);
            Assert.StartsWith("452 4.3.1", refusal, StringComparison.Ordinal);
            File.Delete(Path.Combine(disk, "ballast"));
            await Wait.UntilAsync(async () =>
            {
                string reply = await client.SendAsync("a@client.test", "third@relay.test", "Subject: after\n\nroom again");
                await client.AskAsync("RSET");
                return reply.StartsWith("250", StringComparison.Ordinal);
            }, "service comes back by itself\n" + daemon.Log);
            await daemon.UntilQueueIsEmptyAsync();
            Assert.Contains(sink.Messages, m => m.Contains("Subject: before", StringComparison.Ordinal));
            Assert.Contains(sink.Messages, m => m.Contains("Subject: after", StringComparison.Ordinal));
        }
        finally
        {
            await daemon.Running!.TerminateAsync();
            await daemon.Running.DisposeAsync();
        }
    }
}
