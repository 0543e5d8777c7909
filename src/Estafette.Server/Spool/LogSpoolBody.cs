using System.Buffers;

namespace Estafette.Spool;

/// <summary>A body in the log. Holds one chunk in memory, checked; its segments are pinned until it is disposed.</summary>
internal sealed class LogSpoolBody : SpoolBody
{
    private readonly ulong _id;
    private readonly RecordPlace[] _chunks;
    private readonly long[] _starts;
    private readonly Action _unpin;
    private readonly Func<ValueTask> _setAside;
    private readonly Lock _gate = new();
    private byte[]? _loaded;
    private Memory<byte> _payload;
    private int _current = -1;
    private bool _disposed;

    /// <param name="id">Whose body it is.</param>
    /// <param name="chunks">Chunk records in order.</param>
    /// <param name="lengths">Octets of body in each.</param>
    /// <param name="unpin">Called once, at the end.</param>
    /// <param name="setAside">Called where a chunk is damaged.</param>
    public LogSpoolBody(ulong id, RecordPlace[] chunks, IEnumerable<int> lengths, Action unpin, Func<ValueTask> setAside)
    {
        _id = id;
        _chunks = chunks;
        _starts = new long[chunks.Length];
        _unpin = unpin;
        _setAside = setAside;
        int chunk = 0;
        foreach (int length in lengths)
        {
            _starts[chunk++] = Length;
            Length += length;
        }
    }

    public override long Length { get; }

    public override async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        try
        {
            return Read(offset, buffer.Span);
        }
        catch (InvalidDataException)
        {
            await _setAside();
            throw;
        }
    }

    /// <summary>Reads the only chunk of a small body, so that damage shows when the body is opened.</summary>
    public void CheckSmall()
    {
        lock (_gate)
        {
            if (_chunks.Length == 1)
                Load(0);
        }
    }

    protected override void Dispose(bool disposing)
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            if (_loaded is not null)
                ArrayPool<byte>.Shared.Return(_loaded);
            _loaded = null;
        }
        _unpin();
    }

    private int Read(long offset, Span<byte> buffer)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            int total = 0;
            while (total < buffer.Length && offset + total < Length)
            {
                int chunk = Array.BinarySearch(_starts, offset + total);
                Load(chunk < 0 ? ~chunk - 1 : chunk);
                ReadOnlySpan<byte> rest = _payload.Span[(int)(offset + total - _starts[_current])..];
                int count = Math.Min(rest.Length, buffer.Length - total);
                rest[..count].CopyTo(buffer[total..]);
                total += count;
            }
            return total;
        }
    }

    private void Load(int chunk)
    {
        if (chunk == _current)
            return;
        _current = -1;
        if (_loaded is not null)
            ArrayPool<byte>.Shared.Return(_loaded);
        _loaded = null;
        _loaded = RecordReader.Rent(_chunks[chunk], _id, out _payload);
        _current = chunk;
    }
}
