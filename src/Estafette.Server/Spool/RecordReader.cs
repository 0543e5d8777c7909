using System.Buffers;
using System.Collections.Immutable;
using Estafette.Mail;

namespace Estafette.Spool;

/// <summary>
/// Reads single records at known places. Reads are plain calls: mostly from the page cache, at worst one chunk from the disk. Damage is an
/// <see cref="InvalidDataException"/>; whoever asks sets the message aside.
/// </summary>
internal static class RecordReader
{
    /// <summary>The whole record in a rented buffer, checked; <paramref name="payload"/> is the part that counts.</summary>
    public static byte[] Rent(RecordPlace place, ulong id, out Memory<byte> payload)
    {
        byte[] octets = ArrayPool<byte>.Shared.Rent(place.Length);
        try
        {
            Span<byte> record = octets.AsSpan(0, place.Length);
            int count = place.Segment.File.Read(record, place.Offset);
            if (count < place.Length || !RecordFormat.TryReadHeader(record, place.Segment.Epoch, out RecordHeader header) || header.Id != id
                || header.TotalLength != place.Length || !RecordFormat.TryReadPayload(record, header, out _))
            {
                throw new InvalidDataException($"The record at {place.Offset} of {place.Segment.Name} is damaged.");
            }
            payload = octets.AsMemory(RecordFormat.HeaderLength, header.PayloadLength);
            return octets;
        }
        catch (IOException exception)
        {
            ArrayPool<byte>.Shared.Return(octets);
            throw new InvalidDataException($"The record at {place.Offset} of {place.Segment.Name} cannot be read.", exception);
        }
        catch (InvalidDataException)
        {
            ArrayPool<byte>.Shared.Return(octets);
            throw;
        }
    }

    public static CommitHead ReadCommit(RecordPlace place, ulong id, out Envelope envelope)
    {
        byte[] octets = Rent(place, id, out Memory<byte> payload);
        try
        {
            var reader = new PayloadReader(payload.Span);
            CommitHead head = CommitPayload.Read(ref reader);
            envelope = EnvelopeCodec.Read(ref reader);
            return head;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(octets);
        }
    }

    /// <summary>Envelope and progress of a message; <paramref name="chain"/> are its progress records, oldest first.</summary>
    public static LoadedMessage Load(RecordPlace commit, ulong id, IEnumerable<RecordPlace> chain)
    {
        CommitHead head = ReadCommit(commit, id, out Envelope envelope);
        ImmutableArray<RecipientProgress> progress = ProgressRules.Fresh(envelope.Recipients.Length);
        if (head.Progress is not null)
            progress = ProgressRules.Apply(progress, head.Progress);
        foreach (RecordPlace place in chain)
            progress = ProgressRules.Apply(progress, ReadUpdate(place, id));
        return new LoadedMessage(envelope, progress);
    }

    /// <summary>A progress record, or the update that the commit record of another message carries.</summary>
    private static SpoolUpdate ReadUpdate(RecordPlace place, ulong id)
    {
        Span<byte> start = stackalloc byte[RecordFormat.HeaderLength];
        place.Segment.File.Read(start, place.Offset);
        if (!RecordFormat.TryReadHeader(start, place.Segment.Epoch, out RecordHeader header))
            throw new InvalidDataException($"The record at {place.Offset} of {place.Segment.Name} is damaged.");
        byte[] octets = Rent(place, header.Id, out Memory<byte> payload);
        try
        {
            var reader = new PayloadReader(payload.Span);
            SpoolUpdate? update = header.Type == RecordType.Commit ? CommitPayload.Read(ref reader).With : ProgressCodec.Read(ref reader, out _);
            return update is not null && update.Id.Value == id
                ? update
                : throw new InvalidDataException($"The record at {place.Offset} of {place.Segment.Name} is about another message.");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(octets);
        }
    }
}
