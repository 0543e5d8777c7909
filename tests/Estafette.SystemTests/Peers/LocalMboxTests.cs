using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Peers;

public sealed class LocalMboxTests
{
    private const string Message = "From: a@client.test\r\nSubject: mbox\r\nDate: Mon, 01 Jan 2024 10:00:00 +0000\r\n\r\nFrom the start\r\n>From quoted\r\nend without line end";

    private static Task<LocalDeliveryRig> StartAsync() => LocalDeliveryRig.StartAsync(new LocalMethod.Mbox("~/box"));

    [Fact]
    public async Task Appends_with_from_line_quoting_and_blank_line_and_a_mail_reader_reads_it()
    {
        await using LocalDeliveryRig rig = await StartAsync();
        MailAddress sender = LocalDeliveryRig.Address("a@client.test");
        IReadOnlyList<DeliveryOutcome> outcomes = await rig.DeliverAsync([new(Message, rig.Recipient(), sender), new(Message, rig.Recipient(), MailAddress.Null)]);
        Assert.All(outcomes, o => Assert.Equal(OutcomeKind.Delivered, o.Kind));
        string box = Path.Combine(rig.Home, "box");
        string[] lines = await File.ReadAllLinesAsync(box);
        Assert.Matches(@"^From a@client\.test (Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z][a-z] [ 123]\d \d\d:\d\d:\d\d \d{4}$", lines[0]);
        Assert.Equal(["Return-Path: <a@client.test>", "Delivered-To: tester@conform.test"], lines[1..3]);
        Assert.Contains(">From the start", lines);
        Assert.Equal(["end without line end", ""], lines[^2..]);
        Assert.Equal(1, lines.Count(l => l.StartsWith("From MAILER-DAEMON ", StringComparison.Ordinal)));
        Assert.EndsWith("end\n\n", (await File.ReadAllTextAsync(box)).Replace("end without line end", "end", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Equal((UnixFileMode)0b110_000_000, File.GetUnixFileMode(box));
        Assert.False(File.Exists(box + ".lock"));
        Assert.Equal(2, await MailReader.CountAsync(rig, box));
    }

    [Theory]
    [InlineData("symbolic")]
    [InlineData("hard")]
    [InlineData("fifo")]
    public async Task E16_never_writes_through_a_planted_name(string kind)
    {
        await using LocalDeliveryRig rig = await StartAsync();
        string victim = Path.Combine(rig.Home, "victim"), box = Path.Combine(rig.Home, "box");
        await File.WriteAllTextAsync(victim, "precious\n");
        await Command.RunAsync("/bin/chown", [LocalDeliveryRig.UserUid.ToString(System.Globalization.CultureInfo.InvariantCulture), victim]);
        await Command.RunAsync("/bin/sh", ["-c", kind switch { "symbolic" => $"ln -s {victim} {box}", "hard" => $"ln {victim} {box}", _ => $"mkfifo {box}; chmod 666 {box}" }]);
        DeliveryOutcome outcome = await rig.DeliverAsync(Message);
        Assert.Equal(OutcomeKind.Deferred, outcome.Kind);
        Assert.Equal("precious\n", await File.ReadAllTextAsync(victim));
    }

    [Fact]
    public async Task A_dot_lock_that_a_killed_program_left_long_ago_keeps_no_mail_out()
    {
        await using LocalDeliveryRig rig = await StartAsync();
        string left = Path.Combine(rig.Home, "box.lock");
        await File.WriteAllTextAsync(left, "");
        File.SetLastWriteTimeUtc(left, DateTime.UtcNow.AddHours(-1));
        Assert.Equal(OutcomeKind.Delivered, (await rig.DeliverAsync(Message)).Kind);
        Assert.False(File.Exists(left));
    }

    [Fact]
    public async Task Waits_for_another_programs_dot_lock()
    {
        await using LocalDeliveryRig rig = await StartAsync();
        string dotLock = Path.Combine(rig.Home, "box.lock");
        await File.WriteAllTextAsync(dotLock, "");
        Task<DeliveryOutcome> delivery = rig.DeliverAsync(Message);
        Assert.NotSame(delivery, await Task.WhenAny(delivery, Task.Delay(500)));
        File.Delete(dotLock);
        Assert.Equal(OutcomeKind.Delivered, (await delivery).Kind);
    }

    [Fact]
    public async Task Waits_for_another_programs_fcntl_lock()
    {
        await using LocalDeliveryRig rig = await StartAsync();
        await rig.DeliverAsync(Message);
        string box = Path.Combine(rig.Home, "box");
        Task<DeliveryOutcome> delivery;
        using (var other = new FileStream(box, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            other.Lock(0, 0x7fffffff);
            delivery = rig.DeliverAsync(Message);
            Assert.NotSame(delivery, await Task.WhenAny(delivery, Task.Delay(500)));
        }
        Assert.Equal(OutcomeKind.Delivered, (await delivery).Kind);
    }

    [Fact]
    public async Task An_alias_file_gets_mbox_text_and_dev_null_swallows()
    {
        if (!LocalDeliveryRig.IsRoot)
            return;
        using var folder = new TemporaryFolder();
        string file = folder["file.out"];
        File.SetUnixFileMode(folder.Path, (UnixFileMode)0b111_111_111);
        await using var rig = await LocalDeliveryRig.StartAsync(new LocalMethod.Mbox("~/box"), aliasTargets: [file, "/dev/null"]);
        Assert.Equal(OutcomeKind.Delivered, (await rig.DeliverAsync(Message, rig.Recipient(new DeliveryTarget.File(file, "nobody", TargetSource.AliasTable)))).Kind);
        Assert.Equal(OutcomeKind.Delivered, (await rig.DeliverAsync(Message, rig.Recipient(new DeliveryTarget.File("/dev/null", "nobody", TargetSource.AliasTable)))).Kind);
        Assert.Equal(OutcomeKind.Deferred, (await rig.DeliverAsync(Message, rig.Recipient(new DeliveryTarget.File(file + "2", "nobody", TargetSource.AliasTable)))).Kind);
        Assert.Equal("nobody 600", (await Command.RunAsync("/usr/bin/stat", ["-c", "%U %a", file])).Output.Trim());
        Assert.StartsWith("From a@client.test ", await File.ReadAllTextAsync(file), StringComparison.Ordinal);
    }
}
