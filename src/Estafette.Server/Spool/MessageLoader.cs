using Estafette.Mail;

namespace Estafette.Spool;

/// <summary>A message whose segments may not be reused for the moment.</summary>
internal sealed record PinnedMessage(IndexEntry Entry, RecordPlace Commit, List<Segment> Segments);

/// <summary>Brings waiting messages from the log into memory, outside the index' lock, and lets them go again when nobody works on them.</summary>
internal sealed class MessageLoader(SpoolIndex index)
{
    /// <summary>The message in memory, marked as in use until <see cref="Release"/>; null when it is unknown or <paramref name="damaged"/>.</summary>
    public LoadedMessage? Acquire(MessageId id, out IndexEntry? damaged)
    {
        damaged = null;
        while (true)
        {
            IndexEntry? entry;
            lock (index.Gate)
            {
                entry = index.Find(id.Value);
                if (entry is null)
                    return null;
                if (entry.Loaded is { } there)
                {
                    there.Users++;
                    return there;
                }
            }
            if (!TryLoad(entry))
            {
                damaged = entry;
                return null;
            }
        }
    }

    public void Release(IndexEntry entry, LoadedMessage loaded)
    {
        lock (index.Gate)
        {
            loaded.Users--;
            SpoolIndex.Unload(entry);
        }
    }

    /// <summary>Reads envelope and progress and keeps them with the entry. True also where the message changed meanwhile; false where it is damaged.</summary>
    public bool TryLoad(IndexEntry entry)
    {
        RecordPlace commit;
        RecordPlace[] chain;
        List<Segment> pinned;
        int version;
        lock (index.Gate)
        {
            if (entry.IsGone)
                return true;
            commit = entry.Commit;
            chain = entry.Progress.Segment is null ? [] : [.. entry.EarlierProgress ?? [], entry.Progress];
            version = entry.Version;
            pinned = SpoolIndex.SegmentsOf(entry);
            foreach (Segment segment in pinned)
                segment.Pins++;
        }
        LoadedMessage? loaded = null;
        try
        {
            loaded = RecordReader.Load(commit, entry.Id, chain);
        }
        catch (InvalidDataException)
        {
            // Told below, unless the message changed meanwhile.
        }
        lock (index.Gate)
        {
            foreach (Segment segment in pinned)
                segment.Pins--;
            if (entry.Version != version)
                return true;
            if (loaded is not null)
                entry.Loaded ??= loaded;
            return loaded is not null;
        }
    }

    /// <summary>Holds the message's segments where they are until <see cref="Unpin"/>; null when it is unknown.</summary>
    public PinnedMessage? Pin(MessageId id)
    {
        lock (index.Gate)
        {
            if (index.Find(id.Value) is not { } entry)
                return null;
            List<Segment> segments = SpoolIndex.SegmentsOf(entry);
            foreach (Segment segment in segments)
                segment.Pins++;
            return new PinnedMessage(entry, entry.Commit, segments);
        }
    }

    public void Unpin(PinnedMessage pinned)
    {
        lock (index.Gate)
        {
            foreach (Segment segment in pinned.Segments)
                segment.Pins--;
        }
    }
}
