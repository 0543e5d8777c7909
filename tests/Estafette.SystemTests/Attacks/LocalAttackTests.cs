using System.Globalization;
using System.Net.Sockets;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Attacks;

/// <summary>Users of the same machine who mean harm: the submission socket, the control socket, and the drop folder are open to all of them (E13, E16).</summary>
public sealed class LocalAttackTests
{
    private static string Submission(Daemon daemon) => Path.Combine(daemon.State, "public", "submission.sock");
    private static string Control(Daemon daemon) => Path.Combine(daemon.State, "public", "control.sock");

    [Fact]
    public async Task E13_hostile_clients_of_the_submission_socket_cost_their_own_session()
    {
        await using Target target = await Target.StartAsync();
        var random = new Random(13);
        var open = new List<RawSmtp>();
        for (int i = 0; i < 60; i++)
        {
            RawSmtp client = await RawSmtp.ConnectUnixAsync(Submission(target.Daemon));
            open.Add(client);
            byte[] noise = new byte[random.Next(1, 3000)];
            random.NextBytes(noise);
            await client.WriteAsync(i % 3 == 0 ? System.Text.Encoding.Latin1.GetString(noise) : "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@mx.test>\r\nDATA\r\nSubject: half");
        }
        // Sixty sit there; the next program still gets its turn.
        CommandResult sent = await target.Daemon.ToolAsync("sendmail", ["-f", "a@client.test", "good@mx.test"], "Subject: between\n\nx\n");
        Assert.True(sent.ExitCode == 0, sent.ToString());
        foreach (RawSmtp client in open)
            await client.DisposeAsync();
        await target.AssertServesAsync();
    }

    [Fact]
    public async Task E13_the_control_socket_takes_no_orders_from_strangers_and_cannot_be_blocked_by_them()
    {
        await using Target target = await Target.StartAsync();
        foreach (string request in (string[])["\n", "{}\n", "[]\n", "null\n", "{\"command\":null}\n", "{\"command\":\"remove\",\"arguments\":null}\n", "{\"command\":\"remove\",\"arguments\":[null]}\n", new string('[', 15_000) + "\n", new string('x', 100_000), "{\"command\":\"trace\",\"arguments\":[\"\\u0000\\n\"]}\n"])
        {
            await using RawSmtp client = await RawSmtp.ConnectUnixAsync(Control(target.Daemon));
            await client.WriteAsync(request);
            client.EndWriting();
            await client.RestAsync();
        }
        if (Environment.IsPrivilegedProcess)
        {
            await using TestUser user = await TestUser.MakeAsync(target.Folder);
            foreach (string order in (string[])["smtpctl show queue", "smtpctl remove all", "smtpctl pause smtp", "mailq", "estafette queue flush all"])
            {
                CommandResult refused = await user.RunAsync(Published.Tool(order), null, target.Daemon.Environment);
                Assert.True(refused.ExitCode != 0 && refused.Error.Contains("only root", StringComparison.Ordinal), order + ": " + refused);
            }
            // A stranger that takes every place there is and says nothing: root's request does not wait for him.
            await using var squatter = new Background("/usr/sbin/runuser", ["-u", user.Name, "--", "/usr/bin/python3", "-c",
                $"import socket,time\nl=[]\nfor i in range(60):\n    s=socket.socket(socket.AF_UNIX); s.connect('{Control(target.Daemon)}'); l.append(s)\nprint('squatting',flush=True)\ntime.sleep(120)"]);
            await Wait.UntilAsync(() => squatter.Output.Contains("squatting", StringComparison.Ordinal), "the squatter sits\n" + squatter.Output);
            var clock = System.Diagnostics.Stopwatch.StartNew();
            await target.Daemon.QueueAsync();
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(25), clock.Elapsed.ToString());
        }
        await target.AssertServesAsync();
    }

    [Fact]
    public async Task E16_hostile_files_in_the_drop_folder_stop_neither_the_daemon_nor_the_others()
    {
        var folder = new TemporaryFolder();
        await using var sink = new SmtpSink(folder["sink"]);
        await using var daemon = Daemon.Prepare(Configurations.ToSink(sink.Port), folder);
        await daemon.StartAgainAsync();
        await daemon.Running!.TerminateAsync();
        string secret = folder.Write("secret", "estafette-drop 1\nmail <a@client.test>\nrcpt <thief@mx.test>\n\nSubject: secret\r\n\r\nsecret\r\n.\r\n");
        // Readable, so that nothing but the kind of the file and its links speak against it.
        File.SetUnixFileMode(secret, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        const string head = "estafette-drop 1\nmail <a@client.test>\nrcpt <good@mx.test>\n\n";
        string drop = Path.Combine(daemon.State, "drop");
        await Command.ShellAsync($"cd {drop} && umask 022 && ln -s {secret} a-link.drop && ln {secret} b-hard.drop && mkfifo c-fifo.drop && mkdir d-folder.drop && ln -s /dev/zero e-zero.drop && (mknod f-device.drop c 1 5 || true)");
        foreach ((string name, string content) in ((string, string)[])
        [
            ("g-garbage", "\0\u00ff garbage"), ("h-empty", ""), ("i-huge", "estafette-drop 1\n" + string.Concat(Enumerable.Repeat("rcpt <x@mx.test>\n", 200_000))),
            ("j-no-sender", "estafette-drop 1\nrcpt <good@mx.test>\n\nSubject: nosender\r\n\r\nx\r\n.\r\n"),
            ("k-injected", "estafette-drop 1\nmail <a@client.test>\r\nRSET\nrcpt <good@mx.test>\n\nSubject: injected\r\n\r\nx\r\n.\r\n"),
            ("l-no-dot", head + "Subject: nodot\r\n\r\nnever ends\r\n"),
            ("m-more", head + "Subject: more\r\n\r\nx\r\n.\r\n" + string.Concat(Enumerable.Repeat("EHLO x\r\nMAIL FROM:<a@client.test>\r\nRSET\r\n", 50_000))),
            ("n-elsewhere", "estafette-drop 1\nmail <a@client.test>\nrcpt <x@elsewhere.test>\n\nSubject: elsewhere\r\n\r\nx\r\n.\r\n"),
            ("z-good", head + "Subject: good\r\n\r\nx\r\n.\r\n"),
        ])
            File.SetUnixFileMode(Write(Path.Combine(drop, name + ".drop"), content), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        await daemon.StartAgainAsync();
        await Wait.UntilAsync(() => sink.Messages.Any(m => m.Contains("Subject: good", StringComparison.Ordinal)), "the good one is taken\n" + daemon.Log);
        await Wait.UntilAsync(() => !File.Exists(Path.Combine(drop, "m-more.drop")), "a file with more than a message is taken up to its end\n" + daemon.Log);
        // One that comes later, too.
        File.SetUnixFileMode(Write(Path.Combine(drop, "later.drop"), head + "Subject: later\r\n\r\nx\r\n.\r\n"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        await Wait.UntilAsync(() => sink.Messages.Any(m => m.Contains("Subject: later", StringComparison.Ordinal)), "the later one is taken\n" + daemon.Log);
        Assert.DoesNotContain(sink.Messages, m => m.Contains("Subject: secret", StringComparison.Ordinal) || m.Contains("nosender", StringComparison.Ordinal) || m.Contains("injected", StringComparison.Ordinal) || m.Contains("nodot", StringComparison.Ordinal) || m.Contains("Subject: elsewhere", StringComparison.Ordinal));
        Assert.Contains("a-link.drop is no message", daemon.Log, StringComparison.Ordinal);
        Assert.Contains("b-hard.drop is no message", daemon.Log, StringComparison.Ordinal);
        Assert.Contains("c-fifo.drop is no message", daemon.Log, StringComparison.Ordinal);
        Assert.True(File.Exists(secret));
        int exit = await daemon.Running!.TerminateAsync();
        Assert.Equal(0, exit);
    }

    private static string Write(string path, string content)
    {
        File.WriteAllText(path, content, System.Text.Encoding.Latin1);
        return path;
    }
}
