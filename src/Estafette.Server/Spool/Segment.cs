using System.Globalization;

namespace Estafette.Spool;

/// <summary>
/// One file of the log. Its name carries number and epoch: a renamed file is a new segment, whatever its old octets say. The writer's thread owns
/// <see cref="End"/> and <see cref="Durable"/>; <see cref="Live"/> and <see cref="Pins"/> belong to the index and its lock.
/// </summary>
internal sealed class Segment(uint number, ulong epoch, int size, IStorageFile file) : IDisposable
{
    private const string Prefix = "seg-", FreePrefix = "free-";

    public uint Number => number;
    public ulong Epoch => epoch;
    public int Size => size;
    public IStorageFile File => file;
    public string Name { get; } = NameOf(number, epoch);

    /// <summary>Where the next record goes.</summary>
    public int End { get; set; }

    /// <summary>Everything before is on the disk.</summary>
    public int Durable { get; set; }

    /// <summary>Octets of records that waiting messages and open writers need.</summary>
    public long Live { get; set; }

    /// <summary>Readers that have the segment open: it may not be reused before they leave.</summary>
    public int Pins { get; set; }

    /// <summary>Length of the start record; a segment that ends here has nothing in it yet.</summary>
    public static int StartLength { get; } = RecordFormat.TotalLength(0);

    public bool IsFresh => End == StartLength;

    public static string NameOf(uint number, ulong epoch) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{number:x8}-{epoch:x16}");

    public static string FreeNameOf(uint number, ulong epoch) => FreePrefix + NameOf(number, epoch)[Prefix.Length..];

    public static bool IsFreeName(string name) => name.StartsWith(FreePrefix, StringComparison.Ordinal);

    public static bool TryParseName(string name, out uint number, out ulong epoch)
    {
        number = 0;
        epoch = 0;
        return name.Length == Prefix.Length + 8 + 1 + 16 && name.StartsWith(Prefix, StringComparison.Ordinal) && name[Prefix.Length + 8] == '-'
            && uint.TryParse(name.AsSpan(Prefix.Length, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number)
            && ulong.TryParse(name.AsSpan(Prefix.Length + 9), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out epoch);
    }

    public void Dispose() => file.Dispose();
}
