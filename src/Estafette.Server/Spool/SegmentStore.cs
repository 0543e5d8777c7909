using System.Security.Cryptography;

namespace Estafette.Spool;

/// <summary>
/// The segments: the log in order (oldest first, the last is written to), those prepared to take over, and files that wait for reuse. Only the oldest segment
/// leaves the log, and its leaving is durable before the next one leaves: what finishes a message always outlives what began it.
/// </summary>
internal sealed class SegmentStore(ISpoolStorage storage, LogSpoolOptions options, SpoolIndex index) : IDisposable
{
    /// <summary>Prepared segments that only progress may take.</summary>
    public const int Reserve = 1;
    private readonly Lock _preparing = new();
    private readonly List<Segment> _log = [];
    private readonly Dictionary<uint, Segment> _byNumber = [];
    private readonly Queue<Segment> _prepared = [];
    private readonly Stack<string> _reusable = [];
    private uint _lastNumber;

    public LogSpoolOptions Options => options;
    public ISpoolStorage Storage => storage;

    /// <summary>The segment that is written to; null until the first takes over.</summary>
    public Segment? Current { get; private set; }

    public int PreparedCount => _prepared.Count;

    /// <summary>Under the index' lock.</summary>
    public IReadOnlyList<Segment> Log => _log;

    /// <summary>Under the index' lock. Null when the log has no such segment.</summary>
    public Segment? Find(uint number) => _byNumber.GetValueOrDefault(number);

    /// <summary>Takes over what recovery found.</summary>
    public void Restore(IEnumerable<Segment> log, IEnumerable<Segment> fresh, IEnumerable<string> reusable, uint lastNumber, bool continueLast)
    {
        foreach (Segment segment in log)
            Append(segment);
        foreach (Segment segment in fresh)
            _prepared.Enqueue(segment);
        foreach (string name in reusable)
            _reusable.Push(name);
        _lastNumber = lastNumber;
        Current = continueLast ? _log[^1] : null;
    }

    /// <summary>Makes sure that enough segments stand ready; null when they do.</summary>
    public SpoolTrouble? PrepareAll()
    {
        while (true)
        {
            lock (_preparing)
            {
                if (_prepared.Count >= options.PreparedSegments)
                    return null;
                if (PrepareOne() is { } trouble)
                    return trouble;
            }
        }
    }

    /// <summary>On the writer's thread: the next segment takes over; null (and why) when there is none.</summary>
    public Segment? TakeOver(bool mayUseReserve, out SpoolTrouble? trouble)
    {
        int untouchable = mayUseReserve ? 0 : Reserve;
        trouble = null;
        Segment next;
        lock (_preparing)
        {
            while (_prepared.Count <= untouchable)
            {
                if ((trouble = PrepareOne()) is not null)
                    return null;
            }
            next = _prepared.Dequeue();
        }
        lock (index.Gate)
            Append(next);
        return Current = next;
    }

    /// <summary>Lets segments at the old end of the log go that nobody needs. True when one went.</summary>
    public bool FreeDead(out SpoolTrouble? trouble)
    {
        trouble = null;
        bool any = false;
        while (trouble is null)
        {
            Segment oldest;
            lock (index.Gate)
            {
                if (_log.Count < 2 || _log[0].Live != 0 || _log[0].Pins != 0 || ReferenceEquals(_log[0], Current))
                    return any;
                oldest = _log[0];
                _log.RemoveAt(0);
                _byNumber.Remove(oldest.Number);
            }
            trouble = Free(oldest);
            any = true;
        }
        return any;
    }

    public void Dispose()
    {
        foreach (Segment segment in _log.Concat(_prepared))
            segment.Dispose();
    }

    private SpoolTrouble? Free(Segment segment)
    {
        segment.Dispose();
        lock (_preparing)
        {
            string free = Segment.FreeNameOf(segment.Number, segment.Epoch);
            bool keep = _reusable.Count < options.ReusableSegments && segment.Size == options.SegmentSize;
            SpoolTrouble? trouble = (keep ? storage.Rename(segment.Name, free) : storage.Delete(segment.Name)) ?? storage.FlushDirectory();
            if (trouble is null && keep)
                _reusable.Push(free);
            return trouble;
        }
    }

    private void Append(Segment segment)
    {
        _log.Add(segment);
        _byNumber.Add(segment.Number, segment);
    }

    /// <summary>
    /// A file gets its start record under a free name and is flushed; only then its new name makes it a segment. A crash at any point leaves a
    /// free file or an empty segment.
    /// </summary>
    private SpoolTrouble? PrepareOne()
    {
        uint number = _lastNumber + 1;
        Span<byte> random = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(random);
        ulong epoch = BitConverter.ToUInt64(random);
        SpoolTrouble? trouble = OpenFree(number, epoch, out string name, out IStorageFile? file);
        if (trouble is not null)
            return trouble;
        Span<byte> start = stackalloc byte[Segment.StartLength];
        RecordFormat.Author(start, RecordType.Start, 0, 0, 0);
        RecordFormat.Seal(start, epoch, 0, 0);
        trouble = file!.Write(start, 0) ?? file.Flush() ?? storage.Rename(name, Segment.NameOf(number, epoch)) ?? storage.FlushDirectory();
        if (trouble is not null)
        {
            file.Dispose();
            if (trouble.Status == SpoolStatus.Full)
                storage.Delete(name);
            return trouble;
        }
        _lastNumber = number;
        _prepared.Enqueue(new Segment(number, epoch, options.SegmentSize, file) { End = Segment.StartLength, Durable = Segment.StartLength });
        return null;
    }

    private SpoolTrouble? OpenFree(uint number, ulong epoch, out string name, out IStorageFile? file)
    {
        file = null;
        if (_reusable.TryPop(out name!))
            return storage.Open(name, out file);
        name = Segment.FreeNameOf(number, epoch);
        if (_prepared.Count >= Reserve && storage.FreeBytes - options.SegmentSize < options.MinimumFree)
            return new SpoolTrouble(SpoolStatus.Full, $"less than {options.MinimumFree >> 20} MiB would be free after a new segment");
        return storage.Create(name, options.SegmentSize, out file);
    }
}
