using Estafette.Mail;

namespace Estafette.Spool;

/// <summary>
/// Builds the index from the records of the log, in order. Of progress only "done" and "due" are kept, and only while the log is read; a record
/// about a message that is not known is about one that was finished, and is passed over.
/// </summary>
internal sealed class LogReplay(SpoolIndex index, Func<uint, Segment?> find, Func<BodyExtent, bool> isBad)
{
    private const long Done = long.MaxValue;

    /// <summary>Due ticks of each recipient of messages that have several.</summary>
    private readonly Dictionary<ulong, long[]> _due = [];
    private readonly HashSet<ulong> _finishedUnseen = [];
    private readonly HashSet<ulong> _incomplete = [];

    /// <summary>From here on, messages that are finished without having been seen are remembered: damage may have hidden them.</summary>
    public bool HasSeenDamage { get; set; }

    /// <summary>Messages whose body lies in segments that are not there.</summary>
    public IReadOnlyCollection<ulong> Incomplete => _incomplete;

    /// <summary>A message that the damage hid was finished later anyway.</summary>
    public bool WasFinishedUnseen(ulong id) => _finishedUnseen.Contains(id);

    public void Apply(Segment segment, RecordHeader header, int offset, ReadOnlySpan<byte> payload)
    {
        var place = new RecordPlace(segment, offset, header.TotalLength);
        var reader = new PayloadReader(payload);
        switch (header.Type)
        {
            case RecordType.Commit:
                ApplyCommit(header.Id, place, CommitPayload.Read(ref reader));
                break;
            case RecordType.Progress:
                SpoolUpdate update = ProgressCodec.Read(ref reader, out bool isWhole);
                ApplyUpdate(update, place, isWhole);
                if (HasSeenDamage && (header.Flags & RecordFormat.FinishesFlag) != 0)
                    _finishedUnseen.Add(header.Id);
                break;
            default:
                break;
        }
    }

    private void ApplyCommit(ulong id, RecordPlace place, CommitHead head)
    {
        var chunks = new List<RecordPlace>(head.Extents.Count);
        bool complete = true;
        foreach (BodyExtent extent in head.Extents)
        {
            if (find(extent.Segment) is { } segment)
                chunks.Add(new RecordPlace(segment, extent.Offset, extent.RecordLength));
            else
                complete = false;
        }
        // A copy that did not reach the disk whole, or was damaged there: the first one is still in place.
        if (index.Find(id) is not null && (!complete || (HasSeenDamage && head.AllExtents(place).Any(isBad))))
            return;
        if (complete)
            _incomplete.Remove(id);
        else
            _incomplete.Add(id);
        BodyShare[]? elsewhere = BodyShares.Of(chunks);
        long[] due = new long[head.Recipients];
        if (head.Progress is not null)
            Enter(due, head.Progress);
        if (index.Find(id) is { } known)
        {
            known.IsHeld = head.IsHeld;
            index.Move(known, place, head.AdjacentLength, elsewhere);
            index.Reschedule(known, due.Min());
        }
        else
        {
            index.Add(new IndexEntry
            {
                Id = id,
                Commit = place,
                AdjacentLength = head.AdjacentLength,
                Elsewhere = elsewhere,
                IsHeld = head.IsHeld,
                DueTicks = due.Min(),
            });
        }
        if (due.Length > 1)
            _due[id] = due;
        if (head.With is not null)
            ApplyUpdate(head.With, place, isWhole: false);
    }

    private void ApplyUpdate(SpoolUpdate update, RecordPlace place, bool isWhole)
    {
        if (index.Find(update.Id.Value) is not { } entry)
            return;
        if (!_due.TryGetValue(entry.Id, out long[]? due))
            due = [entry.DueTicks];
        Enter(due, update);
        long earliest = due.Min();
        if (update.Remove || earliest == Done)
        {
            index.Remove(entry);
            _due.Remove(entry.Id);
            _incomplete.Remove(entry.Id);
            return;
        }
        entry.IsHeld = update.Held ?? entry.IsHeld;
        index.AddProgress(entry, place, isWhole);
        index.Reschedule(entry, earliest);
    }

    private static void Enter(long[] due, SpoolUpdate update)
    {
        foreach ((int recipient, RecipientProgress progress) in update.Progress)
            due[recipient] = progress.IsDone ? Done : progress.Due.UtcTicks;
    }
}
