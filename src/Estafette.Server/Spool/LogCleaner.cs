using Estafette.Mail;

namespace Estafette.Spool;

/// <summary>
/// Keeps house beside the writer: segments stand prepared, dead ones leave, the few messages that still wait in an old one are copied to the end of the log,
/// and free space is watched. A copy is an ordinary commit record that is newer than the first; the old segment leaves only after a flush, so a crash
/// at any point finds the message once.
/// </summary>
internal sealed class LogCleaner(LogSpool spool, SegmentStore segments, SpoolIndex index, SpoolHealth health) : IAsyncDisposable
{
    /// <summary>Copies under way at once: bounded work beside the mail.</summary>
    private const int ParallelMoves = 16;

    /// <summary>When room is short, cleaning is worth while from this ratio on.</summary>
    private const double UrgentFactor = 1.25;
    private readonly SemaphoreSlim _signal = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private Task _task = Task.CompletedTask;

    public void Start() => _task = Task.Run(RunAsync);

    /// <summary>There is something to do.</summary>
    public void Wake()
    {
        try
        {
            if (_signal.CurrentCount == 0)
                _signal.Release();
        }
        catch (SemaphoreFullException)
        {
            // Somebody else woke it at the same moment.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _task;
        _stop.Dispose();
        _signal.Dispose();
    }

    /// <summary>One round: prepare, free, copy out, look at the free space.</summary>
    public async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        if (health.IsBroken)
            return;
        SpoolTrouble? shortage = segments.PrepareAll();
        if (shortage is { Status: not SpoolStatus.Full } || IsFreeingBroken())
        {
            if (shortage is { Status: not SpoolStatus.Full })
                health.Note(shortage);
            return;
        }
        if (OldestWorthCleaning(shortage is not null || health.Trouble is not null) is { } oldest)
        {
            if (!await CopyOutAsync(oldest, cancellationToken) || IsFreeingBroken())
                return;
        }
        shortage = segments.PrepareAll() ?? Shortage();
        if (shortage is null)
            health.RoomIsBack();
        else
            health.Note(shortage);
    }

    private async Task RunAsync()
    {
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                await RunOnceAsync(_stop.Token);
                await _signal.WaitAsync(segments.Options.SpaceCheckInterval, _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The spool is being closed.
        }
    }

    private bool IsFreeingBroken()
    {
        segments.FreeDead(out SpoolTrouble? trouble);
        if (trouble is not null)
            health.Note(trouble);
        return trouble is not null;
    }

    private SpoolTrouble? Shortage()
    {
        long free = segments.Storage.FreeBytes;
        return free >= segments.Options.MinimumFree
            ? null
            : new SpoolTrouble(SpoolStatus.Full, $"{free >> 20} MiB free, less than the minimum of {segments.Options.MinimumFree >> 20} MiB");
    }

    private Segment? OldestWorthCleaning(bool isUrgent)
    {
        lock (index.Gate)
        {
            IReadOnlyList<Segment> log = segments.Log;
            if (log.Count < 2 || ReferenceEquals(log[0], segments.Current) || log[0].Pins != 0)
                return null;
            // The reserve is lent only to what gives more back.
            if (segments.PreparedCount <= SegmentStore.Reserve && log[0].Live > log[0].Size / 4 * 3)
                return null;
            long live = log.Sum(segment => segment.Live);
            long size = log.Sum(segment => (long)segment.Size);
            double factor = isUrgent ? UrgentFactor : segments.Options.CleaningFactor;
            long slack = (isUrgent ? 1L : segments.Options.CleaningSlack) * segments.Options.SegmentSize;
            return size > factor * live + slack ? log[0] : null;
        }
    }

    /// <summary>Copies everything alive out of the segment. True when the copies are on the disk: before that the first ones must not go.</summary>
    private async Task<bool> CopyOutAsync(Segment segment, CancellationToken cancellationToken)
    {
        HashSet<ulong> ids = IdsIn(segment);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = ParallelMoves, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(ids, parallel, (id, _) => MoveAsync(id, segment));
        lock (index.Gate)
        {
            // What stays: messages that changed meanwhile, or whose records here are damaged.
            ids.Clear();
            if (segment.Live != 0)
                ids.UnionWith(index.Entries.Where(entry => SpoolIndex.SegmentsOf(entry).Contains(segment)).Select(entry => entry.Id));
        }
        await Parallel.ForEachAsync(ids, parallel, (id, _) => MoveAsync(id, segment));
        using var barrier = new BarrierOperation();
        return await spool.SubmitAsync(barrier) == SpoolStatus.Ok;
    }

    /// <summary>Read from front to back, the segment's records tell whose they are; that is cheaper than a look at every waiting message.</summary>
    private static HashSet<ulong> IdsIn(Segment segment)
    {
        var ids = new HashSet<ulong>();
        try
        {
            Scan();
        }
        catch (IOException)
        {
            // What cannot be read here is found through the index.
        }
        return ids;

        void Scan()
        {
            using var scanner = new LogScanner(segment, segment.End);
            scanner.Run((header, _, payload) =>
            {
                if (header.Id != 0)
                    ids.Add(header.Id);
                if (header.Type == RecordType.Commit && WithOf(payload) is { } with)
                    ids.Add(with.Id.Value);
            });
        }
    }

    private static SpoolUpdate? WithOf(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        return CommitPayload.Read(ref reader).With;
    }

    private async ValueTask MoveAsync(ulong id, Segment segment)
    {
        LogSpoolWriter? writer;
        IndexEntry? entry;
        lock (index.Gate)
        {
            writer = index.FindWriter(id);
            entry = index.Find(id);
            if (entry is not null && !SpoolIndex.SegmentsOf(entry).Contains(segment))
                return;
        }
        if (entry is not null)
            await MessageMove.RunAsync(spool, segments, index, entry, segment);
        else if (writer is not null)
            await MessageMove.RunAsync(spool, index, writer, segment);
    }
}
