using System.Collections.Immutable;
using Estafette.Mail;

namespace Estafette.Spool;

/// <summary>
/// Where accepted messages wait, body and envelope together. Only Queue talks to it. The promise of DESIGN 4.1 lives here: when
/// <see cref="ISpoolWriter.CommitAsync"/> or <see cref="RecordAsync"/> says <see cref="SpoolStatus.Ok"/>, the disk has it.
/// Failure is an answer, not an exception; after a failed flush the spool is unhealthy for good and says why.
/// </summary>
public interface ISpool : IAsyncDisposable
{
    /// <summary>Null when healthy; else one cheap line for the log and the operator. Reception answers 451 or 452 while it is set.</summary>
    SpoolTrouble? Trouble { get; }

    /// <summary>Messages that wait, leased ones included.</summary>
    int Count { get; }

    /// <summary>Starts a new message under a fresh id. Nothing is visible or kept until the writer commits.</summary>
    ISpoolWriter Begin();

    /// <summary>
    /// Makes progress durable. All updates of one call become durable together or not at all; a message whose recipients are all
    /// done is finished: its index entry goes and its space is reclaimed.
    /// </summary>
    ValueTask<SpoolStatus> RecordAsync(SpoolUpdate update, CancellationToken cancellationToken);

    /// <summary>Opens the body of a waiting message. Null when the id is unknown or its record is damaged (it is then under <c>corrupt/</c>).</summary>
    ValueTask<SpoolBody?> OpenBodyAsync(MessageId id, CancellationToken cancellationToken);

    /// <summary>
    /// Takes up to <paramref name="max"/> messages whose next attempt is due, oldest due time first, and leases them to the caller: they are
    /// not given out again until <see cref="RecordAsync"/> with <see cref="SpoolUpdate.Release"/> or a restart.
    /// </summary>
    ValueTask<IReadOnlyList<SpooledMessage>> LeaseDueAsync(DateTimeOffset now, int max, CancellationToken cancellationToken);

    /// <summary>The earliest due time of a message that is neither leased nor held; null when there is none.</summary>
    DateTimeOffset? NextDue { get; }

    /// <summary>Every waiting message, in no order, for listings. A snapshot that tolerates change meanwhile.</summary>
    IAsyncEnumerable<SpooledMessage> ScanAsync(CancellationToken cancellationToken);

    /// <summary>One waiting message; null when unknown.</summary>
    ValueTask<SpooledMessage?> FindAsync(MessageId id, CancellationToken cancellationToken);
}

/// <summary>A message on its way into the spool. Disposing without a commit aborts it.</summary>
public interface ISpoolWriter : IAsyncDisposable
{
    MessageId Id { get; }
    long Length { get; }

    /// <summary>Appends octets of the body. The memory may be reused when the task ends. Not durable yet.</summary>
    ValueTask<SpoolStatus> WriteAsync(ReadOnlyMemory<byte> octets, CancellationToken cancellationToken);

    /// <summary>
    /// Makes the message durable (held, and then never leased, where <see cref="Envelope.Hold"/> says so), and with it (in the same record, all or nothing) <paramref name="with"/>: "new bounce + old message finished"
    /// is one commit. A new message is leased to the caller when <paramref name="lease"/> is true.
    /// <paramref name="envelope"/> must carry this writer's id.
    /// </summary>
    ValueTask<SpoolStatus> CommitAsync(Envelope envelope, bool lease, SpoolUpdate? with, CancellationToken cancellationToken);
}

public enum SpoolStatus : byte
{
    Ok,

    /// <summary>No room: answer 452, try again later; nothing was kept.</summary>
    Full,

    /// <summary>The disk failed: answer 451; nothing is promised about this call, everything promised before still holds.</summary>
    Unhealthy,

    /// <summary>The id is not known: the message was finished or removed meanwhile.</summary>
    Unknown,

    /// <summary>The daemon is stopping: answer 421. Said by the queue's intake, never by a spool.</summary>
    Stopping,
}

/// <summary>Why the spool does not take mail at the moment.</summary>
public sealed record SpoolTrouble(SpoolStatus Status, string Reason);

/// <summary>A waiting message: its envelope and how far each recipient has come (same order, same length as the recipients).</summary>
public sealed record SpooledMessage(Envelope Envelope, ImmutableArray<RecipientProgress> Progress, bool Held);

/// <summary>A change to one waiting message.</summary>
public sealed record SpoolUpdate(MessageId Id)
{
    /// <summary>Index into the recipients, and what is known of each now.</summary>
    public ImmutableArray<(int Recipient, RecipientProgress Progress)> Progress { get; init; } = [];

    /// <summary>Null leaves it.</summary>
    public bool? Held { get; init; }

    /// <summary>Gives the lease back, so that the message comes due again.</summary>
    public bool Release { get; init; }

    /// <summary>Removes the message whatever its recipients' state (an operator's <c>remove</c>).</summary>
    public bool Remove { get; init; }
}

/// <summary>The body of a message, readable at any offset, by several readers at once.</summary>
public abstract class SpoolBody : IDisposable
{
    public abstract long Length { get; }

    /// <summary>Reads up to the buffer's length from <paramref name="offset"/>; 0 at the end. Throws <see cref="InvalidDataException"/> where the stored octets are damaged.</summary>
    public abstract ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) { }
}
