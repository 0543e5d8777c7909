using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Estafette.Mail;

/// <summary>What tells one state of a file from another; all zero for a file that is not there. Times are in ticks since 1970.</summary>
public readonly record struct WatchStamp(ulong Device, ulong Inode, long Size, long Modified, long Changed);

/// <summary>A file that a configuration names, and its state when it was last read.</summary>
public sealed record WatchedPath(string Path, WatchStamp Stamp);

/// <summary>
/// The list of files that are looked at for changes, as the compile step writes it for the privileged side (DESIGN 6): a mark, then one line a file, five numbers and
/// the path in xtext (RFC 3461 s4). It holds no content of any file.
/// </summary>
public static class WatchList
{
    /// <summary>Files of one list; those beyond it wait for a reload.</summary>
    public const int MaximumFiles = 1000;

    /// <summary>Octets of the file.</summary>
    public const int MaximumSize = 8 << 20;

    private const string Mark = "estafette-watch 1";

    public static byte[] Encode(IEnumerable<WatchedPath> files)
    {
        var output = new ArrayBufferWriter<byte>();
        output.Write(Encoding.ASCII.GetBytes(Mark + "\n"));
        foreach (WatchedPath file in files.Take(MaximumFiles))
        {
            WatchStamp stamp = file.Stamp;
            string line = string.Create(
                CultureInfo.InvariantCulture, $"{stamp.Device} {stamp.Inode} {stamp.Size} {stamp.Modified} {stamp.Changed} ={LocalProtocol.Xtext(file.Path)}\n");
            output.Write(Encoding.ASCII.GetBytes(line));
        }
        return output.WrittenSpan.ToArray();
    }

    /// <summary>False for anything that <see cref="Encode"/> did not write.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> octets, out ImmutableArray<WatchedPath> files)
    {
        files = [];
        if (octets.Length > MaximumSize || !Ascii.IsValid(octets) || octets.IsEmpty || octets[^1] != (byte)'\n')
            return false;
        string[] lines = Encoding.ASCII.GetString(octets[..^1]).Split('\n');
        if (lines[0] != Mark || lines.Length - 1 > MaximumFiles)
            return false;
        var found = ImmutableArray.CreateBuilder<WatchedPath>(lines.Length - 1);
        foreach (string line in lines.AsSpan(1))
        {
            string[] parts = line.Split(' ');
            if (parts.Length != 6 || !parts[5].StartsWith('=')
                || !ulong.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out ulong device)
                || !ulong.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong inode)
                || !TryNumber(parts[2], out long size) || !TryNumber(parts[3], out long modified) || !TryNumber(parts[4], out long changed)
                || !LocalProtocol.TryDecodeXtext(Encoding.ASCII.GetBytes(parts[5][1..]), out string path))
                return false;
            found.Add(new WatchedPath(path, new WatchStamp(device, inode, size, modified, changed)));
        }
        files = found.ToImmutable();
        return true;
    }

    private static bool TryNumber(string text, out long value) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
}
