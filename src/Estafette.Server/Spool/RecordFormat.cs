using System.Buffers.Binary;

namespace Estafette.Spool;

internal enum RecordType : byte
{
    /// <summary>First in every segment; written when the segment is prepared, before anything needs it.</summary>
    Start = 1,

    /// <summary>Second in a segment that took over: where the log ended in the segment before.</summary>
    Join = 2,

    /// <summary>Octets of a body.</summary>
    Chunk = 3,

    /// <summary>The envelope, where the body lies, and an update of another message that becomes durable with it.</summary>
    Commit = 4,

    /// <summary>An update of a waiting message.</summary>
    Progress = 5,

    /// <summary>The log was closed in order: nothing was on its way.</summary>
    Close = 6,
}

/// <summary>What stands before each payload.</summary>
internal readonly record struct RecordHeader(
    RecordType Type, byte Version, byte Flags, int PayloadLength, uint Durable, ulong Epoch, ulong Sequence, ulong Id, uint PayloadCrc)
{
    public int TotalLength => RecordFormat.TotalLength(PayloadLength);
}

/// <summary>
/// The octets of a record, little-endian, as docs/states.md draws them: header (48) with a checksum of its own, payload, padding to eight, trailer (16).
/// Header and payload have separate checksums, so that a damaged payload still tells whose it is; the trailer repeats id and length for a damaged
/// header. The epoch is random for each use of a segment: neither stale records nor octets that a sender forged can be taken for a record.
/// </summary>
internal static class RecordFormat
{
    /// <summary>2 has a recipient's next hop; 1 is read as well.</summary>
    public const byte Version = 2;
    public const int HeaderLength = 48;
    public const int TrailerLength = 16;
    public const int Alignment = 8;
    public const uint Magic = 0x4C505345; // "ESPL"

    /// <summary>Flag of a progress record: the message is finished with it.</summary>
    public const byte FinishesFlag = 1;

    /// <summary>No record is longer: the envelope with the most recipients and the body with the most chunks stay far below.</summary>
    public const int MaxPayload = 256 << 20;

    public static int TotalLength(int payloadLength) => Align(HeaderLength + payloadLength) + TrailerLength;

    public static int Align(int length) => (length + Alignment - 1) & ~(Alignment - 1);

    /// <summary>What the author of a record knows; place and order are added by <see cref="Seal"/>. <paramref name="record"/> is the whole record.</summary>
    public static void Author(Span<byte> record, RecordType type, byte flags, ulong id, int payloadLength)
    {
        record[..HeaderLength].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(record, Magic);
        record[4] = Version;
        record[5] = (byte)type;
        record[6] = flags;
        BinaryPrimitives.WriteInt32LittleEndian(record[8..], payloadLength);
        BinaryPrimitives.WriteUInt64LittleEndian(record[32..], id);
        BinaryPrimitives.WriteUInt32LittleEndian(record[40..], Crc32C.Of(record.Slice(HeaderLength, payloadLength)));
        record[(HeaderLength + payloadLength)..].Clear();
    }

    /// <summary>Makes an authored record valid at its place: epoch, sequence, what was durable when it was written, and the checksums over them.</summary>
    public static void Seal(Span<byte> record, ulong epoch, ulong sequence, uint durable)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(record[12..], durable);
        BinaryPrimitives.WriteUInt64LittleEndian(record[16..], epoch);
        BinaryPrimitives.WriteUInt64LittleEndian(record[24..], sequence);
        BinaryPrimitives.WriteUInt32LittleEndian(record[44..], Crc32C.Of(record[..44]));
        Span<byte> trailer = record[^TrailerLength..];
        record.Slice(32, 8).CopyTo(trailer);
        BinaryPrimitives.WriteInt32LittleEndian(trailer[8..], record.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(trailer[12..], TrailerCrc(trailer, epoch));
    }

    /// <summary>Length of an authored record that begins at the span's start.</summary>
    public static int AuthoredLength(ReadOnlySpan<byte> records) => TotalLength(BinaryPrimitives.ReadInt32LittleEndian(records[8..]));

    /// <summary>Reads a header; false when it is none, is damaged, or belongs to another use of the segment.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> octets, ulong epoch, out RecordHeader header)
    {
        header = default;
        if (octets.Length < HeaderLength || BinaryPrimitives.ReadUInt32LittleEndian(octets) != Magic
            || BinaryPrimitives.ReadUInt64LittleEndian(octets[16..]) != epoch
            || BinaryPrimitives.ReadUInt32LittleEndian(octets[44..]) != Crc32C.Of(octets[..44]))
        {
            return false;
        }
        int length = BinaryPrimitives.ReadInt32LittleEndian(octets[8..]);
        if ((uint)length > MaxPayload)
            return false;
        header = new RecordHeader((RecordType)octets[5], octets[4], octets[6], length, BinaryPrimitives.ReadUInt32LittleEndian(octets[12..]), epoch,
            BinaryPrimitives.ReadUInt64LittleEndian(octets[24..]), BinaryPrimitives.ReadUInt64LittleEndian(octets[32..]),
            BinaryPrimitives.ReadUInt32LittleEndian(octets[40..]));
        return true;
    }

    /// <summary>The payload of a whole record whose header was read; false when damaged.</summary>
    public static bool TryReadPayload(ReadOnlySpan<byte> record, RecordHeader header, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        if (record.Length < HeaderLength + header.PayloadLength)
            return false;
        payload = record.Slice(HeaderLength, header.PayloadLength);
        return Crc32C.Of(payload) == header.PayloadCrc;
    }

    /// <summary>Reads a trailer: id and length of the record that ends with it.</summary>
    public static bool TryReadTrailer(ReadOnlySpan<byte> trailer, ulong epoch, out ulong id, out int length)
    {
        id = 0;
        length = 0;
        if (trailer.Length < TrailerLength)
            return false;
        length = BinaryPrimitives.ReadInt32LittleEndian(trailer[8..]);
        if (length < HeaderLength + TrailerLength || length % Alignment != 0
            || BinaryPrimitives.ReadUInt32LittleEndian(trailer[12..]) != TrailerCrc(trailer, epoch))
        {
            return false;
        }
        id = BinaryPrimitives.ReadUInt64LittleEndian(trailer);
        return true;
    }

    /// <summary>Whether a damaged header still has the marks of one of these types: the odds that a flipped octet made them are small.</summary>
    public static bool LooksLike(ReadOnlySpan<byte> header, ulong epoch, int totalLength, params ReadOnlySpan<RecordType> types)
    {
        int marks = (BinaryPrimitives.ReadUInt32LittleEndian(header) == Magic ? 1 : 0)
            + (BinaryPrimitives.ReadUInt64LittleEndian(header[16..]) == epoch ? 1 : 0)
            + (TotalLength(Math.Clamp(BinaryPrimitives.ReadInt32LittleEndian(header[8..]), 0, MaxPayload)) == totalLength ? 1 : 0);
        return marks >= 2 && types.Contains((RecordType)header[5]);
    }

    private static uint TrailerCrc(ReadOnlySpan<byte> trailer, ulong epoch)
    {
        Span<byte> text = stackalloc byte[20];
        trailer[..12].CopyTo(text);
        BinaryPrimitives.WriteUInt64LittleEndian(text[12..], epoch);
        return Crc32C.Of(text);
    }
}
