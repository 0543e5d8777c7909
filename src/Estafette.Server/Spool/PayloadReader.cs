using System.Buffers.Binary;
using System.Text;

namespace Estafette.Spool;

/// <summary>
/// Reads what <see cref="RecordBuffer"/> wrote. The payload's checksum was right, so anything malformed is a bug or a machine that
/// corrupts memory: <see cref="InvalidDataException"/>.
/// </summary>
internal ref struct PayloadReader(ReadOnlySpan<byte> payload)
{
    private ReadOnlySpan<byte> _rest = payload;

    public readonly int Remaining => _rest.Length;

    public ReadOnlySpan<byte> ReadOctets(int count)
    {
        if ((uint)count > (uint)_rest.Length)
            throw new InvalidDataException("A spool record ends too early.");
        ReadOnlySpan<byte> octets = _rest[..count];
        _rest = _rest[count..];
        return octets;
    }

    public byte ReadByte() => ReadOctets(1)[0];

    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(ReadOctets(sizeof(uint)));

    public long ReadInt64() => BinaryPrimitives.ReadInt64LittleEndian(ReadOctets(sizeof(long)));

    public uint ReadVarint()
    {
        uint value = 0;
        for (int shift = 0; shift < 35; shift += 7)
        {
            byte octet = ReadByte();
            value |= (uint)(octet & 0x7F) << shift;
            if (octet < 0x80)
                return value;
        }
        throw new InvalidDataException("A number in a spool record is too long.");
    }

    /// <summary>A count of things that take at least one octet each.</summary>
    public int ReadCount()
    {
        uint count = ReadVarint();
        if (count > (uint)_rest.Length)
            throw new InvalidDataException("A count in a spool record is too large.");
        return (int)count;
    }

    public string? ReadString()
    {
        uint length = ReadVarint();
        if (length == 0)
            return null;
        if (length - 1 > (uint)_rest.Length)
            throw new InvalidDataException("A text in a spool record is too long.");
        return Encoding.UTF8.GetString(ReadOctets((int)(length - 1)));
    }

    public string ReadText() => ReadString() ?? "";
}
