using System.Buffers.Binary;
using Estafette.Mail;

namespace Estafette.Spool;

/// <summary>
/// Reads the whole log when the spool is opened. Nothing is changed before all of it has been read and understood (E59). A bad stretch at the end that no
/// record proves to have been durable is a torn write and is cut; any other is damage: its message is set aside and named, the rest recovers.
/// </summary>
internal sealed class LogRecovery(ISpoolStorage storage, LogSpoolOptions options, SpoolIndex index)
{
    /// <summary>Sequences that are passed over after a cut, so that nothing behind the cut is ever taken for newer.</summary>
    private const ulong SequenceGap = 1 << 20;
    private readonly List<Segment> _segments = [];
    private readonly Dictionary<uint, Segment> _byNumber = [];
    private readonly List<string> _free = [];
    private readonly List<string> _useless = [];
    private readonly List<(BadStretch Bad, bool IsTorn)> _bad = [];
    private readonly List<DamagedRecord> _damaged = [];
    private LogReplay _replay = null!;
    private ulong _sequence;
    private long _records;
    private int _lastData = -1;
    private LogScanner? _last;
    private LogScanner? _scanning;
    private SpoolTrouble? _refusal;

    /// <summary>Messages that were set aside and must be removed from the log.</summary>
    public List<IndexEntry> SetAside { get; } = [];

    public LogEnd End { get; private set; }

    public TornTail? TornTail { get; private set; }

    /// <summary>Null when the log was understood; else why it cannot be opened.</summary>
    public SpoolTrouble? Run()
    {
        _replay = new LogReplay(index, number => _byNumber.GetValueOrDefault(number), IsBad);
        if (OpenAll() is { } trouble)
            return trouble;
        for (int i = 0; i < _segments.Count && _refusal is null; i++)
            Scan(i);
        if (_refusal is not null)
            return _refusal;
        Judge();
        // What was read may have been written by a process that died before its flush: now it is relied on.
        return _lastData >= 0 ? _segments[_lastData].File.Flush() : null;
    }

    /// <summary>Hands the segments over; files that are of no use are deleted.</summary>
    public void HandOver(SegmentStore store)
    {
        Segment[] fresh = [.. _segments.Skip(_lastData + 1).Where(segment => segment.IsFresh && segment.Size == options.SegmentSize)];
        foreach (Segment segment in _segments.Skip(_lastData + 1).Except(fresh))
        {
            segment.Dispose();
            _useless.Add(segment.Name);
        }
        foreach (string name in _useless)
            storage.Delete(name);
        uint lastNumber = _segments.Count == 0 ? 0 : _segments[^1].Number;
        store.Restore(_segments.Take(_lastData + 1), fresh, _free, lastNumber, _lastData >= 0 && EndedInOrder);
    }

    public RecoveryReport Report(TimeSpan duration) => new()
    {
        Messages = index.Count,
        Records = _records,
        Duration = duration,
        TornTail = TornTail,
        Damaged = [.. _damaged],
    };

    public void CloseFiles()
    {
        foreach (Segment segment in _segments)
            segment.Dispose();
    }

    private bool EndedInOrder => _last is { EndsWithClose: true } && TornTail is null && _bad.Count == 0;

    private SpoolTrouble? OpenAll()
    {
        var found = new List<(uint Number, ulong Epoch, StoredFile File)>();
        foreach (StoredFile file in storage.List())
        {
            if (Segment.TryParseName(file.Name, out uint number, out ulong epoch))
                found.Add((number, epoch, file));
            else if (Segment.IsFreeName(file.Name))
                (file.Length == options.SegmentSize && _free.Count < options.ReusableSegments ? _free : _useless).Add(file.Name);
        }
        foreach ((uint number, ulong epoch, StoredFile stored) in found.OrderBy(one => one.Number))
        {
            if (storage.Open(stored.Name, out IStorageFile? file) is { } trouble)
                return trouble;
            var segment = new Segment(number, epoch, (int)Math.Min(stored.Length, int.MaxValue), file!);
            if (!_byNumber.TryAdd(number, segment))
            {
                segment.Dispose();
                return new SpoolTrouble(SpoolStatus.Unhealthy, $"two segments have the number {number:x8}; remove the one that does not belong there");
            }
            _segments.Add(segment);
        }
        return null;
    }

    private void Scan(int i)
    {
        Segment segment = _segments[i];
        int? limit = i + 1 < _segments.Count ? LimitFromNext(segment, _segments[i + 1]) : null;
        using var scanner = new LogScanner(segment, limit);
        _scanning = scanner;
        scanner.Run((header, offset, payload) =>
        {
            _replay.HasSeenDamage |= _bad.Count > 0 || scanner.Bad.Count > 0;
            if (header.Version <= RecordFormat.Version)
                _replay.Apply(segment, header, offset, payload);
        });
        if (scanner.NewerVersion is { } version)
        {
            _refusal = new SpoolTrouble(SpoolStatus.Unhealthy,
                $"{segment.Name} was written by a newer version (records of version {version}, this program knows {RecordFormat.Version})");
        }
        segment.End = limit ?? scanner.End;
        segment.Durable = segment.End;
        _sequence = Math.Max(_sequence, scanner.LastSequence);
        _records += scanner.Records;
        if (scanner.Records > 1 || limit is not null)
        {
            // A segment that is followed by one with data was flushed before that began: all that is bad in it is damage.
            for (int k = 0; k < _bad.Count; k++)
                _bad[k] = (_bad[k].Bad, false);
            _lastData = i;
            _last = scanner;
        }
        foreach (BadStretch bad in scanner.Bad)
        {
            bool proven = limit is not null || bad.Offset < scanner.ProvenDurable || scanner.EndsWithClose;
            _bad.Add((bad, !proven && bad.Offset >= scanner.End));
        }
    }

    /// <summary>Whether a chunk, which always comes before the commit record that names it, was found bad.</summary>
    private bool IsBad(BodyExtent extent) =>
        _byNumber.GetValueOrDefault(extent.Segment) is not { } segment
        || _scanning!.Bad.Any(bad => bad.Touches(segment, extent.Offset, extent.RecordLength))
        || _bad.Any(one => one.Bad.Touches(segment, extent.Offset, extent.RecordLength));

    /// <summary>What the join record of the following segment says of the end of this one.</summary>
    private static int? LimitFromNext(Segment segment, Segment next)
    {
        int total = RecordFormat.TotalLength(2 * sizeof(uint));
        Span<byte> join = stackalloc byte[total];
        if (next.File.Read(join, Segment.StartLength) < total || !RecordFormat.TryReadHeader(join, next.Epoch, out RecordHeader header)
            || header.Type != RecordType.Join || !RecordFormat.TryReadPayload(join, header, out ReadOnlySpan<byte> payload)
            || BinaryPrimitives.ReadUInt32LittleEndian(payload) != segment.Number)
        {
            return null;
        }
        return BinaryPrimitives.ReadInt32LittleEndian(payload[sizeof(uint)..]);
    }

    private void Judge()
    {
        foreach ((BadStretch bad, bool isTorn) in _bad)
        {
            if (isTorn)
                Cut(bad);
            else
                JudgeDamage(bad);
        }
        foreach (ulong id in _replay.Incomplete)
        {
            if (index.Find(id) is { } entry)
                SetMessageAside(entry, new BadStretch(entry.Commit.Segment, entry.Commit.Offset, entry.Commit.Length, id, RecordType.Commit, 0));
        }
        Segment? last = _lastData >= 0 ? _segments[_lastData] : null;
        End = new LogEnd(last, last?.End ?? 0, EndedInOrder ? _sequence : _sequence + SequenceGap);
    }

    private void Cut(BadStretch bad)
    {
        long end = bad.Offset + (long)bad.Length;
        TornTail = TornTail is { } torn && torn.Segment == bad.Segment.Name
            ? torn with { Octets = end - torn.Offset }
            : new TornTail(bad.Segment.Name, bad.Offset, bad.Length, IdOf(bad), Evidence.PlaceName(bad));
        Evidence.SavePlace(storage, bad);
    }

    private void JudgeDamage(BadStretch bad)
    {
        bool anyTouched = false;
        foreach (IndexEntry entry in Candidates(bad))
        {
            if (!IsBodyTouched(entry, bad))
                continue;
            anyTouched = true;
            SetMessageAside(entry, bad);
        }
        // A stretch of several records may hide a message of which nothing else tells.
        bool isOneRecord = bad.Type is not null || IsOneRecord(bad);
        if (anyTouched && isOneRecord)
            return;
        bool isLost = isOneRecord
            ? bad.Id is { } id and not 0 && MayBeCommit(bad) && index.Find(id) is null && !_replay.WasFinishedUnseen(id)
            : bad.Offset + bad.Length > Segment.StartLength;
        if (Evidence.SavePlace(storage, bad))
            _damaged.Add(new DamagedRecord(bad.Segment.Name, bad.Offset, bad.Length, IdOf(bad), isLost, Evidence.PlaceName(bad)));
    }

    private IndexEntry[] Candidates(BadStretch bad) => bad.Id is { } id
        ? index.Find(id) is { } entry ? [entry] : []
        : [.. index.Entries.Where(entry => SpoolIndex.SegmentsOf(entry).Contains(bad.Segment))];

    private static bool IsBodyTouched(IndexEntry entry, BadStretch bad)
    {
        try
        {
            CommitHead head = RecordReader.ReadCommit(entry.Commit, entry.Id, out _);
            return head.AllExtents(entry.Commit).Any(extent =>
                extent.Segment == bad.Segment.Number && bad.Touches(bad.Segment, extent.Offset, extent.RecordLength));
        }
        catch (InvalidDataException)
        {
            return true;
        }
    }

    private void SetMessageAside(IndexEntry entry, BadStretch bad)
    {
        var id = new MessageId(entry.Id);
        try
        {
            CommitHead head = RecordReader.ReadCommit(entry.Commit, entry.Id, out Envelope envelope);
            Evidence.SaveMessage(storage, envelope, head.AllExtents(entry.Commit), number => _byNumber.GetValueOrDefault(number));
        }
        catch (InvalidDataException)
        {
            Evidence.SavePlace(storage, bad);
        }
        index.Remove(entry);
        SetAside.Add(entry);
        _damaged.Add(new DamagedRecord(bad.Segment.Name, bad.Offset, bad.Length, id, true, Evidence.MessageName(id)));
    }

    private static bool IsOneRecord(BadStretch bad)
    {
        Span<byte> trailer = stackalloc byte[RecordFormat.TrailerLength];
        return bad.Length >= trailer.Length
            && bad.Segment.File.Read(trailer, bad.Offset + bad.Length - trailer.Length) == trailer.Length
            && RecordFormat.TryReadTrailer(trailer, bad.Segment.Epoch, out _, out int length) && length == bad.Length;
    }

    /// <summary>With the header damaged its type octet is still a hint, where most of the header stands; what is not ruled out counts as a message.</summary>
    private static bool MayBeCommit(BadStretch bad)
    {
        if (bad.Type is { } known)
            return known == RecordType.Commit;
        Span<byte> start = stackalloc byte[RecordFormat.HeaderLength];
        return bad.Segment.File.Read(start, bad.Offset) < start.Length
            || !RecordFormat.LooksLike(start, bad.Segment.Epoch, bad.Length, RecordType.Chunk, RecordType.Progress);
    }

    private static MessageId? IdOf(BadStretch bad) => bad.Id is { } id and not 0 ? new MessageId(id) : null;
}
