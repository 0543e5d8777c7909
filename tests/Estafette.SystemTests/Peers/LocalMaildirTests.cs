using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Peers;

public sealed partial class LocalMaildirTests
{
    private const string Message = "From: a@client.test\r\nTo: tester@conform.test\r\nSubject: gr\u00fcn\r\nDate: Mon, 01 Jan 2024 10:00:00 +0000\r\n\r\nFrom the start\r\n.dot\r\nbare\rcr\r\n";

    [GeneratedRegex(@"^\d{10}\.[0-9a-f]{8}\.mx\.conform\.test$", RegexOptions.NonBacktracking)]
    private static partial Regex OpenSmtpdName();

    [GeneratedRegex(@"^\d{10}\.V[0-9a-f]+I[0-9a-f]+M\d+\.mx\.conform\.test$", RegexOptions.NonBacktracking)]
    private static partial Regex PostfixName();

    [Fact]
    public async Task P20_creates_the_tree_and_delivers_with_trace_fields_and_exact_body()
    {
        await using var rig = await LocalDeliveryRig.StartAsync(new LocalMethod.Maildir());
        DeliveryOutcome outcome = await rig.DeliverAsync(Message);
        Assert.Equal(OutcomeKind.Delivered, outcome.Kind);
        string file = Assert.Single(rig.NewMail());
        Assert.Matches(OpenSmtpdName(), Path.GetFileName(file));
        Assert.Equal("Return-Path: <a@client.test>\nDelivered-To: tester@conform.test\n" + Message.Replace("\r\n", "\n", StringComparison.Ordinal), await File.ReadAllTextAsync(file));
        Assert.Equal((UnixFileMode)0b110_000_000, File.GetUnixFileMode(file));
        foreach (string part in new[] { "", "cur", "new", "tmp" })
            Assert.Equal((UnixFileMode)0b111_000_000, File.GetUnixFileMode(Path.Combine(rig.Home, "Maildir", part)));
        Assert.Empty(Directory.GetFiles(Path.Combine(rig.Home, "Maildir/tmp")));
        Assert.Equal(LocalDeliveryRig.UserUid.ToString(CultureInfo.InvariantCulture), (await Command.RunAsync("/usr/bin/stat", ["-c", "%u", file])).Output.Trim());
    }

    [Fact]
    public async Task P20_postfix_names_hold_device_and_inode()
    {
        await using var rig = await LocalDeliveryRig.StartAsync(new LocalMethod.Maildir(), c => c with { MaildirNaming = MaildirNaming.Postfix });
        await rig.DeliverAsync(Message);
        string file = Assert.Single(rig.NewMail());
        Assert.Matches(PostfixName(), Path.GetFileName(file));
        string expected = (await Command.RunAsync("/usr/bin/stat", ["-c", "V%DI%i", file])).Output.Trim();
        string inode = long.Parse(expected[(expected.IndexOf('I', StringComparison.Ordinal) + 1)..], CultureInfo.InvariantCulture).ToString("x", CultureInfo.InvariantCulture);
        Assert.Contains(expected[..(expected.IndexOf('I', StringComparison.Ordinal) + 1)] + inode + "M", file, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_null_sender_has_no_return_path()
    {
        await using var rig = await LocalDeliveryRig.StartAsync(new LocalMethod.Maildir());
        await rig.DeliverAsync(Message, sender: "");
        Assert.StartsWith("Delivered-To: tester@conform.test\n", await File.ReadAllTextAsync(Assert.Single(rig.NewMail())), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Junk_goes_to_the_junk_folder()
    {
        await using var rig = await LocalDeliveryRig.StartAsync(new LocalMethod.Maildir(JunkFolder: true));
        await rig.DeliverAsync("X-Spam: Yes\r\n" + Message);
        await rig.DeliverAsync(Message);
        Assert.Contains("X-Spam: Yes\n", await File.ReadAllTextAsync(Assert.Single(rig.NewMail("Maildir/.Junk"))), StringComparison.Ordinal);
        Assert.Single(rig.NewMail());
    }

    [Fact]
    public async Task A_batch_of_messages_arrives_whole_and_fast()
    {
        await using var rig = await LocalDeliveryRig.StartAsync(new LocalMethod.Maildir());
        await rig.DeliverAsync(Message);
        string body = Message + string.Concat(Enumerable.Repeat(new string('x', 62) + "\r\n", 62));
        var clock = Stopwatch.StartNew();
        List<RigJob> jobs = [.. Enumerable.Range(0, 3000).Select(_ => new RigJob(body, rig.Recipient(), LocalDeliveryRig.Address("a@client.test")))];
        Assert.All(await rig.DeliverAsync(jobs), o => Assert.Equal(OutcomeKind.Delivered, o.Kind));
        clock.Stop();
        Assert.Equal(3001, rig.NewMail().Length);
        Assert.True(clock.Elapsed < TimeSpan.FromMinutes(2), $"3000 messages took {clock.Elapsed}");
        if (Environment.GetEnvironmentVariable("ESTAFETTE_TEST_FIGURES") is { } figures)
            await File.AppendAllTextAsync(figures, $"maildir batch: {3000 / clock.Elapsed.TotalSeconds:0} messages/s\n");
    }

    [Fact]
    public async Task A_message_longer_than_every_buffer_is_unchanged()
    {
        await using var rig = await LocalDeliveryRig.StartAsync(new LocalMethod.Maildir());
        string body = Message + string.Concat(Enumerable.Range(0, 40_000).Select(i => $"line {i} with some text and a From in it\r\n"));
        await rig.DeliverAsync(body);
        string text = await File.ReadAllTextAsync(Assert.Single(rig.NewMail()));
        Assert.EndsWith(body.Replace("\r\n", "\n", StringComparison.Ordinal), text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_stored_message_is_deferred_and_its_neighbours_arrive()
    {
        await using var rig = await LocalDeliveryRig.StartAsync(new LocalMethod.Maildir());
        MailAddress sender = LocalDeliveryRig.Address("a@client.test");
        string large = Message + new string('y', 300_000);
        IReadOnlyList<DeliveryOutcome> outcomes = await rig.DeliverAsync(
            [new(Message, rig.Recipient(), sender), new(large, rig.Recipient(), sender) { DamagedFrom = 100_000 }, new(Message, rig.Recipient(), sender)]);
        Assert.Equal([OutcomeKind.Delivered, OutcomeKind.Deferred, OutcomeKind.Delivered], outcomes.Select(o => o.Kind));
        Assert.Equal(2, rig.NewMail().Length);
        Assert.Empty(Directory.GetFiles(Path.Combine(rig.Home, "Maildir/tmp")));
    }

    [Fact]
    public async Task E17_root_gets_no_mail()
    {
        await using var rig = await LocalDeliveryRig.StartAsync(new LocalMethod.Maildir());
        DeliveryOutcome outcome = await rig.DeliverAsync(Message, rig.Recipient(new DeliveryTarget.User("root")));
        Assert.Equal(OutcomeKind.Deferred, outcome.Kind);
        Assert.Contains("never delivered as root", outcome.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_user_fails_and_a_folder_that_cannot_be_made_defers()
    {
        await using var rig = await LocalDeliveryRig.StartAsync(new LocalMethod.Maildir("/proc/estafette/%{user.username}"));
        Assert.Equal(OutcomeKind.Failed, (await rig.DeliverAsync(Message, rig.Recipient(new DeliveryTarget.User("nobody-such")))).Kind);
        DeliveryOutcome outcome = await rig.DeliverAsync(Message);
        Assert.Equal(OutcomeKind.Deferred, outcome.Kind);
        Assert.Contains("/proc/estafette", outcome.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_the_local_process_mail_waits_with_a_reason()
    {
        await using var rig = await LocalDeliveryRig.StartAsync(new LocalMethod.Maildir());
        await rig.Process.DisposeAsync();
        DeliveryOutcome outcome = await rig.DeliverAsync(Message);
        Assert.Equal(OutcomeKind.Deferred, outcome.Kind);
        Assert.Contains("local delivery", outcome.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mail_reader_reads_the_maildir()
    {
        await using var rig = await LocalDeliveryRig.StartAsync(new LocalMethod.Maildir());
        await rig.DeliverAsync(Message);
        await rig.DeliverAsync(Message.Replace("gr\u00fcn", "second", StringComparison.Ordinal));
        Assert.Equal(2, await MailReader.CountAsync(rig, Path.Combine(rig.Home, "Maildir")));
    }
}
