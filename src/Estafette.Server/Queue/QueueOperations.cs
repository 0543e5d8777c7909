using System.Runtime.CompilerServices;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Spool;

namespace Estafette.Queue;

/// <summary>
/// What an operator does to waiting mail. Changes are durable when the answer is there; it counts the recipients that were changed. What an agent
/// has in its hands goes on; its outcome no longer counts for a removed recipient.
/// </summary>
public sealed class QueueOperations
{
    /// <summary>Messages changed while leasing rests.</summary>
    private const int Chunk = 256;

    private readonly ISpool _spool;
    private readonly Func<MailConfig> _config;
    private readonly QueueClock _clock;
    private readonly EventSink _events;
    private readonly MailQueue _queue;

    internal QueueOperations(ISpool spool, Func<MailConfig> config, QueueClock clock, EventSink events, MailQueue queue)
    {
        _spool = spool;
        _config = config;
        _clock = clock;
        _events = events;
        _queue = queue;
    }

    /// <summary>Messages that wait, those under way included.</summary>
    public int Count => _spool.Count;

    public async IAsyncEnumerable<QueuedRecipient> ListAsync(QueueSelector selector, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(selector);
        await foreach (SpooledMessage message in _spool.ScanAsync(cancellationToken))
        {
            for (int i = 0; i < message.Progress.Length; i++)
            {
                if (!message.Progress[i].IsDone && selector.Matches(message.Envelope, message.Envelope.Recipients[i]))
                    yield return Row(message, i);
            }
        }
    }

    /// <summary>The body of a waiting message, for <c>show message</c>; null when unknown.</summary>
    public ValueTask<SpoolBody?> OpenBodyAsync(MessageId id, CancellationToken cancellationToken) => _spool.OpenBodyAsync(id, cancellationToken);

    /// <summary>Makes recipients due now and ends the pauses of their next hops.</summary>
    public async ValueTask<int> FlushAsync(QueueSelector selector, CancellationToken cancellationToken)
    {
        _queue.Ready.Wake(static _ => true);
        _queue.WakeAgents();
        int changed = await ChangeAsync(selector, Flush, cancellationToken);
        _queue.Schedule.Signal();
        return changed;
    }

    /// <summary>Messages of which a recipient matches wait until they are released.</summary>
    public ValueTask<int> HoldAsync(QueueSelector selector, CancellationToken cancellationToken) => ChangeAsync(selector, Hold, cancellationToken);

    public async ValueTask<int> ReleaseAsync(QueueSelector selector, CancellationToken cancellationToken)
    {
        int changed = await ChangeAsync(selector, Release, cancellationToken);
        _queue.Schedule.Signal();
        return changed;
    }

    /// <summary>Removes recipients without telling the sender; a message without any left goes.</summary>
    public ValueTask<int> RemoveAsync(QueueSelector selector, CancellationToken cancellationToken) => ChangeAsync(selector, Remove, cancellationToken);

    /// <summary>No new jobs of this kind until <see cref="Resume"/>; false where that was so already.</summary>
    public bool Pause(DeliveryKind kind) => _queue.Ready.Pause(kind);

    public bool Resume(DeliveryKind kind) => _queue.Ready.Resume(kind);

    public bool IsPaused(DeliveryKind kind) => _queue.Ready.IsPaused(kind);

    /// <summary>Next hops of relayed mail with an open connection or mail in line now.</summary>
    public IReadOnlyList<(NextHop NextHop, int Connections, int Waiting)> NextHops() => _queue.Ready.RelayHops();

    private QueuedRecipient Row(SpooledMessage message, int index)
    {
        RecipientProgress progress = message.Progress[index];
        Recipient recipient = message.Envelope.Recipients[index];
        QueuedState state = message.Held ? QueuedState.Held : _queue.FindActive(message.Envelope.Id) is null ? QueuedState.Scheduled : QueuedState.Active;
        return new QueuedRecipient
        {
            Envelope = message.Envelope,
            Recipient = recipient,
            State = state,
            Kind = DeliveryMethod.KindOf(recipient),
            Expires = message.Envelope.Received + RetryPolicy.LifetimeOf(message.Envelope, recipient, _config()),
            Attempts = progress.Attempts,
            LastAttempt = progress.Attempted,
            NextAttempt = state == QueuedState.Scheduled && progress.Attempts > 0 ? _clock.ToWall(progress.Due) : null,
            LastOutcome = progress.Last,
        };
    }

    /// <summary>Finds the messages, then changes them in chunks while nothing is leased, each as it is at that moment.</summary>
    private async ValueTask<int> ChangeAsync(QueueSelector selector, Change change, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(selector);
        int changed = 0;
        var ids = new List<MessageId>();
        await foreach (SpooledMessage message in _spool.ScanAsync(cancellationToken))
        {
            if (message.Envelope.Recipients.Any(recipient => selector.Matches(message.Envelope, recipient)))
                ids.Add(message.Envelope.Id);
        }
        foreach (MessageId[] chunk in ids.Chunk(Chunk))
        {
            await _queue.Schedule.Leasing.WaitAsync(cancellationToken);
            try
            {
                changed += (await Task.WhenAll(chunk.Select(id => ChangeOneAsync(id, selector, change)))).Sum();
            }
            finally
            {
                _queue.Schedule.Leasing.Release();
            }
        }
        return changed;
    }

    private async Task<int> ChangeOneAsync(MessageId id, QueueSelector selector, Change change)
    {
        if (await _spool.FindAsync(id, CancellationToken.None) is not { } message)
            return 0;
        List<int> matching = [];
        for (int i = 0; i < message.Progress.Length; i++)
        {
            if (!message.Progress[i].IsDone && selector.Matches(message.Envelope, message.Envelope.Recipients[i]))
                matching.Add(i);
        }
        if (matching.Count == 0 || change(message, matching, _queue.FindActive(id)) is not { } update)
            return 0;
        return await _spool.RecordAsync(update, CancellationToken.None) is SpoolStatus.Ok ? matching.Count : 0;
    }

    /// <summary>The update to record; null when there is nothing to change.</summary>
    private delegate SpoolUpdate? Change(SpooledMessage message, List<int> recipients, ActiveMessage? active);

    private SpoolUpdate? Flush(SpooledMessage message, List<int> recipients, ActiveMessage? active)
    {
        // What is under way is being tried; what was never tried is due already.
        if (active is not null || message.Held || recipients.TrueForAll(i => message.Progress[i].Attempts == 0))
            return null;
        DateTimeOffset now = _clock.Now;
        return new SpoolUpdate(message.Envelope.Id) { Progress = [.. recipients.Select(i => (i, message.Progress[i] with { Due = now }))] };
    }

    private SpoolUpdate? Hold(SpooledMessage message, List<int> recipients, ActiveMessage? active)
    {
        if (message.Held)
            return null;
        active?.IsStopped = true;
        _events.Publish(new MessageHeld(message.Envelope.Id, "held by the operator") { At = _events.Now, ByOperator = true });
        return new SpoolUpdate(message.Envelope.Id) { Held = true };
    }

    private static SpoolUpdate? Release(SpooledMessage message, List<int> recipients, ActiveMessage? active) =>
        message.Held ? new SpoolUpdate(message.Envelope.Id) { Held = false } : null;

    private SpoolUpdate? Remove(SpooledMessage message, List<int> recipients, ActiveMessage? active)
    {
        bool all = recipients.Count == message.Progress.Count(one => !one.IsDone);
        active?.Remove(recipients);
        if (all)
            active?.IsStopped = true;
        string what = all ? "removed by the operator" : "recipients removed by the operator: " + string.Join(", ", recipients.Select(i => message.Envelope.Recipients[i].Address));
        _events.Publish(new MessageRemoved(message.Envelope.Id, what) { At = _events.Now, ByOperator = true });
        return all
            ? new SpoolUpdate(message.Envelope.Id) { Remove = true }
            : new SpoolUpdate(message.Envelope.Id) { Progress = [.. recipients.Select(i => (i, message.Progress[i] with { IsDone = true }))] };
    }
}
