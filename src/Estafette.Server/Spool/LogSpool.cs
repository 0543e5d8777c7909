using System.Diagnostics;
using System.Runtime.CompilerServices;
using Estafette.Mail;

namespace Estafette.Spool;

/// <summary>
/// The spool as an append-only log (DESIGN 5, docs/states.md). Commits and progress return when the disk has them; many share one flush. A failed flush makes
/// the spool unhealthy until a restart; a full disk refuses new mail, still records progress, and passes by itself.
/// </summary>
public sealed class LogSpool : ISpool
{
    private readonly SpoolIndex _index;
    private readonly SegmentStore _segments;
    private readonly SpoolHealth _health;
    private readonly LogWriter _writer;
    private readonly LogCleaner _cleaner;
    private readonly MessageLoader _loader;
    private readonly ISpoolStorage _storage;
    private readonly IDisposable? _lock;
    private bool _disposed;

    private LogSpool(SegmentStore segments, SpoolIndex index, LogEnd end, IDisposable? spoolLock)
    {
        _segments = segments;
        _index = index;
        _storage = segments.Storage;
        _lock = spoolLock;
        _health = new SpoolHealth();
        _loader = new MessageLoader(index);
        _writer = new LogWriter(segments, index, _health, end);
        _cleaner = new LogCleaner(this, segments, index, _health);
        _writer.SegmentTaken = _cleaner.Wake;
    }

    public SpoolTrouble? Trouble => _health.Trouble;

    public int Count
    {
        get
        {
            lock (_index.Gate)
                return _index.Count;
        }
    }

    public DateTimeOffset? NextDue
    {
        get
        {
            lock (_index.Gate)
                return _index.NextDue is { } ticks ? ProgressRules.TimeOf(ticks) : null;
        }
    }

    internal int ChunkSize => _segments.Options.ChunkSize;

    internal SegmentStore Segments => _segments;

    /// <summary>Locks the folder, reads the log and opens it for mail. A refusal is an answer: it names who has the spool, or why it cannot be read.</summary>
    public static Task<SpoolOpening> OpenAsync(LogSpoolOptions options, TimeProvider clock, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Task.Run(() => OpenFolderAsync(options, clock), cancellationToken);
    }

    /// <summary>Opens the log on any storage; the caller has seen to it that nobody else does.</summary>
    internal static async Task<SpoolOpening> OpenAsync(ISpoolStorage storage, LogSpoolOptions options, TimeProvider clock, IDisposable? spoolLock)
    {
        options = options.For(storage.TotalBytes);
        long begun = Stopwatch.GetTimestamp();
        var index = new SpoolIndex(clock);
        var recovery = new LogRecovery(storage, options, index);
        if (recovery.Run() is { } trouble)
        {
            recovery.CloseFiles();
            storage.Dispose();
            spoolLock?.Dispose();
            return new SpoolOpening(null, null, trouble.Reason);
        }
        var segments = new SegmentStore(storage, options, index);
        recovery.HandOver(segments);
        var spool = new LogSpool(segments, index, recovery.End, spoolLock);
        spool._writer.Start();
        await spool.BeginServiceAsync(recovery.SetAside);
        return new SpoolOpening(spool, recovery.Report(Stopwatch.GetElapsedTime(begun)), null);
    }

    public ISpoolWriter Begin()
    {
        lock (_index.Gate)
            return _index.Open(id => new LogSpoolWriter(this, _index, id));
    }

    public async ValueTask<SpoolStatus> RecordAsync(SpoolUpdate update, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(update);
        cancellationToken.ThrowIfCancellationRequested();
        if (_health.IsBroken)
            return SpoolStatus.Unhealthy;
        if (update is { Progress.IsDefaultOrEmpty: true, Held: null, Remove: false })
            return ReleaseLease(update);
        if (Prepare(update) is not { } pending)
            return SpoolStatus.Unknown;
        try
        {
            using var operation = new UpdateOperation(pending);
            return await SubmitAsync(operation);
        }
        finally
        {
            Release(pending.Entry, pending.Loaded);
        }
    }

    public async ValueTask<SpoolBody?> OpenBodyAsync(MessageId id, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_loader.Pin(id) is not { } pinned)
            return null;
        LogSpoolBody? body = null;
        try
        {
            body = OpenBody(pinned);
            body.CheckSmall();
            return body;
        }
        catch (InvalidDataException)
        {
            await SetAsideAsync(pinned.Entry);
            if (body is null)
                _loader.Unpin(pinned);
            else
                body.Dispose();
            return null;
        }
    }

    public async ValueTask<IReadOnlyList<SpooledMessage>> LeaseDueAsync(DateTimeOffset now, int max, CancellationToken cancellationToken)
    {
        var leased = new List<SpooledMessage>();
        while (leased.Count < max)
        {
            cancellationToken.ThrowIfCancellationRequested();
            IndexEntry? next;
            lock (_index.Gate)
                next = _index.LeaseNext(now.UtcTicks);
            if (next is null)
                break;
            if (await ReadAsync(next) is { } message)
                leased.Add(message);
        }
        return leased;
    }

    public async IAsyncEnumerable<SpooledMessage> ScanAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IndexEntry[] snapshot;
        lock (_index.Gate)
            snapshot = [.. _index.Entries];
        foreach (IndexEntry entry in snapshot)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (await ReadAsync(entry) is { } message)
                yield return message;
        }
    }

    public async ValueTask<SpooledMessage?> FindAsync(MessageId id, CancellationToken cancellationToken)
    {
        IndexEntry? entry;
        lock (_index.Gate)
            entry = _index.Find(id.Value);
        return entry is null ? null : await ReadAsync(entry);
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        await _cleaner.DisposeAsync();
        await Task.Run(_writer.Dispose);
        _segments.Dispose();
        _storage.Dispose();
        _lock?.Dispose();
    }

    internal ValueTask<SpoolStatus> SubmitAsync(LogOperation operation)
    {
        operation.Reset();
        ValueTask<SpoolStatus> task = operation.Task;
        _writer.Submit(operation);
        return task;
    }

    /// <summary>Loads the message of an update and keeps it loaded until <see cref="Release"/>. Null when it is unknown.</summary>
    internal PendingUpdate? Prepare(SpoolUpdate update)
    {
        if (Acquire(update.Id) is not { } loaded)
            return null;
        IndexEntry? entry;
        lock (_index.Gate)
            entry = _index.Find(update.Id.Value);
        if (entry is null || !ReferenceEquals(entry.Loaded, loaded))
            return null;
        try
        {
            ProgressRules.Check(update, loaded.Progress.Length);
        }
        catch (ArgumentException)
        {
            Release(entry, loaded);
            throw;
        }
        return new PendingUpdate(_index, entry, loaded, update);
    }

    /// <summary>The message in memory, marked as in use; null when it is unknown or cannot be read (it is set aside then).</summary>
    internal LoadedMessage? Acquire(MessageId id)
    {
        LoadedMessage? loaded = _loader.Acquire(id, out IndexEntry? damaged);
        if (damaged is not null)
            _ = SetAsideAsync(damaged);
        return loaded;
    }

    internal void Release(IndexEntry entry, LoadedMessage loaded) => _loader.Release(entry, loaded);

    /// <summary>A message that can no longer be read goes to <c>corrupt/</c>, and the operator hears of it.</summary>
    internal async ValueTask SetAsideAsync(IndexEntry entry)
    {
        var id = new MessageId(entry.Id);
        if (_loader.Pin(id) is not { } pinned)
            return;
        RecordPlace commit = pinned.Commit;
        string name = Evidence.MessageName(id);
        try
        {
            CommitHead head = RecordReader.ReadCommit(commit, entry.Id, out Envelope envelope);
            Evidence.SaveMessage(_storage, envelope, head.AllExtents(commit), FindSegment);
        }
        catch (InvalidDataException)
        {
            var bad = new BadStretch(commit.Segment, commit.Offset, commit.Length, entry.Id, RecordType.Commit, 0);
            name = Evidence.PlaceName(bad);
            Evidence.SavePlace(_storage, bad);
        }
        _loader.Unpin(pinned);
        if (await SubmitAsync(new RemovalOperation(_index, id)) == SpoolStatus.Ok)
            _segments.Options.DamageFound?.Invoke(new DamagedRecord(commit.Segment.Name, commit.Offset, commit.Length, id, true, name));
    }

    private static async Task<SpoolOpening> OpenFolderAsync(LogSpoolOptions options, TimeProvider clock)
    {
        try
        {
            Directory.CreateDirectory(options.Directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            if (SpoolLock.TryTake(options.Directory, clock, out string refusal) is not { } taken)
                return new SpoolOpening(null, null, refusal);
            return await OpenAsync(new FileStorage(options.Directory), options, clock, taken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new SpoolOpening(null, null, $"the spool {options.Directory} cannot be opened: {exception.Message}");
        }
    }

    /// <summary>What recovery set aside is removed for good; then segments are prepared and the house is kept.</summary>
    private async Task BeginServiceAsync(List<IndexEntry> setAside)
    {
        foreach (IndexEntry entry in setAside)
            await SubmitAsync(new RemovalOperation(_index, new MessageId(entry.Id)));
        await _cleaner.RunOnceAsync(CancellationToken.None);
        _cleaner.Start();
    }

    private SpoolStatus ReleaseLease(SpoolUpdate update)
    {
        lock (_index.Gate)
        {
            if (_index.Find(update.Id.Value) is not { } entry)
                return SpoolStatus.Unknown;
            if (update.Release && entry.IsLeased)
            {
                entry.IsLeased = false;
                _index.Reschedule(entry, entry.DueTicks);
                SpoolIndex.Unload(entry);
            }
            return SpoolStatus.Ok;
        }
    }

    private async ValueTask<SpooledMessage?> ReadAsync(IndexEntry entry)
    {
        while (true)
        {
            lock (_index.Gate)
            {
                if (entry.IsGone)
                    return null;
                if (entry.Loaded is { } loaded)
                {
                    var message = new SpooledMessage(loaded.Envelope, loaded.Progress, entry.IsHeld);
                    SpoolIndex.Unload(entry);
                    return message;
                }
            }
            if (_loader.TryLoad(entry))
                continue;
            await SetAsideAsync(entry);
            return null;
        }
    }

    private LogSpoolBody OpenBody(PinnedMessage pinned)
    {
        CommitHead head = RecordReader.ReadCommit(pinned.Commit, pinned.Entry.Id, out _);
        BodyExtent[] extents = head.AllExtents(pinned.Commit);
        RecordPlace[] chunks;
        lock (_index.Gate)
            chunks = [.. extents.Select(extent => new RecordPlace(_segments.Find(extent.Segment)!, extent.Offset, extent.RecordLength))];
        return new LogSpoolBody(pinned.Entry.Id, chunks, extents.Select(extent => extent.Length), () => _loader.Unpin(pinned), () => SetAsideAsync(pinned.Entry));
    }

    private Segment? FindSegment(uint number)
    {
        lock (_index.Gate)
            return _segments.Find(number);
    }
}
