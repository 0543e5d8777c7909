namespace Estafette.Spool;

/// <summary>Where the log spool lives and how much room it takes.</summary>
public sealed record LogSpoolOptions
{
    public required string Directory { get; init; }

    /// <summary>Octets of one segment. On a small file system segments are smaller: never more than 1/<see cref="SmallDiskParts"/> of it.</summary>
    public int SegmentSize { get; init; } = 32 << 20;

    /// <summary>Segments that stand ready to take over. The last one is for progress, so that mail leaves a full disk.</summary>
    public int PreparedSegments { get; init; } = 2;

    /// <summary>Segments with nothing alive that are kept for reuse; more are deleted.</summary>
    public int ReusableSegments { get; init; } = 4;

    /// <summary>New mail is refused while the file system has less free space.</summary>
    public long MinimumFree { get; init; } = 100L << 20;

    /// <summary>How often free space is looked at.</summary>
    public TimeSpan SpaceCheckInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Octets of a body that a writer gathers before they go to the log; also the memory a reception takes at most.</summary>
    public int ChunkSize { get; init; } = (64 << 10) - 256;

    /// <summary>Octets written without a flush, so that one huge body does not make everybody's next commit wait for all of it.</summary>
    public int MaxUnflushed { get; init; } = 16 << 20;

    /// <summary>An old segment's live messages are copied out when the log is larger than this many times what is alive...</summary>
    public double CleaningFactor { get; init; } = 2.0;

    /// <summary>... and than this many segments.</summary>
    public int CleaningSlack { get; init; } = 4;

    /// <summary>Told of each damaged message that is found while the spool runs; what opening found stands in its report.</summary>
    public Action<DamagedRecord>? DamageFound { get; init; }

    internal const int SmallDiskParts = 32;
    internal const int SmallestSegment = 64 << 10;

    internal LogSpoolOptions For(long totalBytes)
    {
        int segment = (int)Math.Min(SegmentSize, Math.Max(1 << 20, totalBytes / SmallDiskParts));
        segment = Math.Max(SmallestSegment, RecordFormat.Align(segment));
        return this with
        {
            SegmentSize = segment,
            ChunkSize = Math.Clamp(ChunkSize, 1 << 10, segment / 4),
            PreparedSegments = Math.Max(PreparedSegments, SegmentStore.Reserve + 1),
            MinimumFree = Math.Min(MinimumFree, totalBytes / 10),
        };
    }
}
