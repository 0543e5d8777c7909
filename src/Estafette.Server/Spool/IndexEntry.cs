using System.Collections.Immutable;
using Estafette.Mail;

namespace Estafette.Spool;

/// <summary>A whole record in a segment.</summary>
internal readonly record struct RecordPlace(Segment Segment, int Offset, int Length);

/// <summary>Part of a body: a chunk record by segment number and offset, and the octets of body in it.</summary>
internal readonly record struct BodyExtent(uint Segment, int Offset, int Length)
{
    public int RecordLength => RecordFormat.TotalLength(Length);
}

/// <summary>How much of a segment a message's body needs, where it is not beside the commit record.</summary>
internal readonly record struct BodyShare(Segment Segment, long Octets);

/// <summary>
/// What is kept in memory of a waiting message: about a hundred octets that say where the rest is. <see cref="Loaded"/> is there only while the message
/// is leased or being changed. All of it belongs to the index and its lock.
/// </summary>
internal sealed class IndexEntry : DueEntry
{
    public RecordPlace Commit { get; set; }

    /// <summary>Length of the chunk record right before the commit record that belongs to it; 0 when there is none.</summary>
    public int AdjacentLength { get; set; }

    public BodyShare[]? Elsewhere { get; set; }

    /// <summary>The newest record with progress; <c>default</c> when the commit record says all.</summary>
    public RecordPlace Progress { get; set; }

    /// <summary>Progress records before it that still count, oldest first.</summary>
    public List<RecordPlace>? EarlierProgress { get; set; }

    public LoadedMessage? Loaded { get; set; }

    /// <summary>Counts changes, so that whoever read without the lock sees that it must read again.</summary>
    public int Version { get; set; }

    public bool IsLeased { get; set; }
    public bool IsHeld { get; set; }

    /// <summary>Finished or removed.</summary>
    public bool IsGone { get; set; }
}

/// <summary>A message in memory while somebody works on it.</summary>
internal sealed class LoadedMessage(Envelope envelope, ImmutableArray<RecipientProgress> progress)
{
    public Envelope Envelope => envelope;
    public ImmutableArray<RecipientProgress> Progress { get; set; } = progress;

    /// <summary>Progress with everything that is in the log but not flushed yet; only the writer's thread looks at it.</summary>
    public ImmutableArray<RecipientProgress>? Pending { get; set; }

    public bool? PendingHeld { get; set; }

    /// <summary>A change on its way finishes the message.</summary>
    public bool IsPendingGone { get; set; }

    public bool HasPending => Pending is not null;

    /// <summary>Operations under way.</summary>
    public int Users { get; set; }
}
