using System.Buffers;

namespace Estafette.Spool;

/// <summary>A stretch of a segment that is no valid record. <paramref name="Type"/> and <paramref name="Id"/> where they can still be read.</summary>
internal readonly record struct BadStretch(Segment Segment, int Offset, int Length, ulong? Id, RecordType? Type, byte Flags)
{
    public bool Touches(Segment segment, int offset, int length) =>
        ReferenceEquals(segment, Segment) && offset < Offset + Length && Offset < offset + length;
}

/// <summary>
/// Reads one segment from front to end, record by record, and finds the way again behind damage. Memory is one window, at least as long as the longest record.
/// </summary>
internal sealed class LogScanner : IDisposable
{
    private const int Window = 256 << 10;
    private readonly Segment _segment;
    private readonly int _limit;
    private readonly int _fileLength;
    private byte[] _window = ArrayPool<byte>.Shared.Rent(Window);
    private int _windowStart;
    private int _windowLength;
    private ulong _lastSequence;

    /// <param name="segment">What to read.</param>
    /// <param name="limit">Where the log ends in it, when that is known.</param>
    public LogScanner(Segment segment, int? limit)
    {
        _segment = segment;
        _fileLength = (int)segment.File.Length;
        _limit = Math.Min(limit ?? int.MaxValue, _fileLength);
        IsLimitKnown = limit is not null;
        ExpectedEnd = limit ?? 0;
    }

    public delegate void RecordFound(RecordHeader header, int offset, ReadOnlySpan<byte> payload);

    public bool IsLimitKnown { get; }
    public int ExpectedEnd { get; }

    /// <summary>Behind the last valid record.</summary>
    public int End { get; private set; }

    /// <summary>What the records say was durable at their time: damage before it hit something that was acknowledged.</summary>
    public int ProvenDurable { get; private set; }

    public ulong LastSequence => _lastSequence;

    public bool EndsWithClose { get; private set; }

    public long Records { get; private set; }

    /// <summary>A record of a version this program does not know, with a valid checksum.</summary>
    public byte? NewerVersion { get; private set; }

    public List<BadStretch> Bad { get; } = [];

    public void Run(RecordFound found)
    {
        int position = 0;
        while (position < _limit)
        {
            if (TryHeader(position, out RecordHeader header))
            {
                Accept(position, header, found);
                position += header.TotalLength;
                continue;
            }
            int next = FindNext(position + RecordFormat.Alignment);
            if (next < 0)
            {
                NoteTail(position);
                return;
            }
            AddBad(position, next - position);
            position = next;
        }
        if (IsLimitKnown && ExpectedEnd > position)
            AddBad(position, ExpectedEnd - position);
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_window);

    private void Accept(int position, RecordHeader header, RecordFound found)
    {
        _lastSequence = header.Sequence;
        ProvenDurable = Math.Max(ProvenDurable, (int)header.Durable);
        if (header.Version > RecordFormat.Version)
            NewerVersion = header.Version;
        EndsWithClose = false;
        if (!RecordFormat.TryReadPayload(View(position, header.TotalLength), header, out ReadOnlySpan<byte> payload))
        {
            Bad.Add(new BadStretch(_segment, position, header.TotalLength, header.Id, header.Type, header.Flags));
            return;
        }
        EndsWithClose = header.Type == RecordType.Close;
        End = position + header.TotalLength;
        Records++;
        found(header, position, payload);
    }

    private bool TryHeader(int position, out RecordHeader header) =>
        RecordFormat.TryReadHeader(View(position, RecordFormat.HeaderLength), _segment.Epoch, out header)
        && (header.Sequence > _lastSequence || position == 0) && header.TotalLength <= _segment.Size - position;

    /// <summary>The next valid header; -1 when there is none up to the end.</summary>
    private int FindNext(int position)
    {
        ReadOnlySpan<byte> magic = "ESPL"u8;
        while (position < _limit)
        {
            ReadOnlySpan<byte> view = View(position, Math.Min(Window, _limit - position));
            int hit = view.IndexOf(magic);
            if (hit < 0)
            {
                // The magic may straddle the views.
                if (view.Length < Window)
                    return -1;
                position += view.Length - RecordFormat.Alignment;
                continue;
            }
            position += hit;
            if (position % RecordFormat.Alignment == 0 && TryHeader(position, out _))
                return position;
            position++;
        }
        return -1;
    }

    /// <summary>No valid record follows: the end of the log, unless it is known to go on or something was begun here.</summary>
    private void NoteTail(int position)
    {
        if (IsLimitKnown)
        {
            AddBad(position, ExpectedEnd - position);
            return;
        }
        int begun = LengthOfBegun(position);
        if (begun > 0)
            AddBad(position, begun);
    }

    /// <summary>How much of a record that is not valid lies here: by its magic and epoch, or by a trailer that points back. 0: nothing was begun.</summary>
    private int LengthOfBegun(int position)
    {
        int written = FindWritten(position);
        if (written < 0)
            return 0;
        for (int at = Math.Max(position + RecordFormat.HeaderLength, RecordFormat.Align(written) - RecordFormat.TrailerLength); at + RecordFormat.TrailerLength <= _limit; at += RecordFormat.Alignment)
        {
            if (RecordFormat.TryReadTrailer(View(at, RecordFormat.TrailerLength), _segment.Epoch, out _, out int length)
                && length <= at + RecordFormat.TrailerLength - position)
            {
                return at + RecordFormat.TrailerLength - position;
            }
        }
        ReadOnlySpan<byte> rest = View(position, RecordFormat.HeaderLength);
        Span<byte> epoch = stackalloc byte[sizeof(ulong)];
        BitConverter.TryWriteBytes(epoch, _segment.Epoch);
        return rest.StartsWith("ESPL"u8) && rest.Length >= 24 && rest[16..24].SequenceEqual(epoch) ? rest.Length : 0;
    }

    /// <summary>The first octet that is not zero, as fresh room is; -1 when there is none.</summary>
    private int FindWritten(int position)
    {
        while (position < _limit)
        {
            ReadOnlySpan<byte> view = View(position, Math.Min(Window, _limit - position));
            int hit = view.IndexOfAnyExcept((byte)0);
            if (hit >= 0)
                return position + hit;
            if (view.IsEmpty)
                return -1;
            position += view.Length;
        }
        return -1;
    }

    /// <summary>Notes a bad stretch; trailers in it tell whose records it held.</summary>
    private void AddBad(int start, int length)
    {
        int position = start;
        int end = start + length;
        for (int at = start; at + RecordFormat.TrailerLength <= Math.Min(end, _limit); at += RecordFormat.Alignment)
        {
            if (!RecordFormat.TryReadTrailer(View(at, RecordFormat.TrailerLength), _segment.Epoch, out ulong id, out int record)
                || at + RecordFormat.TrailerLength - record < start)
            {
                continue;
            }
            int until = at + RecordFormat.TrailerLength;
            Bad.Add(new BadStretch(_segment, position, until - position, id, null, 0));
            position = until;
        }
        if (position < end)
            Bad.Add(new BadStretch(_segment, position, end - position, null, null, 0));
    }

    /// <summary>Up to <paramref name="length"/> octets from there; fewer at the end of the file.</summary>
    private ReadOnlySpan<byte> View(int position, int length)
    {
        length = Math.Max(0, Math.Min(length, _fileLength - position));
        if (position < _windowStart || position + length > _windowStart + _windowLength)
        {
            if (_window.Length < length)
            {
                ArrayPool<byte>.Shared.Return(_window);
                _window = ArrayPool<byte>.Shared.Rent(length);
            }
            _windowStart = position;
            _windowLength = _segment.File.Read(_window, position);
            length = Math.Min(length, _windowLength);
        }
        return _window.AsSpan(position - _windowStart, length);
    }
}
