using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;

namespace Estafette.Spool;

/// <summary>
/// The one thread that writes the log. It gathers what waits, writes it with one call and makes all of it durable with one flush. There is no timer:
/// it flushes when nobody else is about to join, or when the last flush is older than its own cost. A failed flush is never tried again.
/// </summary>
internal sealed class LogWriter : IDisposable
{
    private const int BatchSize = 1 << 20;

    /// <summary>Milliseconds; no disk is so slow that waiting longer for others would be right.</summary>
    private const int MaxJoinWait = 50;

    /// <summary>A join record: number of the segment before, and where the log ended in it.</summary>
    private static int JoinLength { get; } = RecordFormat.TotalLength(2 * sizeof(uint));
    private readonly SegmentStore _segments;
    private readonly SpoolIndex _index;
    private readonly SpoolHealth _health;
    private readonly Thread _thread;
    private readonly object _queueGate = new();
    private readonly List<LogOperation> _staged = [];
    private readonly List<LogOperation> _unflushed = [];
    private List<LogOperation> _queue = [];
    private List<LogOperation> _taken = [];
    private byte[] _batch = ArrayPool<byte>.Shared.Rent(BatchSize);
    private int _batchLength;
    private (uint Number, int End)? _predecessor;
    private ulong _sequence;
    private bool _hasWritten;
    private int _waiting;
    private int _lastJoined;
    private long _lastFlushEnd;
    private long _lastFlushCost;
    private bool _stopping;

    public LogWriter(SegmentStore segments, SpoolIndex index, SpoolHealth health, LogEnd end)
    {
        _segments = segments;
        _index = index;
        _health = health;
        _sequence = end.Sequence;
        _predecessor = end.Segment is null ? null : (end.Segment.Number, end.Offset);
        _thread = new Thread(Run) { IsBackground = true, Name = "spool log" };
    }

    /// <summary>Called when a segment took over: there is room to prepare and perhaps something to clean.</summary>
    public Action SegmentTaken { get; set; } = static () => { };

    public void Start() => _thread.Start();

    /// <summary>Hands an operation over; its task tells the end.</summary>
    public void Submit(LogOperation operation)
    {
        lock (_queueGate)
        {
            if (!_stopping)
            {
                _queue.Add(operation);
                if (operation.NeedsFlush)
                    _waiting++;
                if (_queue.Count == 1 || _waiting == _lastJoined)
                    Monitor.Pulse(_queueGate);
                return;
            }
        }
        operation.Complete(SpoolStatus.Unhealthy);
    }

    /// <summary>Writes what waits, says in the log that it was closed in order, and ends.</summary>
    public void Dispose()
    {
        lock (_queueGate)
        {
            if (_stopping)
                return;
            _stopping = true;
            Monitor.Pulse(_queueGate);
        }
        if (_thread.ThreadState.HasFlag(System.Threading.ThreadState.Unstarted))
            return;
        _thread.Join();
        ArrayPool<byte>.Shared.Return(_batch);
    }

    private void Run()
    {
        while (Take())
        {
            foreach (LogOperation operation in _taken)
                Stage(operation);
            Finish(mustFlush: false);
            _taken.Clear();
        }
        Close();
    }

    private bool Take()
    {
        lock (_queueGate)
        {
            while (_queue.Count == 0 && !_stopping)
                Monitor.Wait(_queueGate);
            if (_queue.Count == 0)
                return false;
        }
        AwaitJoiners();
        lock (_queueGate)
        {
            (_queue, _taken) = (_taken, _queue);
            _lastJoined = _waiting;
            _waiting = 0;
        }
        return true;
    }

    /// <summary>
    /// Those whom the last flush served are likely to come again: while they do, and while the last flush is younger than its own cost, waiting for them
    /// costs less than making them wait for a flush of their own.
    /// </summary>
    private void AwaitJoiners()
    {
        while (true)
        {
            lock (_queueGate)
            {
                long left = _lastFlushCost - (Stopwatch.GetTimestamp() - _lastFlushEnd);
                if (_waiting == 0 || _waiting >= _lastJoined || left <= 0 || _stopping)
                    return;
                int milliseconds = (int)Math.Min(left * 1000 / Stopwatch.Frequency, MaxJoinWait);
                if (milliseconds > 0)
                {
                    Monitor.Wait(_queueGate, milliseconds);
                    continue;
                }
            }
            // Too short for a sleep: let those run who are about to come.
            Thread.Yield();
        }
    }

    private void Stage(LogOperation operation)
    {
        if (_health.IsBroken)
        {
            operation.Complete(SpoolStatus.Unhealthy);
            return;
        }
        SpoolStatus status = operation.Prepare();
        if (status == SpoolStatus.Ok)
        {
            status = MakeRoom(operation);
            if (status != SpoolStatus.Ok)
                operation.Rollback();
        }
        if (status != SpoolStatus.Ok)
        {
            operation.Complete(status);
            return;
        }
        Segment segment = _segments.Current!;
        if (segment.IsFresh && _batchLength == 0)
            AppendJoin();
        operation.Place(segment, segment.End + _batchLength);
        Append(operation.Records.Octets);
        _staged.Add(operation);
    }

    private SpoolStatus MakeRoom(LogOperation operation)
    {
        int length = operation.Records.Length;
        if (length > _segments.Options.SegmentSize - Segment.StartLength - JoinLength)
            return SpoolStatus.Full;
        if (_segments.Current is { } current && current.Size - current.End - _batchLength >= length + (current.IsFresh ? JoinLength : 0))
            return _batchLength > 0 && _batchLength + length > BatchSize ? Write() : SpoolStatus.Ok;
        SpoolStatus status = Finish(mustFlush: true);
        return status == SpoolStatus.Ok ? TakeOver(operation.MayUseReserve) : status;
    }

    private SpoolStatus TakeOver(bool mayUseReserve)
    {
        (uint Number, int End)? before = _segments.Current is { } current ? (current.Number, current.End) : _predecessor;
        Segment? next = _segments.TakeOver(mayUseReserve, out SpoolTrouble? trouble);
        SegmentTaken();
        if (next is null)
            return _health.Note(trouble!);
        _predecessor = before;
        return SpoolStatus.Ok;
    }

    /// <summary>First in a segment that took over: up to where the one before is to be read.</summary>
    private void AppendJoin()
    {
        Span<byte> join = stackalloc byte[JoinLength];
        BinaryPrimitives.WriteUInt32LittleEndian(join[RecordFormat.HeaderLength..], _predecessor?.Number ?? 0);
        BinaryPrimitives.WriteInt32LittleEndian(join[(RecordFormat.HeaderLength + sizeof(uint))..], _predecessor?.End ?? 0);
        RecordFormat.Author(join, RecordType.Join, 0, 0, 2 * sizeof(uint));
        Append(join);
    }

    /// <summary>Copies authored records behind what is staged and makes them valid there.</summary>
    private void Append(ReadOnlySpan<byte> records)
    {
        if (_batch.Length - _batchLength < records.Length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(_batchLength + records.Length);
            _batch.AsSpan(0, _batchLength).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_batch);
            _batch = larger;
        }
        Span<byte> target = _batch.AsSpan(_batchLength, records.Length);
        records.CopyTo(target);
        _batchLength += records.Length;
        Segment segment = _segments.Current!;
        while (!target.IsEmpty)
        {
            int length = RecordFormat.AuthoredLength(target);
            RecordFormat.Seal(target[..length], segment.Epoch, ++_sequence, (uint)segment.Durable);
            target = target[length..];
        }
    }

    /// <summary>Writes what is staged; what does not wait for the disk is done with it.</summary>
    private SpoolStatus Write()
    {
        if (_staged.Count == 0)
            return SpoolStatus.Ok;
        Segment segment = _segments.Current!;
        if (_batchLength > 0 && segment.File.Write(_batch.AsSpan(0, _batchLength), segment.End) is { } trouble)
            return Abandon(trouble);
        segment.End += _batchLength;
        _batchLength = 0;
        _hasWritten = true;
        lock (_index.Gate)
        {
            foreach (LogOperation operation in _staged)
            {
                if (operation.NeedsFlush)
                    _unflushed.Add(operation);
                else
                    operation.Apply();
            }
        }
        foreach (LogOperation operation in _staged)
        {
            if (!operation.NeedsFlush)
                operation.Complete(SpoolStatus.Ok);
        }
        _staged.Clear();
        return SpoolStatus.Ok;
    }

    /// <summary>
    /// The write failed: nothing of it is kept. Octets that did reach the file are overwritten by what comes next or, being of an earlier sequence
    /// than what comes before them, are not read as records.
    /// </summary>
    private SpoolStatus Abandon(SpoolTrouble trouble)
    {
        SpoolStatus status = _health.Note(trouble);
        foreach (LogOperation operation in _staged)
        {
            operation.Rollback();
            operation.Complete(status);
        }
        _staged.Clear();
        _batchLength = 0;
        return status;
    }

    /// <summary>Writes and flushes, and keeps the promises that hung on it.</summary>
    private SpoolStatus Finish(bool mustFlush)
    {
        SpoolStatus status = Write();
        if (_segments.Current is not { } segment)
            return status;
        if (_unflushed.Count == 0 && segment.End - segment.Durable < _segments.Options.MaxUnflushed && !mustFlush)
            return status;
        SpoolTrouble? trouble = _health.IsBroken ? _health.Trouble : Flush(segment);
        if (trouble is not null)
            status = _health.Note(trouble);
        else
            ApplyUnflushed();
        foreach (LogOperation operation in _unflushed)
            operation.Complete(trouble is null ? SpoolStatus.Ok : SpoolStatus.Unhealthy);
        _unflushed.Clear();
        return status;
    }

    private void ApplyUnflushed()
    {
        lock (_index.Gate)
        {
            foreach (LogOperation operation in _unflushed)
                operation.Apply();
        }
    }

    private SpoolTrouble? Flush(Segment segment)
    {
        if (segment.Durable == segment.End)
            return null;
        long begun = Stopwatch.GetTimestamp();
        SpoolTrouble? trouble = segment.File.Flush();
        _lastFlushEnd = Stopwatch.GetTimestamp();
        _lastFlushCost = _lastFlushEnd - begun;
        if (trouble is not null)
            return trouble with { Status = SpoolStatus.Unhealthy };
        segment.Durable = segment.End;
        return null;
    }

    private void Close()
    {
        if (!_hasWritten || _health.IsBroken || _segments.Current is not { } segment)
            return;
        Span<byte> close = stackalloc byte[RecordFormat.TotalLength(0)];
        if (segment.Size - segment.End < close.Length)
            return;
        RecordFormat.Author(close, RecordType.Close, 0, 0, 0);
        RecordFormat.Seal(close, segment.Epoch, ++_sequence, (uint)segment.Durable);
        if (segment.File.Write(close, segment.End) is null)
            segment.File.Flush();
    }
}

/// <summary>Where the log ended when it was opened; <c>default</c> for a new one.</summary>
internal readonly record struct LogEnd(Segment? Segment, int Offset, ulong Sequence);
