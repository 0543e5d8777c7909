using System.Buffers.Binary;
using System.Text;

namespace Estafette.Tables;

internal static class CdbHash
{
    public static uint Of(ReadOnlySpan<byte> key)
    {
        uint hash = 5381;
        foreach (byte b in key)
            hash = ((hash << 5) + hash) ^ b;
        return hash;
    }
}

/// <summary>Writes a constant database: records in the order given, then the 256 tables, then the header that makes the file valid.</summary>
internal static class CdbWriter
{
    /// <summary>Writes to an empty, seekable stream. Throws InvalidDataException past 4 GiB, the format's own limit.</summary>
    public static void Write(Stream output, IEnumerable<KeyValuePair<string, string>> rows)
    {
        var slots = new List<(uint Hash, uint Position)>[256];
        for (int i = 0; i < slots.Length; i++)
            slots[i] = [];
        Span<byte> pair = stackalloc byte[8];
        output.Write(new byte[CdbFile.HeaderSize]);
        long position = CdbFile.HeaderSize;
        foreach ((string key, string value) in rows)
        {
            byte[] keyBytes = Encoding.UTF8.GetBytes(key);
            byte[] valueBytes = Encoding.UTF8.GetBytes(value);
            uint hash = CdbHash.Of(keyBytes);
            slots[hash & 255].Add((hash, Offset(position)));
            Pair(pair, (uint)keyBytes.Length, (uint)valueBytes.Length);
            output.Write(pair);
            output.Write(keyBytes);
            output.Write(valueBytes);
            position += 8L + keyBytes.Length + valueBytes.Length;
        }
        byte[] header = new byte[CdbFile.HeaderSize];
        for (int i = 0; i < slots.Length; i++)
        {
            byte[] table = Table(slots[i]);
            Pair(header.AsSpan(8 * i), Offset(position), (uint)(table.Length / 8));
            output.Write(table);
            position += table.Length;
        }
        Offset(position);
        output.Position = 0;
        output.Write(header);
    }

    /// <summary>Twice as many slots as entries, filled from the hash's own place on.</summary>
    private static byte[] Table(List<(uint Hash, uint Position)> entries)
    {
        int count = entries.Count * 2;
        byte[] table = new byte[8 * count];
        foreach ((uint hash, uint position) in entries)
        {
            int slot = (int)((hash >> 8) % (uint)count);
            while (BinaryPrimitives.ReadUInt32LittleEndian(table.AsSpan(8 * slot + 4)) != 0)
                slot = (slot + 1) % count;
            Pair(table.AsSpan(8 * slot), hash, position);
        }
        return table;
    }

    private static void Pair(Span<byte> target, uint first, uint second)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target, first);
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], second);
    }

    private static uint Offset(long position) =>
        position <= uint.MaxValue ? (uint)position : throw new InvalidDataException("a constant database holds at most 4 GiB");
}
