namespace Estafette.Spool;

/// <summary>Sums chunks up by segment.</summary>
internal static class BodyShares
{
    public static BodyShare[]? Of(IReadOnlyCollection<RecordPlace> chunks) =>
        chunks.Count == 0 ? null : [.. chunks.GroupBy(chunk => chunk.Segment, (segment, all) => new BodyShare(segment, all.Sum(chunk => (long)chunk.Length)))];
}
