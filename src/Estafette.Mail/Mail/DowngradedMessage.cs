using System.Buffers;

namespace Estafette.Mail;

/// <summary>Reads the converted message from front to end, chunk by chunk.</summary>
public sealed class DowngradedMessage : IDisposable
{
    private const int ChunkSize = 16 * 1024;

    private readonly OctetReader _message;
    private readonly ArrayBufferWriter<byte> _converted = new(ChunkSize);
    private readonly MimeWalker _walker;
    private byte[]? _chunk = ArrayPool<byte>.Shared.Rent(ChunkSize);
    private long _offset;
    private int _given;
    private bool _completed;

    public DowngradedMessage(OctetReader message, DowngradePlan plan)
    {
        _message = message;
        _walker = new MimeWalker(new MimeRewriter(plan.Encodings, _converted));
    }

    /// <summary>0 at the end.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_chunk is null, this);
        while (_given == _converted.WrittenCount && !_completed)
        {
            _converted.ResetWrittenCount();
            _given = 0;
            int read = await _message(_offset, _chunk.AsMemory(0, ChunkSize), cancellationToken);
            _offset += read;
            if (read > 0)
                _walker.Push(_chunk.AsSpan(0, read));
            else
            {
                _walker.Complete();
                _completed = true;
            }
        }
        ReadOnlyMemory<byte> rest = _converted.WrittenMemory[_given..];
        int length = Math.Min(rest.Length, buffer.Length);
        rest[..length].CopyTo(buffer);
        _given += length;
        return length;
    }

    public void Dispose()
    {
        if (_chunk is { } chunk)
            ArrayPool<byte>.Shared.Return(chunk);
        _chunk = null;
    }
}
