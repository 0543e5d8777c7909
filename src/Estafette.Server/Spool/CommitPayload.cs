using Estafette.Mail;

namespace Estafette.Spool;

/// <summary>The payload of a commit record. What recovery needs of every message stands first and is read without the envelope.</summary>
internal static class CommitPayload
{
    [Flags]
    private enum Bits : byte { None = 0, Held = 1, HasProgress = 2, HasUpdate = 4 }

    /// <summary>Authors the payload into the record that <paramref name="to"/> has begun. Progress is there when the message was moved.</summary>
    public static void Write(RecordBuffer to, Envelope envelope, CommitHead head, SpoolUpdate? with, LoadedMessage? progress)
    {
        to.WriteByte((byte)((head.IsHeld ? Bits.Held : 0) | (progress is null ? 0 : Bits.HasProgress) | (with is null ? 0 : Bits.HasUpdate)));
        to.WriteVarint((uint)envelope.Recipients.Length);
        to.WriteVarint((uint)head.AdjacentOctets);
        to.WriteVarint((uint)head.Extents.Count);
        foreach (BodyExtent extent in head.Extents)
        {
            to.WriteUInt32(extent.Segment);
            to.WriteUInt32((uint)extent.Offset);
            to.WriteVarint((uint)extent.Length);
        }
        if (with is not null)
            ProgressCodec.Write(to, with, null);
        if (progress is not null)
            ProgressCodec.Write(to, new SpoolUpdate(envelope.Id), progress.Progress);
        EnvelopeCodec.Write(to, envelope);
    }

    /// <summary>Reads all but the envelope, at which <paramref name="from"/> stands afterwards.</summary>
    public static CommitHead Read(ref PayloadReader from)
    {
        var bits = (Bits)from.ReadByte();
        int recipients = (int)from.ReadVarint();
        int adjacent = (int)from.ReadVarint();
        var extents = new BodyExtent[from.ReadCount()];
        for (int i = 0; i < extents.Length; i++)
            extents[i] = new BodyExtent(from.ReadUInt32(), (int)from.ReadUInt32(), (int)from.ReadVarint());
        SpoolUpdate? with = bits.HasFlag(Bits.HasUpdate) ? ProgressCodec.Read(ref from, out _) : null;
        SpoolUpdate? progress = bits.HasFlag(Bits.HasProgress) ? ProgressCodec.Read(ref from, out _) : null;
        return new CommitHead(bits.HasFlag(Bits.Held), recipients, adjacent, extents, with, progress);
    }
}

/// <summary>Everything of a commit record but the envelope.</summary>
internal sealed record CommitHead(bool IsHeld, int Recipients, int AdjacentOctets, IReadOnlyList<BodyExtent> Extents, SpoolUpdate? With, SpoolUpdate? Progress)
{
    public int AdjacentLength => AdjacentOctets == 0 ? 0 : RecordFormat.TotalLength(AdjacentOctets);

    /// <summary>All of the body in order, the chunk beside the commit record included.</summary>
    public BodyExtent[] AllExtents(RecordPlace commit)
    {
        var all = new List<BodyExtent>(Extents);
        if (AdjacentOctets > 0)
            all.Add(new BodyExtent(commit.Segment.Number, commit.Offset - AdjacentLength, AdjacentOctets));
        return [.. all];
    }
}
