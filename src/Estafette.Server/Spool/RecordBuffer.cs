using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Estafette.Spool;

/// <summary>A pooled buffer in which records are authored, one behind the other, to be handed to the log as one piece.</summary>
internal sealed class RecordBuffer(int capacity) : IDisposable
{
    private byte[] _octets = ArrayPool<byte>.Shared.Rent(capacity);
    private int _start;

    public int Length { get; private set; }

    /// <summary>Octets of payload in the record that is being authored.</summary>
    public int PayloadLength => Length - _start - RecordFormat.HeaderLength;

    public ReadOnlySpan<byte> Octets => _octets.AsSpan(0, Length);

    public void Clear() => Length = 0;

    public void BeginRecord()
    {
        _start = Length;
        Reserve(RecordFormat.HeaderLength);
        Length += RecordFormat.HeaderLength;
    }

    /// <summary>Ends the record; returns its whole length.</summary>
    public int EndRecord(RecordType type, byte flags, ulong id)
    {
        int payload = PayloadLength;
        int total = RecordFormat.TotalLength(payload);
        Reserve(_start + total - Length);
        RecordFormat.Author(_octets.AsSpan(_start, total), type, flags, id, payload);
        Length = _start + total;
        return total;
    }

    public void Write(ReadOnlySpan<byte> octets)
    {
        Reserve(octets.Length);
        octets.CopyTo(_octets.AsSpan(Length));
        Length += octets.Length;
    }

    public void WriteByte(byte value)
    {
        Reserve(1);
        _octets[Length++] = value;
    }

    public void WriteUInt32(uint value)
    {
        Reserve(sizeof(uint));
        BinaryPrimitives.WriteUInt32LittleEndian(_octets.AsSpan(Length), value);
        Length += sizeof(uint);
    }

    public void WriteInt64(long value)
    {
        Reserve(sizeof(long));
        BinaryPrimitives.WriteInt64LittleEndian(_octets.AsSpan(Length), value);
        Length += sizeof(long);
    }

    /// <summary>Seven bits an octet, lowest first.</summary>
    public void WriteVarint(uint value)
    {
        while (value >= 0x80)
        {
            WriteByte((byte)(value | 0x80));
            value >>= 7;
        }
        WriteByte((byte)value);
    }

    /// <summary>UTF-8 behind its length plus one; 0 is null.</summary>
    public void WriteString(string? text)
    {
        if (text is null)
        {
            WriteByte(0);
            return;
        }
        int length = Encoding.UTF8.GetByteCount(text);
        WriteVarint((uint)length + 1);
        Reserve(length);
        Length += Encoding.UTF8.GetBytes(text, _octets.AsSpan(Length));
    }

    public void Dispose()
    {
        byte[] octets = _octets;
        _octets = [];
        Length = 0;
        if (octets.Length > 0)
            ArrayPool<byte>.Shared.Return(octets);
    }

    private void Reserve(int count)
    {
        if (_octets.Length - Length >= count)
            return;
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(checked(Length + count), _octets.Length * 2));
        _octets.AsSpan(0, Length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_octets);
        _octets = larger;
    }
}
