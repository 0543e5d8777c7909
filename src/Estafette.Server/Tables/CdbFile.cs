using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Estafette.Tables;

/// <summary>
/// Reads a constant database (D. J. Bernstein's cdb: 256 hash tables, 32-bit little-endian offsets), as makemap and cdb(1) write it. The
/// file is replaced by rename, never changed, so an open one stays valid; every offset is checked, so a damaged one is an IOException and
/// never a wrong read. The handle goes with the last reader.
/// </summary>
internal sealed class CdbFile
{
    public const int HeaderSize = 2048;

    /// <summary>Longest key or value that is taken out of a file.</summary>
    public const int MaximumItem = 1 << 20;

    /// <summary>Null where the file was handed over whole.</summary>
    private readonly SafeFileHandle? _handle;
    private readonly ReadOnlyMemory<byte> _content;
    private readonly long _length;
    private readonly byte[] _header;

    /// <summary>Its writer counted a closing NUL as part of the text (<c>postmap -N</c>).</summary>
    private readonly bool _endsWithNul;

    private CdbFile(SafeFileHandle handle, long length, byte[] header)
    {
        _handle = handle;
        _length = length;
        _header = header;
        _endsWithNul = FirstKeyEndsWithNul();
    }

    private CdbFile(ReadOnlyMemory<byte> content)
    {
        _content = content;
        _length = content.Length;
        _header = content[..HeaderSize].ToArray();
        _endsWithNul = FirstKeyEndsWithNul();
    }

    /// <summary>Opens a file, or <paramref name="content"/> where its octets are known already; the failure tells a person what is wrong with it.</summary>
    public static bool TryOpen(string path, ReadOnlyMemory<byte>? content, [NotNullWhen(true)] out CdbFile? file, out string failure)
    {
        if (content is not { } octets)
            return TryOpen(path, out file, out failure);
        ReadOnlySpan<byte> header = octets.Span[..Math.Min(HeaderSize, octets.Length)];
        file = IsHeader(header, octets.Length) ? new CdbFile(octets) : null;
        failure = file is null ? NoDatabase(path, header) : "";
        return file is not null;
    }

    /// <summary>Opens a file; the failure tells a person what is wrong with it.</summary>
    public static bool TryOpen(string path, [NotNullWhen(true)] out CdbFile? file, out string failure)
    {
        file = null;
        failure = "";
        SafeFileHandle? handle = null;
        try
        {
            handle = Config.RegularFile.Open(path);
            long length = RandomAccess.GetLength(handle);
            byte[] header = new byte[HeaderSize];
            int read = ReadUpTo(handle, header, 0);
            if (!IsHeader(header.AsSpan(0, read), length))
                failure = NoDatabase(path, header.AsSpan(0, read));
            else
                file = new CdbFile(handle, length, header);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            failure = e.Message;
        }
        if (file is null)
            handle?.Dispose();
        return file is not null;
    }

    private bool FirstKeyEndsWithNul()
    {
        Span<byte> start = stackalloc byte[8];
        if (_length <= HeaderSize + start.Length || !TryRead(start, HeaderSize))
            return false;
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(start);
        Span<byte> last = stackalloc byte[1];
        return length is > 0 and <= MaximumItem && TryRead(last, HeaderSize + 7 + length) && last[0] == 0 && Pointers().Min() > HeaderSize;
    }

    private IEnumerable<uint> Pointers() => Enumerable.Range(0, 256).Select(i => Pointer(i).Position);

    public string? Get(string key)
    {
        byte[] wanted = Encoding.UTF8.GetBytes(_endsWithNul ? key + '\0' : key);
        uint hash = CdbHash.Of(wanted);
        (uint table, uint slots) = Pointer((int)(hash & 255));
        if (slots == 0)
            return null;
        Span<byte> slot = stackalloc byte[8];
        for (uint i = 0, at = (hash >> 8) % slots; i < slots; i++, at = at + 1 == slots ? 0 : at + 1)
        {
            Read(slot, table + 8L * at);
            uint position = BinaryPrimitives.ReadUInt32LittleEndian(slot[4..]);
            if (position == 0)
                return null;
            if (BinaryPrimitives.ReadUInt32LittleEndian(slot) == hash && RecordAt(position, wanted) is { } value)
                return value;
        }
        return null;
    }

    public IEnumerable<KeyValuePair<string, string>> All()
    {
        long end = Pointers().Min();
        byte[] lengths = new byte[8];
        for (long position = HeaderSize; position < end;)
        {
            Read(lengths, position);
            (int keyLength, int valueLength) = Lengths(lengths);
            byte[] item = new byte[keyLength + valueLength];
            Read(item, position + 8);
            position += 8 + item.Length;
            yield return KeyValuePair.Create(Text(item.AsSpan(0, keyLength)), Text(item.AsSpan(keyLength)));
        }
    }

    private string? RecordAt(long position, ReadOnlySpan<byte> wanted)
    {
        Span<byte> lengths = stackalloc byte[8];
        Read(lengths, position);
        (int keyLength, int valueLength) = Lengths(lengths);
        if (keyLength != wanted.Length)
            return null;
        byte[] item = ArrayPool<byte>.Shared.Rent(keyLength + valueLength);
        try
        {
            Span<byte> bytes = item.AsSpan(0, keyLength + valueLength);
            Read(bytes, position + 8);
            return bytes[..keyLength].SequenceEqual(wanted) ? Text(bytes[keyLength..]) : null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(item);
        }
    }

    /// <summary>A trailing NUL, which some writers count as part of the text, is none for us.</summary>
    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes.TrimEnd((byte)0));

    private static (int Key, int Value) Lengths(ReadOnlySpan<byte> bytes)
    {
        uint key = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        if (key > MaximumItem || value > MaximumItem)
            throw new IOException("constant database is damaged");
        return ((int)key, (int)value);
    }

    private (uint Position, uint Slots) Pointer(int index) =>
        (BinaryPrimitives.ReadUInt32LittleEndian(_header.AsSpan(8 * index)), BinaryPrimitives.ReadUInt32LittleEndian(_header.AsSpan(8 * index + 4)));

    private void Read(Span<byte> buffer, long position)
    {
        if (!TryRead(buffer, position))
            throw new IOException("constant database is cut off");
    }

    private bool TryRead(Span<byte> buffer, long position)
    {
        if (position + buffer.Length > _length || (_handle is not null && ReadUpTo(_handle, buffer, position) < buffer.Length))
            return false;
        if (_handle is null)
            _content.Span.Slice((int)position, buffer.Length).CopyTo(buffer);
        return true;
    }

    private static string NoDatabase(string path, ReadOnlySpan<byte> header) => IsBerkeley(header)
        ? $"{path}: a Berkeley database, which is not read"
        : IsLightning(header) ? $"{path}: a Lightning database, which is not read"
        : $"{path}: not a constant database";

    private static int ReadUpTo(SafeFileHandle handle, Span<byte> buffer, long position)
    {
        int total = 0;
        while (total < buffer.Length)
        {
            int read = RandomAccess.Read(handle, buffer[total..], position + total);
            if (read == 0)
                break;
            total += read;
        }
        return total;
    }

    private static bool IsHeader(ReadOnlySpan<byte> header, long length)
    {
        if (header.Length < HeaderSize)
            return false;
        for (int i = 0; i < 256; i++)
        {
            long position = BinaryPrimitives.ReadUInt32LittleEndian(header[(8 * i)..]);
            long slots = BinaryPrimitives.ReadUInt32LittleEndian(header[(8 * i + 4)..]);
            if (position < HeaderSize || position + 8 * slots > length)
                return false;
        }
        return true;
    }

    private static bool IsBerkeley(ReadOnlySpan<byte> header) =>
        header.Length >= 16 && (IsMagic(header) || IsMagic(header[12..]));

    private static bool IsLightning(ReadOnlySpan<byte> header) => header.Length >= 20 && BinaryPrimitives.ReadUInt32LittleEndian(header[16..]) == 0xbeefc0de;

    private static bool IsMagic(ReadOnlySpan<byte> bytes) =>
        BinaryPrimitives.ReadUInt32LittleEndian(bytes) is 0x00061561 or 0x00053162 or 0x61150600 or 0x62310500;
}
