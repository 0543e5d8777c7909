namespace Estafette.Program.Submission;

/// <summary>Cuts a stream into lines that keep their end. A line longer than the buffer comes in pieces; only the last one ends in LF.</summary>
internal sealed class LineReader(Stream input)
{
    private readonly byte[] _buffer = new byte[64 << 10];
    private int _start;
    private int _end;

    /// <summary>The next line or piece, valid until the next call; empty at the end.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> NextAsync(CancellationToken cancellationToken)
    {
        int searched = _start;
        while (true)
        {
            int at = _buffer.AsSpan(searched, _end - searched).IndexOf((byte)'\n');
            if (at >= 0)
                return Take(searched + at + 1 - _start);
            searched = _end;
            if (_end == _buffer.Length)
            {
                if (_start == 0)
                    return Take(_end);
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                searched -= _start;
                _end -= _start;
                _start = 0;
            }
            int read = await input.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
            if (read == 0)
                return Take(_end - _start);
            _end += read;
        }
    }

    private ReadOnlyMemory<byte> Take(int length)
    {
        ReadOnlyMemory<byte> line = _buffer.AsMemory(_start, length);
        _start += length;
        return line;
    }
}
