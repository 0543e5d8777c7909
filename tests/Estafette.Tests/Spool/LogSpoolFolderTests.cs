using Estafette.Mail;
using Estafette.Spool;
using static Estafette.Tests.Spool.SpoolSamples;

namespace Estafette.Tests.Spool;

/// <summary>The log spool in a real folder: lock, reopening, reuse of files, large bodies.</summary>
public sealed class LogSpoolFolderTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("estafette-spool-").FullName;

    public void Dispose() => Directory.Delete(_directory, true);

    [Fact]
    public async Task E57_second_opener_is_told_who_has_the_spool()
    {
        SpoolOpening first = await OpenAsync();
        SpoolOpening second = await OpenAsync();
        Assert.Null(second.Spool);
        Assert.Contains($"pid {Environment.ProcessId} on {Environment.MachineName}", second.Refusal, StringComparison.Ordinal);
        await first.Spool!.DisposeAsync();
        SpoolOpening third = await OpenAsync();
        Assert.NotNull(third.Spool);
        await third.Spool.DisposeAsync();
    }

    [Fact]
    public async Task E57_name_of_a_dead_owner_locks_nothing()
    {
        await File.WriteAllTextAsync(Path.Combine(_directory, "lock"), "pid 1 on elsewhere\n");
        SpoolOpening opening = await OpenAsync();
        Assert.Null(opening.Refusal);
        await opening.Spool!.DisposeAsync();
    }

    [Fact]
    public async Task Folder_that_cannot_be_used_is_refused_with_its_name()
    {
        string file = Path.Combine(_directory, "file");
        await File.WriteAllTextAsync(file, "");
        SpoolOpening opening = await LogSpool.OpenAsync(new LogSpoolOptions { Directory = Path.Combine(file, "spool") }, TimeProvider.System, default);
        Assert.Null(opening.Spool);
        Assert.Contains(file, opening.Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reopened_spool_has_everything_and_starts_no_new_segment_after_an_orderly_end()
    {
        MessageId id;
        byte[] body = Body(100_000, 1);
        await using (LogSpool spool = (await OpenAsync()).Spool!)
        {
            id = await CommitAsync(spool, body, recipients: 2, lease: true);
            await spool.RecordAsync(Update(id, 1, Deferred(Noon, 3)), default);
        }
        string[] files = Files();
        for (int i = 0; i < 3; i++)
        {
            SpoolOpening opening = await OpenAsync();
            await using LogSpool spool = opening.Spool!;
            Assert.Equal(1, opening.Report!.Messages);
            Assert.Equal<byte[]?>(body, await ReadAsync(spool, id));
            SpooledMessage message = Assert.Single(await spool.LeaseDueAsync(Noon, 9, default));
            Assert.Equal(Deferred(Noon, 3), message.Progress[1]);
            await CommitAsync(spool, Body(10, 1), lease: true);
            await spool.RecordAsync(new SpoolUpdate((await ScanAsync(spool)).Single(m => m.Envelope.Id != id).Envelope.Id) { Remove = true }, default);
        }
        Assert.Equal(files, Files());
    }

    [Fact]
    public async Task Files_of_dead_segments_are_reused_and_their_old_records_stay_dead()
    {
        await using (LogSpool spool = (await OpenAsync()).Spool!)
        {
            for (int i = 0; i < 100; i++)
            {
                MessageId id = await CommitAsync(spool, Body(30_000, i), lease: true);
                await spool.RecordAsync(Update(id, 0, Done), default);
            }
        }
        Assert.InRange(Files().Length, 1, 12);
        SpoolOpening opening = await OpenAsync();
        Assert.Equal(0, opening.Report!.Messages);
        Assert.Empty(opening.Report.Damaged);
        Assert.Null(opening.Report.TornTail);
        await opening.Spool!.DisposeAsync();
    }

    private string[] Files() => [.. Directory.GetFiles(Path.Combine(_directory, "log")).Order(StringComparer.Ordinal)];

    private Task<SpoolOpening> OpenAsync() =>
        LogSpool.OpenAsync(new LogSpoolOptions { Directory = _directory, SegmentSize = 256 << 10 }, TimeProvider.System, default);
}
