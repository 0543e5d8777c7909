using System.Collections.Concurrent;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Spool;

namespace Estafette.Queue;

/// <summary>
/// The queue as a whole: takes committed messages from the intake and due ones from the spool (the scheduled queue, "when?"), and lets them wait at
/// their next hops (the ready queues, "through which connection?"). One loop and one timer, on the monotonic clock, serve any number of waiting
/// messages. What it holds in memory is bounded by <see cref="LimitsConfig.ActiveMessages"/>; the rest are entries of the spool's index.
/// </summary>
public sealed class MailQueue : INewMail, IAsyncDisposable
{
    private const int LeaseSize = 256;
    private static readonly TimeSpan s_recordTime = TimeSpan.FromSeconds(5);

    private readonly ISpool _spool;
    private readonly Func<MailConfig> _config;
    private readonly EventSink _events;
    private readonly QueueClock _clock;
    private readonly Grouping _grouping;
    private readonly RouteFinder _routes;
    private readonly Settlement _settlement;
    private readonly Recorder _recorder;
    private readonly ReadyQueues _ready;
    private readonly Schedule _schedule;
    private readonly ConcurrentDictionary<MessageId, ActiveMessage> _active = new();
    private int _activeCount;
    private volatile bool _running;
    private volatile bool _stopping;
    private Task _loop = Task.CompletedTask;

    public MailQueue(
        ISpool spool, IReadOnlyList<IDeliveryAgent> agents, QueueRouting routing, EventSink events, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(routing);
        Func<MailConfig> config = routing.Config;
        ArgumentNullException.ThrowIfNull(spool);
        _spool = spool;
        _config = config;
        _events = events;
        _clock = new QueueClock(clock);
        _grouping = new Grouping(agents);
        _routes = new RouteFinder(routing.Maps, events);
        var notifier = new Notifier(spool, routing, events, this);
        _recorder = new Recorder(spool, notifier, _clock, events, Retire);
        _settlement = new Settlement(_clock, config, events, _recorder);
        _ready = new ReadyQueues(spool, config, _settlement, events, Reroute, () => ActiveMessages > _config().Limits.ActiveMessages * 9 / 10)
        {
            Forwarder = new MessageForwarder(spool, routing.Maps, events, this),
        };
        _schedule = new Schedule(spool, _clock, config);
        Intake = new SpoolIntake(spool, this, () => _stopping);
        Operations = new QueueOperations(spool, config, _clock, events, this);
        Messages = new MessageOperations(spool, _clock, events, this);
    }

    /// <summary>The way in, for reception and submission.</summary>
    public Intake Intake { get; }

    /// <summary>What an operator can do, for Control.</summary>
    public QueueOperations Operations { get; }

    /// <summary>The same for whole messages.</summary>
    public MessageOperations Messages { get; }

    /// <summary>Messages in memory, and lanes open, for statistics.</summary>
    public int ActiveMessages => Volatile.Read(ref _activeCount);
    public int Lanes => _ready.Lanes;

    bool INewMail.HasRoom => _running && ActiveMessages < _config().Limits.ActiveMessages;

    internal Schedule Schedule => _schedule;
    internal ReadyQueues Ready => _ready;

    internal void WakeAgents() => _grouping.Wake();

    public void Start()
    {
        _running = true;
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Opens no new jobs, leaves running ones the drain time of the configuration, then cuts them. What is unfinished waits in the spool.</summary>
    public async Task StopAsync()
    {
        if (_stopping)
            return;
        _stopping = true;
        _running = false;
        _schedule.Signal();
        await _loop;
        await _ready.StopAsync(_config().Limits.Drain);
        await _recorder.StopAsync(s_recordTime);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _schedule.Dispose();
        _ready.Dispose();
    }

    void INewMail.Committed(Envelope envelope, bool leased)
    {
        if (envelope.Hold)
            _events.Publish(new MessageHeld(envelope.Id, "held by policy at reception") { At = _events.Now });
        else if (leased)
            ActivateNew(envelope);
        else
            _schedule.Signal();
    }

    private void ActivateNew(Envelope envelope)
    {
        Interlocked.Increment(ref _activeCount);
        Activate(new ActiveMessage(envelope, default), AllOf(envelope.Recipients.Length));
    }

    /// <summary>The message if a round of attempts is under way.</summary>
    internal ActiveMessage? FindActive(MessageId id) => _active.GetValueOrDefault(id);

    private async Task RunAsync()
    {
        while (!_stopping)
        {
            try
            {
                int room = Reserve();
                if (await LeaseAsync(room) > 0)
                    continue;
                _ready.SweepSometimes();
                if (!_stopping)
                    await _schedule.WaitAsync(hasRoom: room > 0);
            }
            catch (Exception exception)
            {
                // A bug or a broken machine must not end the loop: mail would wait for ever.
                _events.Publish(new OperatorWarning("queue", "Scheduling failed inside: " + exception.GetType().Name + ": " + exception.Message) { At = _events.Now });
                await Task.Delay(TimeSpan.FromSeconds(10), _clock.Source);
            }
        }
    }

    /// <summary>Takes room for messages before they are leased. A part is left to new mail, so that a backlog does not stand before it.</summary>
    private int Reserve()
    {
        int room = Math.Clamp(_config().Limits.ActiveMessages * 4 / 5 - ActiveMessages, 0, LeaseSize);
        Interlocked.Add(ref _activeCount, room);
        return room;
    }

    private async ValueTask<int> LeaseAsync(int room)
    {
        int leased = 0;
        try
        {
            (IReadOnlyList<SpooledMessage> due, DateTimeOffset by) = await _schedule.LeaseAsync(room);
            leased = due.Count;
            foreach (SpooledMessage message in due)
                Activate(message, by);
            return leased;
        }
        finally
        {
            Interlocked.Add(ref _activeCount, leased - room);
        }
    }

    private void Activate(SpooledMessage spooled, DateTimeOffset by)
    {
        var due = new List<int>(spooled.Progress.Length);
        for (int i = 0; i < spooled.Progress.Length; i++)
        {
            if (!spooled.Progress[i].IsDone && spooled.Progress[i].Due <= by)
                due.Add(i);
        }
        var message = new ActiveMessage(spooled.Envelope, spooled.Progress);
        if (due.Count > 0)
            Activate(message, [.. due]);
        else
            Activate(message, [.. AllOf(spooled.Progress.Length).Where(i => !spooled.Progress[i].IsDone)]);
    }

    private void Activate(ActiveMessage message, int[] due)
    {
        _active[message.Envelope.Id] = message;
        message.ActivatedAt = _clock.Source.GetTimestamp();
        message.Expect(due.Length);
        if (_events.TellsSteps)
            _events.Publish(new MessageActivated(message.Envelope) { At = _events.Now });
        if (due.Length == 0)
        {
            _settlement.LeaveAlone(message, 0);
            return;
        }
        if (Array.Exists(due, i => message.ProgressOf(i).MustExpire))
        {
            _settlement.Expire(message, Array.FindAll(due, i => message.ProgressOf(i).MustExpire));
            due = Array.FindAll(due, i => !message.ProgressOf(i).MustExpire);
            if (due.Length == 0)
                return;
        }
        DateTimeOffset now = _events.Now;
        foreach (int recipient in due)
        {
            Recipient to = message.Envelope.Recipients[recipient];
            _events.Publish(new RecipientScheduled(message.Envelope.Id, to.Key, DeliveryMethod.WordOf(to)) { At = now });
        }
        Submit(message, due);
    }

    /// <summary>Where maps route, recipients are resolved first; usually nobody has to be waited for.</summary>
    private void Submit(ActiveMessage message, ArraySegment<int> recipients)
    {
        if (!_routes.Routes)
        {
            Submit(message, recipients, _config(), []);
            return;
        }
        ValueTask<RoutedRound> routing = _routes.RouteAsync(message, recipients);
        if (routing.IsCompletedSuccessfully)
            Submit(message, routing.Result);
        else
            _ = SubmitLaterAsync(message, recipients, routing);
    }

    private async Task SubmitLaterAsync(ActiveMessage message, ArraySegment<int> recipients, ValueTask<RoutedRound> routing)
    {
        try
        {
            Submit(message, await routing);
        }
        catch (Exception exception)
        {
            // A bug costs an attempt, never the queue.
            var reason = DeliveryOutcome.Deferred(new(4, 3, 0), "Internal error: " + exception.GetType().Name + ": " + exception.Message);
            foreach (int recipient in recipients)
                _settlement.Defer(message, recipient, reason);
        }
    }

    private void Submit(ActiveMessage message, RoutedRound round) => Submit(message, round.Recipients, round.Config, round.Refused);

    private void Submit(ActiveMessage message, ReadOnlySpan<int> recipients, MailConfig config, List<(int Recipient, DeliveryOutcome Reason)> refused)
    {
        if (recipients.Length == 1)
        {
            if (_grouping.GroupOne(message, recipients[0], config, out DeliveryOutcome? reason) is { } batch)
                _ready.Submit(batch);
            else
                _settlement.Defer(message, recipients[0], reason!);
        }
        else if (recipients.Length > 1)
        {
            _ready.Submit(message, _grouping.Group(message, recipients, config, refused));
        }
        _settlement.Refuse(message, refused);
    }

    /// <summary>The configuration changed while these waited: they may go elsewhere now.</summary>
    private void Reroute(Batch batch, ArraySegment<int> recipients) => Submit(batch.Message, recipients);

    private void Retire(ActiveMessage message)
    {
        _active.TryRemove(new KeyValuePair<MessageId, ActiveMessage>(message.Envelope.Id, message));
        Interlocked.Decrement(ref _activeCount);
        _schedule.Returned();
    }

    private static int[] AllOf(int count)
    {
        var all = new int[count];
        for (int i = 0; i < count; i++)
            all[i] = i;
        return all;
    }
}
