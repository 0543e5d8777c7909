using Estafette.Mail;
using Estafette.Spool;
using static Estafette.Tests.Spool.SpoolSamples;

namespace Estafette.Tests.Spool;

/// <summary>Disks that fail, run full or lose power under the log.</summary>
public sealed class LogFaultTests
{
    private static readonly SpoolTrouble s_ioError = new(SpoolStatus.Unhealthy, "I/O error");
    private static readonly SpoolTrouble s_noSpace = new(SpoolStatus.Full, "no space left");

    [Theory]
    [InlineData(DiskAction.Flush)]
    [InlineData(DiskAction.Write)]
    public async Task E45_failure_of_the_disk_is_for_good_and_keeps_what_was_promised(DiskAction failing)
    {
        var disk = new SimulatedDisk();
        byte[] body = Body(3000, 1);
        MessageId id;
        await using (LogSpool spool = await OpenAsync(disk))
        {
            id = await CommitAsync(spool, body, lease: true);
            // The cleaner flushes too, when it prepares a segment; here only the commit shall.
            await UntilAsync(() => spool.Segments.PreparedCount == spool.Segments.Options.PreparedSegments);
            int failures = 0;
            disk.Fault = action => action == failing && failures++ == 0 ? s_ioError : null;
            await using (ISpoolWriter writer = spool.Begin())
            {
                await writer.WriteAsync(body, default);
                Assert.Equal(SpoolStatus.Unhealthy, await writer.CommitAsync(Envelope(writer.Id), false, null, default));
            }
            int flushes = disk.Flushes;
            Assert.Equal(SpoolStatus.Unhealthy, spool.Trouble!.Status);
            Assert.Contains("I/O error", spool.Trouble.Reason, StringComparison.Ordinal);
            Assert.Equal(SpoolStatus.Unhealthy, await spool.RecordAsync(Update(id, 0, Done), default));
            await using ISpoolWriter later = spool.Begin();
            Assert.Equal(SpoolStatus.Unhealthy, await later.WriteAsync(body, default));
            Assert.Equal<byte[]?>(body, await ReadAsync(spool, id));
            Assert.Equal(flushes, disk.Flushes);
        }
        disk.Fault = static _ => null;
        disk.Crash(new Random(1));
        await using LogSpool again = await OpenAsync(disk);
        Assert.Equal<byte[]?>(body, await ReadAsync(again, id));
    }

    [Fact]
    public async Task E45_no_space_in_a_write_refuses_and_passes()
    {
        var disk = new SimulatedDisk { WrittenOfFailed = static length => length / 2 };
        await using LogSpool spool = await OpenAsync(disk);
        MessageId first = await CommitAsync(spool, Body(100, 1));
        disk.Fault = static action => action == DiskAction.Write ? s_noSpace : null;
        await using (ISpoolWriter writer = spool.Begin())
        {
            // Trouble may be seen at the first octet or at the commit.
            await writer.WriteAsync(Body(500, 2), default);
            Assert.Equal(SpoolStatus.Full, await writer.CommitAsync(Envelope(writer.Id), false, null, default));
        }
        disk.Fault = static _ => null;
        await UntilAsync(() => spool.Trouble is null);
        MessageId second = await CommitAsync(spool, Body(100, 3));
        disk.Kill();
        await using LogSpool again = await OpenAsync(disk);
        Assert.Equal(new[] { first, second }.ToHashSet(), (await ScanAsync(again)).Select(m => m.Envelope.Id).ToHashSet());
    }

    [Fact]
    public async Task E45_full_disk_refuses_mail_still_records_progress_and_recovers_by_itself()
    {
        var disk = new SimulatedDisk { Capacity = 640 << 10 };
        LogSpoolOptions options = SmallSegments with { MinimumFree = 64 << 10 };
        var waiting = new List<(MessageId Id, byte[] Body)>();
        await using LogSpool spool = await OpenAsync(disk, options);
        SpoolStatus status = SpoolStatus.Ok;
        for (int i = 0; status == SpoolStatus.Ok && i < 1000; i++)
        {
            byte[] body = Body(3000, i);
            await using ISpoolWriter writer = spool.Begin();
            status = await writer.WriteAsync(body, default);
            if (status == SpoolStatus.Ok)
                status = await writer.CommitAsync(Envelope(writer.Id), true, null, default);
            if (status == SpoolStatus.Ok)
                waiting.Add((writer.Id, body));
        }
        Assert.Equal(SpoolStatus.Full, status);
        Assert.Equal(SpoolStatus.Full, spool.Trouble!.Status);
        Assert.InRange(waiting.Count, 50, 999);
        foreach ((MessageId id, byte[] body) in waiting)
            Assert.Equal<byte[]?>(body, await ReadAsync(spool, id));

        // Mail leaves; that alone makes room again, and nothing new was needed for it.
        foreach ((MessageId id, _) in waiting)
            Assert.Equal(SpoolStatus.Ok, await spool.RecordAsync(Update(id, 0, Done), default));
        disk.Capacity = 1 << 20;
        await UntilAsync(() => spool.Trouble is null);
        await CommitAsync(spool, Body(3000, 1));
        Assert.Equal(1, spool.Count);
    }

    [Fact]
    public async Task E45_trouble_follows_free_space()
    {
        var disk = new SimulatedDisk();
        await using LogSpool spool = await OpenAsync(disk, SmallSegments with { MinimumFree = 10 << 20 });
        Assert.Null(spool.Trouble);
        disk.Capacity = 5 << 20;
        await UntilAsync(() => spool.Trouble is { Status: SpoolStatus.Full });
        await using (ISpoolWriter writer = spool.Begin())
            Assert.Equal(SpoolStatus.Full, await writer.WriteAsync(Body(1, 1), default));
        disk.Capacity = 1 << 30;
        await UntilAsync(() => spool.Trouble is null);
        await CommitAsync(spool, Body(10, 1));
    }

    [Fact]
    public async Task E45_full_disk_in_the_middle_of_data_leaves_nothing()
    {
        var disk = new SimulatedDisk { Capacity = 512 << 10 };
        await using LogSpool spool = await OpenAsync(disk, SmallSegments with { MinimumFree = 64 << 10 });
        await using (ISpoolWriter writer = spool.Begin())
            Assert.Equal(SpoolStatus.Full, await writer.WriteAsync(Body(2 << 20, 1), default));
        disk.Capacity = 1 << 30;
        await UntilAsync(() => spool.Trouble is null);
        Assert.Equal(0, spool.Count);
        await CommitAsync(spool, Body(100_000, 2));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public async Task Random_operations_with_crashes_agree_with_a_model(int seed)
    {
        var random = new Random(seed);
        var disk = new SimulatedDisk();
        var model = new SpoolModel();
        for (int round = 0; round < 12; round++)
        {
            LogSpool spool = await OpenAsync(disk, SmallSegments with { CleaningSlack = 1, CleaningFactor = 1.2 });
            await model.CheckAsync(spool);
            for (int step = random.Next(60); step > 0; step--)
                await model.StepAsync(spool, random);
            await model.CheckAsync(spool);
            switch (random.Next(4))
            {
                case 0:
                    await spool.DisposeAsync();
                    break;
                case 1:
                    disk.Kill();
                    await spool.DisposeAsync();
                    break;
                default:
                    await model.CrashWhileWorkingAsync(spool, disk, random);
                    await spool.DisposeAsync();
                    break;
            }
        }
        await using LogSpool last = await OpenAsync(disk);
        await model.CheckAsync(last);
    }

    [Fact]
    public async Task Log_stays_bounded_while_mail_flows_past_a_few_that_wait()
    {
        var disk = new SimulatedDisk();
        await using LogSpool spool = await OpenAsync(disk);
        byte[] large = Body(90_000, 1);
        MessageId deferred = await CommitAsync(spool, large, recipients: 30, lease: true);
        MessageId held = await CommitAsync(spool, Body(500, 2), hold: true);
        for (int i = 0; i < 25; i++)
            await spool.RecordAsync(Update(deferred, i, Deferred(Noon, i + 1)), default);
        await using ISpoolWriter slow = spool.Begin();
        byte[] slowBody = Body(200_000, 3);
        for (int i = 0; i < 400; i++)
        {
            await slow.WriteAsync(slowBody.AsMemory(i * 500, 500), default);
            MessageId id = await CommitAsync(spool, Body(9000, i), lease: true);
            await spool.RecordAsync(Update(id, 0, Done), default);
        }
        Assert.Equal(SpoolStatus.Ok, await slow.CommitAsync(Envelope(slow.Id), false, null, default));
        // 3.6 MB went through; 0.3 MB waits. Cleaning runs beside, so give it its moment.
        await UntilAsync(() => disk.Names.Count < 24);
        Assert.Equal<byte[]?>(large, await ReadAsync(spool, deferred));
        Assert.Equal<byte[]?>(slowBody, await ReadAsync(spool, slow.Id));
        Assert.True((await spool.FindAsync(held, default))!.Held);
        disk.Crash(new Random(5));
        await using LogSpool again = await OpenAsync(disk);
        Assert.Equal(3, again.Count);
        Assert.Equal<byte[]?>(large, await ReadAsync(again, deferred));
        Assert.Equal<byte[]?>(slowBody, await ReadAsync(again, slow.Id));
        Assert.Equal(Deferred(Noon, 25), (await again.FindAsync(deferred, default))!.Progress[24]);
        Assert.True((await again.FindAsync(held, default))!.Held);
    }

    [Fact]
    public async Task Many_commits_share_a_flush()
    {
        var disk = new SimulatedDisk();
        await using LogSpool spool = await OpenAsync(disk, SmallSegments with { SegmentSize = 8 << 20 });
        int before = disk.Flushes;
        await Task.WhenAll(Enumerable.Range(0, 500).Select(i => CommitAsync(spool, Body(100, i))));
        Assert.InRange(disk.Flushes - before, 1, 250);
    }
}
