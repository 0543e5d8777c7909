using System.Buffers;
using Estafette.Mail;

namespace Estafette.Spool;

/// <summary>
/// Copies what a message has in one segment to the end of the log: chunks first, then a commit record with the progress of that moment. A change of the message
/// that comes in between makes the copy void; the next round tries again.
/// </summary>
internal static class MessageMove
{
    public static async ValueTask RunAsync(LogSpool spool, SegmentStore segments, SpoolIndex index, IndexEntry entry, Segment from)
    {
        if (spool.Acquire(new MessageId(entry.Id)) is not { } loaded)
            return;
        var copies = new List<RecordPlace>();
        try
        {
            RecordPlace commit;
            int version;
            lock (index.Gate)
            {
                if (entry.IsGone)
                    return;
                commit = entry.Commit;
                version = entry.Version;
            }
            CommitHead head = RecordReader.ReadCommit(commit, entry.Id, out _);
            BodyExtent[] extents = head.AllExtents(commit);
            using var operation = new MoveOperation(index, entry, loaded, version);
            if (extents.Length == 1 && head.AdjacentOctets > 0)
            {
                operation.AuthorAdjacent(PlaceOf(from: commit.Segment, extents[0]), head.AdjacentOctets);
            }
            else
            {
                if (!await CopyChunksAsync(spool, index, entry.Id, extents, from, commit, copies))
                    return;
                operation.Author(extents, index, segments);
            }
            await spool.SubmitAsync(operation);
        }
        catch (InvalidDataException)
        {
            await spool.SetAsideAsync(entry);
        }
        finally
        {
            lock (index.Gate)
            {
                foreach (RecordPlace copy in copies)
                    copy.Segment.Live -= copy.Length;
            }
            spool.Release(entry, loaded);
        }
    }

    /// <summary>The same for a message that is still being received.</summary>
    public static async ValueTask RunAsync(LogSpool spool, SpoolIndex index, LogSpoolWriter writer, Segment from)
    {
        RecordPlace[] chunks;
        lock (index.Gate)
            chunks = [.. writer.MovableChunks(from)];
        foreach (RecordPlace chunk in chunks)
        {
            using var copy = new ChunkCopy(writer.Id.Value, chunk);
            if (!copy.IsReadable || await spool.SubmitAsync(copy) != SpoolStatus.Ok)
                return;
            lock (index.Gate)
            {
                writer.TryMove(chunk, copy.Target);
                copy.Target.Segment.Live -= copy.Target.Length;
            }
        }
    }

    private static async ValueTask<bool> CopyChunksAsync(
        LogSpool spool, SpoolIndex index, ulong id, BodyExtent[] extents, Segment from, RecordPlace commit, List<RecordPlace> copies)
    {
        for (int i = 0; i < extents.Length; i++)
        {
            if (extents[i].Segment != from.Number)
                continue;
            using var copy = new ChunkCopy(id, PlaceOf(from, extents[i]));
            if (!copy.IsReadable)
                throw new InvalidDataException($"A chunk of message {new MessageId(id)} beside {commit.Offset} is damaged.");
            if (await spool.SubmitAsync(copy) != SpoolStatus.Ok)
                return false;
            lock (index.Gate)
                copies.Add(copy.Target);
            extents[i] = new BodyExtent(copy.Target.Segment.Number, copy.Target.Offset, extents[i].Length);
        }
        return true;
    }

    private static RecordPlace PlaceOf(Segment from, BodyExtent extent) => new(from, extent.Offset, extent.RecordLength);

    /// <summary>One chunk once more. It counts as needed from the moment it is written; whoever asked for it ends that.</summary>
    private sealed class ChunkCopy : LogOperation, IDisposable
    {
        public ChunkCopy(ulong id, RecordPlace source)
        {
            Records = new RecordBuffer(source.Length);
            try
            {
                CopyInto(Records, id, source);
                IsReadable = true;
            }
            catch (InvalidDataException)
            {
                IsReadable = false;
            }
        }

        public bool IsReadable { get; }
        public RecordPlace Target => new(Segment, Offset, Records.Length);
        public override RecordBuffer Records { get; }
        public override bool NeedsFlush => false;
        public override bool MayUseReserve => true;

        public override void Apply() => Segment.Live += Records.Length;

        public void Dispose() => Records.Dispose();

        public static void CopyInto(RecordBuffer to, ulong id, RecordPlace source)
        {
            byte[] octets = RecordReader.Rent(source, id, out Memory<byte> payload);
            to.BeginRecord();
            to.Write(payload.Span);
            to.EndRecord(RecordType.Chunk, 0, id);
            ArrayPool<byte>.Shared.Return(octets);
        }
    }

    private sealed class MoveOperation(SpoolIndex index, IndexEntry entry, LoadedMessage loaded, int version) : LogOperation, IDisposable
    {
        private const int UsualLength = 16 << 10;
        private BodyShare[]? _elsewhere;
        private int _adjacentLength;
        private int _commitLength;

        public override RecordBuffer Records { get; } = new(UsualLength);
        public override bool NeedsFlush => false;
        public override bool MayUseReserve => true;

        public void AuthorAdjacent(RecordPlace chunk, int octets)
        {
            ChunkCopy.CopyInto(Records, entry.Id, chunk);
            _adjacentLength = Records.Length;
            AuthorCommit([], octets);
        }

        public void Author(BodyExtent[] extents, SpoolIndex gate, SegmentStore segments)
        {
            lock (gate.Gate)
                _elsewhere = BodyShares.Of([.. extents.Select(extent => new RecordPlace(segments.Find(extent.Segment)!, extent.Offset, extent.RecordLength))]);
            AuthorCommit(extents, 0);
        }

        /// <summary>Valid only if nothing happened to the message since it was read, and nothing is on its way.</summary>
        public override SpoolStatus Prepare() =>
            entry.IsGone || loaded.HasPending || entry.Version != version ? SpoolStatus.Unknown : SpoolStatus.Ok;

        public override void Apply() =>
            index.Move(entry, new RecordPlace(Segment, Offset + _adjacentLength, _commitLength), _adjacentLength, _elsewhere);

        public void Dispose() => Records.Dispose();

        private void AuthorCommit(BodyExtent[] extents, int adjacentOctets)
        {
            Records.BeginRecord();
            CommitPayload.Write(Records, loaded.Envelope,
                new CommitHead(entry.IsHeld, loaded.Envelope.Recipients.Length, adjacentOctets, extents, null, null), null, loaded);
            _commitLength = Records.EndRecord(RecordType.Commit, 0, entry.Id);
        }
    }
}
