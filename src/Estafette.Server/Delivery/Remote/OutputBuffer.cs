using System.Buffers;

namespace Estafette.Delivery.Remote;

/// <summary>What waits to be sent on one connection, in one pooled array, so that commands and body leave together. Gives a large array back when empty.</summary>
internal sealed class OutputBuffer : IBufferWriter<byte>, IDisposable
{
    private const int KeptSize = 16 * 1024;
    private byte[] _array = [];
    private bool _heldSecret;

    public int Length { get; private set; }
    public ReadOnlyMemory<byte> Written => _array.AsMemory(0, Length);

    public void Advance(int count) => Length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _array.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public void Truncate(int length) => Length = length;

    public void Clear()
    {
        Length = 0;
        if (_array.Length > KeptSize)
            Release();
    }

    public void Dispose() => Release();

    private void Reserve(int room)
    {
        if (_array.Length - Length >= room)
            return;
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(Length + room, 1024));
        _array.AsSpan(0, Length).CopyTo(larger);
        Release();
        _array = larger;
    }

    private void Release()
    {
        // Commands of an AUTH exchange passed through it: the next user of the array must not find them.
        if (_array.Length > 0)
            ArrayPool<byte>.Shared.Return(_array, clearArray: _heldSecret);
        _heldSecret = false;
        _array = [];
    }

    /// <summary>Marks what is written now as secret: it is wiped once sent.</summary>
    public void MarkSecret() => _heldSecret = true;

    /// <summary>Forgets a secret that was sent.</summary>
    public void WipeSecret()
    {
        if (!_heldSecret)
            return;
        Array.Clear(_array);
        _heldSecret = false;
    }
}
