using System.Collections.Immutable;
using Estafette.Mail;

namespace Estafette.Spool;

/// <summary>
/// The waiting messages in memory: by id, by due time, and what they need of each segment. Everything here is done under <see cref="Gate"/>, briefly
/// and without input or output.
/// </summary>
internal sealed class SpoolIndex(TimeProvider clock)
{
    private readonly Dictionary<uint, IndexEntry> _entries = [];
    private readonly Dictionary<uint, LogSpoolWriter> _writers = [];
    private readonly DueHeap<IndexEntry> _due = new();
    private readonly MessageIdSource _ids = new(clock);

    public Lock Gate { get; } = new();

    public int Count => _entries.Count;

    public long? NextDue => _due.First?.DueTicks;

    public IEnumerable<IndexEntry> Entries => _entries.Values;

    public IndexEntry? Find(ulong id) => _entries.TryGetValue((uint)id, out IndexEntry? entry) && entry.Id == id ? entry : null;

    public LogSpoolWriter? FindWriter(ulong id) => _writers.TryGetValue((uint)id, out LogSpoolWriter? writer) && writer.Id.Value == id ? writer : null;

    public LogSpoolWriter Open(Func<MessageId, LogSpoolWriter> create)
    {
        MessageId id = _ids.Next(low => _entries.ContainsKey(low) || _writers.ContainsKey(low));
        LogSpoolWriter writer = create(id);
        _writers.Add((uint)id.Value, writer);
        return writer;
    }

    public void Close(LogSpoolWriter writer) => _writers.Remove((uint)writer.Id.Value);

    /// <summary>Takes a committed message in, or its copy at a new place when it waits already (it was moved).</summary>
    public void Add(IndexEntry entry)
    {
        _entries[(uint)entry.Id] = entry;
        CountNeeds(entry, 1);
        Schedule(entry);
    }

    /// <summary>A message whose records were copied: the old places are needed no more.</summary>
    public void Move(IndexEntry entry, RecordPlace commit, int adjacentLength, BodyShare[]? elsewhere)
    {
        CountNeeds(entry, -1);
        entry.Commit = commit;
        entry.AdjacentLength = adjacentLength;
        entry.Elsewhere = elsewhere;
        entry.Progress = default;
        entry.EarlierProgress = null;
        entry.Version++;
        CountNeeds(entry, 1);
    }

    /// <summary>A progress record that has become durable; <paramref name="isWhole"/> ends the need for earlier ones.</summary>
    public void AddProgress(IndexEntry entry, RecordPlace place, bool isWhole)
    {
        if (isWhole)
        {
            CountProgress(entry, -1);
            entry.EarlierProgress = null;
        }
        else if (entry.Progress.Segment is not null)
        {
            (entry.EarlierProgress ??= []).Add(entry.Progress);
        }
        entry.Progress = place;
        place.Segment.Live += place.Length;
        entry.Version++;
    }

    /// <summary>Applies an update whose record is durable and what it made of the recipients.</summary>
    public void Apply(IndexEntry entry, SpoolUpdate update, ImmutableArray<RecipientProgress> progress)
    {
        entry.Version++;
        entry.IsHeld = update.Held ?? entry.IsHeld;
        entry.IsLeased &= !update.Release;
        if (update.Remove || ProgressRules.IsFinished(progress))
        {
            Remove(entry);
            return;
        }
        if (entry.Loaded is { } loaded)
            loaded.Progress = progress;
        Reschedule(entry, ProgressRules.DueTicks(progress));
    }

    public void Reschedule(IndexEntry entry, long dueTicks)
    {
        _due.Remove(entry);
        entry.DueTicks = dueTicks;
        Schedule(entry);
    }

    public void Remove(IndexEntry entry)
    {
        if (entry.IsGone)
            return;
        entry.IsGone = true;
        entry.Version++;
        _due.Remove(entry);
        _entries.Remove((uint)entry.Id);
        CountNeeds(entry, -1);
    }

    /// <summary>Leases the message that is due first; null when none is due by then.</summary>
    public IndexEntry? LeaseNext(long nowTicks)
    {
        if (_due.First is not { } first || first.DueTicks > nowTicks)
            return null;
        _due.Remove(first);
        first.IsLeased = true;
        return first;
    }

    /// <summary>Gives up what is in memory of a message that nobody works on.</summary>
    public static void Unload(IndexEntry entry)
    {
        if (entry.Loaded is { Users: 0 } && (!entry.IsLeased || entry.IsGone))
            entry.Loaded = null;
    }

    /// <summary>Every segment that has something of the message, each at least once.</summary>
    public static List<Segment> SegmentsOf(IndexEntry entry)
    {
        var segments = new List<Segment>(2) { entry.Commit.Segment };
        if (entry.Elsewhere is not null)
            segments.AddRange(entry.Elsewhere.Select(share => share.Segment));
        if (entry.Progress.Segment is { } newest)
            segments.Add(newest);
        if (entry.EarlierProgress is not null)
            segments.AddRange(entry.EarlierProgress.Select(place => place.Segment));
        return segments;
    }

    private void Schedule(IndexEntry entry)
    {
        if (!entry.IsLeased && !entry.IsHeld && !entry.IsGone)
            _due.Add(entry);
    }

    private static void CountNeeds(IndexEntry entry, int sign)
    {
        entry.Commit.Segment.Live += sign * (entry.Commit.Length + entry.AdjacentLength);
        if (entry.Elsewhere is not null)
        {
            foreach (BodyShare share in entry.Elsewhere)
                share.Segment.Live += sign * share.Octets;
        }
        CountProgress(entry, sign);
    }

    private static void CountProgress(IndexEntry entry, int sign)
    {
        if (entry.Progress.Segment is { } newest)
            newest.Live += sign * entry.Progress.Length;
        if (entry.EarlierProgress is null)
            return;
        foreach (RecordPlace place in entry.EarlierProgress)
            place.Segment.Live += sign * place.Length;
    }
}
