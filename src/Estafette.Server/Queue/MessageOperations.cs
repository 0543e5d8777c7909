using System.Runtime.CompilerServices;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Spool;

namespace Estafette.Queue;

/// <summary>
/// What an operator does to whole messages, by id or by place (postsuper(1)), and what listings of messages read. Changes are durable when the answer is there. Where
/// ids are named nothing is scanned, so a list of ids on standard input costs what its length says, however long the queue is.
/// </summary>
public sealed class MessageOperations
{
    /// <summary>Messages changed while leasing rests.</summary>
    private const int Chunk = 256;

    private readonly ISpool _spool;
    private readonly QueueClock _clock;
    private readonly EventSink _events;
    private readonly MailQueue _queue;

    internal MessageOperations(ISpool spool, QueueClock clock, EventSink events, MailQueue queue)
    {
        _spool = spool;
        _clock = clock;
        _events = events;
        _queue = queue;
    }

    /// <summary>Every message in one of these places, one at a time: the queue is never held in memory.</summary>
    public async IAsyncEnumerable<WaitingMessage> ListAsync(QueuePlace places, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (SpooledMessage message in _spool.ScanAsync(cancellationToken))
        {
            if ((PlaceOf(message) & places) != 0)
                yield return Waiting(message);
        }
    }

    public async ValueTask<WaitingMessage?> FindAsync(MessageId id, CancellationToken cancellationToken) =>
        await _spool.FindAsync(id, cancellationToken) is { } message ? Waiting(message) : null;

    /// <summary>Changes the messages of <paramref name="ids"/> that are in one of these places, or all that are; gives back which were changed.</summary>
    public async ValueTask<IReadOnlyList<MessageId>> ChangeAsync(MessageChange change, QueuePlace places, IReadOnlyList<MessageId>? ids, CancellationToken cancellationToken)
    {
        var changed = new List<MessageId>();
        foreach (MessageId[] chunk in (ids ?? await IdsAsync(places, cancellationToken)).Chunk(Chunk))
        {
            await _queue.Schedule.Leasing.WaitAsync(cancellationToken);
            try
            {
                bool[] done = await Task.WhenAll(chunk.Select(id => ChangeOneAsync(id, change, places)));
                changed.AddRange(chunk.Where((_, i) => done[i]));
            }
            finally
            {
                _queue.Schedule.Leasing.Release();
            }
        }
        if (change is not MessageChange.Delete and not MessageChange.Hold)
            _queue.Schedule.Signal();
        return changed;
    }

    private async Task<List<MessageId>> IdsAsync(QueuePlace places, CancellationToken cancellationToken)
    {
        var ids = new List<MessageId>();
        await foreach (SpooledMessage message in _spool.ScanAsync(cancellationToken))
        {
            if ((PlaceOf(message) & places) != 0)
                ids.Add(message.Envelope.Id);
        }
        return ids;
    }

    private WaitingMessage Waiting(SpooledMessage message) => new(message.Envelope, message.Progress, PlaceOf(message));

    private QueuePlace PlaceOf(SpooledMessage message) =>
        message.Held ? QueuePlace.Hold
        : _queue.FindActive(message.Envelope.Id) is not null ? QueuePlace.Active
        : message.Progress.Any(one => one is { IsDone: false, Attempts: > 0 }) ? QueuePlace.Deferred
        : QueuePlace.Incoming;

    private async Task<bool> ChangeOneAsync(MessageId id, MessageChange change, QueuePlace places)
    {
        if (await _spool.FindAsync(id, CancellationToken.None) is not { } message || (PlaceOf(message) & places) == 0)
            return false;
        ActiveMessage? active = _queue.FindActive(id);
        SpoolUpdate? update = change switch
        {
            MessageChange.Delete => Delete(message, active),
            MessageChange.Hold => Hold(message, active),
            MessageChange.Release => message.Held ? new SpoolUpdate(id) { Held = false } : null,
            MessageChange.Requeue => DueNow(message, expire: false) with { Held = false },
            MessageChange.Expire => DueNow(message, expire: true),
            _ => DueNow(message, expire: true) with { Held = false },
        };
        if (change is MessageChange.Expire or MessageChange.ExpireAndRelease)
            active?.MustExpire = true;
        if (update is null || await _spool.RecordAsync(update, CancellationToken.None) is not SpoolStatus.Ok)
            return false;
        if (change is not MessageChange.Delete and not MessageChange.Hold)
            _events.Publish(new MessageOperated(id, change switch { MessageChange.Release => "released from hold", MessageChange.Requeue => "requeued", _ => "expired" }) { At = _events.Now });
        return true;
    }

    private SpoolUpdate Delete(SpooledMessage message, ActiveMessage? active)
    {
        active?.Remove(Undone(message));
        active?.IsStopped = true;
        _events.Publish(new MessageRemoved(message.Envelope.Id, "removed by the operator") { At = _events.Now, ByOperator = true });
        return new SpoolUpdate(message.Envelope.Id) { Remove = true };
    }

    private SpoolUpdate? Hold(SpooledMessage message, ActiveMessage? active)
    {
        if (message.Held)
            return null;
        active?.IsStopped = true;
        _events.Publish(new MessageHeld(message.Envelope.Id, "held by the operator") { At = _events.Now, ByOperator = true });
        return new SpoolUpdate(message.Envelope.Id) { Held = true };
    }

    private SpoolUpdate DueNow(SpooledMessage message, bool expire)
    {
        DateTimeOffset now = _clock.Now;
        return new SpoolUpdate(message.Envelope.Id)
        {
            Progress = [.. Undone(message).Select(i => (i, message.Progress[i] with { Due = now, MustExpire = expire || message.Progress[i].MustExpire }))],
        };
    }

    private static IEnumerable<int> Undone(SpooledMessage message) => Enumerable.Range(0, message.Progress.Length).Where(i => !message.Progress[i].IsDone);
}
