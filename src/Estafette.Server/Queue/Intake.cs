using Estafette.Mail;
using Estafette.Spool;

namespace Estafette.Queue;

/// <summary>
/// The only way into the queue. Reception streams a body into an <see cref="IntakeMessage"/> and commits it with its envelope; when the commit says
/// <see cref="SpoolStatus.Ok"/> the message is durable and on its way.
/// </summary>
public abstract class Intake
{
    /// <summary>Null when mail is taken; else why not (452 for full, 451 for unhealthy, 421 while stopping).</summary>
    public abstract SpoolTrouble? Trouble { get; }

    public abstract IntakeMessage Begin();
}

/// <summary>A message being received. Disposing it without a commit leaves nothing behind.</summary>
public abstract class IntakeMessage : IAsyncDisposable
{
    public abstract MessageId Id { get; }
    public abstract long Length { get; }

    /// <summary>Called when the message is durable, before any delivery of it starts: so its acceptance stands in the log before its deliveries.</summary>
    public Action<Envelope>? WhenDurable { get; set; }

    public abstract ValueTask<SpoolStatus> WriteAsync(ReadOnlyMemory<byte> octets, CancellationToken cancellationToken);

    /// <summary><paramref name="envelope"/> carries this id; its size is set from what was written.</summary>
    public abstract ValueTask<SpoolStatus> CommitAsync(Envelope envelope, CancellationToken cancellationToken);
    public abstract ValueTask DisposeAsync();
}
