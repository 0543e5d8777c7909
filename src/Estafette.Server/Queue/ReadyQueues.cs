using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Spool;

namespace Estafette.Queue;

/// <summary>
/// All ready queues: they answer "through which connection?". One lock guards them; nothing slow and no foreign code runs under it: outcomes are
/// settled after it is left. When every slot is taken, next hops stand in line and lanes give way, so that no destination waits for another's
/// backlog. An agent that throws costs its own lane; what it held is deferred.
/// </summary>
internal sealed class ReadyQueues : IDisposable
{
    private static readonly TimeSpan s_cutGrace = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_sweepEvery = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<NextHop, ReadyQueue> _queues = [];
    private readonly LaneSlots _slots = new();
    private readonly AdmissionWindow _admission = new();
    private readonly ActionLoads _loads;
    private readonly HashSet<DeliveryKind> _paused = [];
    private readonly CancellationTokenSource _cut = new();
    private readonly TaskCompletionSource _allClosed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<MailConfig> _config;
    private readonly Settlement _settlement;
    private readonly EventSink _events;
    private readonly Displacements _displacements;
    private readonly Func<bool> _isCrowded;
    private DateTimeOffset _nextSweep;
    private bool _stopping;

    public ReadyQueues(ISpool spool, Func<MailConfig> config, Settlement settlement, EventSink events, Action<Batch, ArraySegment<int>> reroute, Func<bool> isCrowded)
    {
        Spool = spool;
        _config = config;
        _settlement = settlement;
        _events = events;
        _isCrowded = isCrowded;
        _displacements = new Displacements(settlement, reroute);
        _loads = new ActionLoads(settlement.Clock, Rested);
    }

    public ISpool Spool { get; }

    /// <summary>Sends messages on for agents.</summary>
    public required MessageForwarder Forwarder { get; init; }
    public QueueClock Clock => _settlement.Clock;

    /// <summary>Lanes that are open now.</summary>
    public int Lanes { get { lock (_gate) return _slots.Open; } }

    /// <summary>Lets the batches wait at their next hops.</summary>
    public void Submit(ActiveMessage message, IEnumerable<Batch> batches)
    {
        List<Displaced>? displaced = null;
        lock (_gate)
        {
            _admission.Add(message, batches);
            AdmitAll(ref displaced);
        }
        _displacements.Settle(displaced);
    }

    /// <summary>The hot path of <see cref="Submit(ActiveMessage, IEnumerable{Batch})"/>: one message, one batch.</summary>
    public void Submit(Batch batch)
    {
        List<Displaced>? displaced = null;
        lock (_gate)
        {
            batch.Message.Admitted++;
            Enqueue(batch, ref displaced);
            AdmitAll(ref displaced);
        }
        _displacements.Settle(displaced);
    }

    public ValueTask<DeliveryJob?> TakeAsync(Lane lane, TimeSpan wait, CancellationToken cancellationToken)
    {
        List<Displaced>? displaced = null;
        ValueTask<DeliveryJob?> answer;
        lock (_gate)
        {
            Asked(lane);
            Job? job = null;
            if (cancellationToken.IsCancellationRequested || MustClose(lane))
                lane.IsClosing = true;
            else
                job = NextJob(lane, ref displaced);
            if (job is null && !lane.IsClosing && wait > TimeSpan.Zero && !_slots.HasLine && !_loads.HasLine(lane.Queue))
                answer = _slots.Wait(lane, wait);
            else
            {
                lane.IsClosing |= job is null;
                answer = new ValueTask<DeliveryJob?>(job);
            }
            AdmitAll(ref displaced);
        }
        _displacements.Settle(displaced);
        return answer;
    }

    public void GiveUpWaiting(Lane lane)
    {
        lock (_gate)
        {
            if (lane.IsWaiting)
                _slots.Dismiss(lane);
        }
    }

    public void JobDone(Job job, Lane lane)
    {
        DeliveryOutcome? failure = null;
        foreach (DeliveryOutcome? outcome in job.Outcomes)
        {
            if (outcome is { Kind: OutcomeKind.Deferred, Scope: OutcomeScope.NextHop })
                failure = outcome;
        }
        List<Displaced>? displaced = null;
        DateTimeOffset notBefore;
        lock (_gate)
        {
            ReadyQueue queue = lane.Queue;
            lane.Open.Remove(job);
            _admission.Finish(job.Batch, job.RecipientSpan.Length);
            lane.HasServed = failure is null;
            if (lane.Open.Count == 0)
                _loads.Delivered(queue);
            if (failure is null)
                queue.Health.Succeeded();
            else
                ConnectionFailed(queue, lane, failure, ref displaced);
            notBefore = queue.Health.DeadUntil;
            OpenLanes(queue, ref displaced);
            AdmitAll(ref displaced);
        }
        _settlement.Settle(job, lane.Config, notBefore);
        _displacements.Settle(displaced);
    }

    /// <summary>An operator wants attempts now: pauses of these next hops end.</summary>
    public void Wake(Func<NextHop, bool> which)
    {
        lock (_gate)
        {
            foreach ((NextHop hop, ReadyQueue queue) in _queues)
            {
                if (which(hop))
                    queue.Health.Wake(Clock.Now);
            }
        }
    }

    public bool Pause(DeliveryKind kind)
    {
        lock (_gate)
            return _paused.Add(kind);
    }

    public bool IsPaused(DeliveryKind kind)
    {
        lock (_gate)
            return _paused.Contains(kind);
    }

    public IReadOnlyList<(NextHop NextHop, int Lanes, int Waiting)> RelayHops()
    {
        lock (_gate)
            return [.. _queues.Values.Where(queue => queue.Kind == DeliveryKind.Relay && !queue.IsIdle).Select(queue => (queue.NextHop, queue.Lanes.Count, queue.Waiting))];
    }

    public bool Resume(DeliveryKind kind)
    {
        List<Displaced>? displaced = null;
        bool wasPaused;
        lock (_gate)
        {
            wasPaused = _paused.Remove(kind);
            foreach (ReadyQueue queue in _queues.Values)
                OpenLanes(queue, ref displaced);
            AdmitAll(ref displaced);
        }
        _displacements.Settle(displaced);
        return wasPaused;
    }

    /// <summary>Forgets next hops that nothing waits for, once a minute at most.</summary>
    public void SweepSometimes()
    {
        lock (_gate)
        {
            DateTimeOffset now = Clock.Now;
            if (now < _nextSweep)
                return;
            _nextSweep = now + s_sweepEvery;
            foreach ((NextHop hop, ReadyQueue queue) in _queues)
            {
                if (queue.IsForgettable(now))
                    _queues.Remove(hop);
            }
        }
    }

    /// <summary>No new jobs; what runs has <paramref name="drain"/>, then it is cut, and what an agent still holds is deferred on its behalf.</summary>
    public async Task StopAsync(TimeSpan drain)
    {
        lock (_gate)
        {
            _stopping = true;
            _slots.DismissAll();
            if (_slots.Open == 0)
                _allClosed.TrySetResult();
        }
        await Task.WhenAny(_allClosed.Task, Task.Delay(drain, Clock.Source));
        if (_allClosed.Task.IsCompleted)
            return;
        await _cut.CancelAsync();
        await Task.WhenAny(_allClosed.Task, Task.Delay(s_cutGrace, Clock.Source));
        Job[] left;
        lock (_gate)
            left = [.. _queues.Values.SelectMany(queue => queue.Lanes).SelectMany(lane => lane.Open)];
        foreach (Job job in left)
            job.CompleteRest(s_interrupted);
    }

    public void Dispose()
    {
        lock (_gate)
            _loads.Dispose();
        _cut.Dispose();
    }

    /// <summary>A next hop that its action's pace kept waiting may go on.</summary>
    private void Rested(ReadyQueue queue)
    {
        List<Displaced>? displaced = null;
        lock (_gate)
        {
            _loads.Rested(queue);
            OpenLanes(queue, ref displaced);
            AdmitAll(ref displaced);
        }
        _displacements.Settle(displaced);
    }

    private static readonly DeliveryOutcome s_interrupted = DeliveryOutcome.Deferred(new(4, 3, 2), "Delivery interrupted by shutdown");

    private async Task RunAsync(Lane lane)
    {
        string? bug = null;
        try
        {
            await lane.Queue.Agent.ServeAsync(lane, _cut.Token);
        }
        catch (OperationCanceledException) when (_cut.IsCancellationRequested)
        {
        }
        catch (Exception exception)
        {
            bug = exception.GetType().Name + ": " + exception.Message;
            _events.Publish(new OperatorWarning("queue", "Delivery to " + lane.NextHop + " failed inside: " + bug) { At = _events.Now });
        }
        Closed(lane, bug);
    }

    private void Closed(Lane lane, string? bug)
    {
        Job[] left;
        lock (_gate)
            left = [.. lane.Open];
        DeliveryOutcome why = _stopping ? s_interrupted : DeliveryOutcome.Deferred(new(4, 3, 0), "Internal error: " + (bug ?? "the delivery agent gave up"));
        foreach (Job job in left)
            job.CompleteRest(why);

        List<Displaced>? displaced = null;
        lock (_gate)
        {
            ReadyQueue queue = lane.Queue;
            bool neverAsked = Asked(lane);
            _slots.Closed(lane);
            _loads.Closed(queue);
            // An agent that serves nothing at all would be called again at once, for ever.
            if (neverAsked && !_stopping)
                ConnectionFailed(queue, lane, why, ref displaced);
            ServeLine(ref displaced);
            for (int line = _loads.LineOf(queue); line > 0 && _loads.TryNext(queue, out ReadyQueue? next); line--)
                OpenLanes(next, ref displaced);
            OpenLanes(queue, ref displaced);
            AdmitAll(ref displaced);
            if (queue.IsForgettable(Clock.Now))
                _queues.Remove(queue.NextHop);
            if (_stopping && _slots.Open == 0)
                _allClosed.TrySetResult();
        }
        lane.Dispose();
        _displacements.Settle(displaced);
    }

    /// <summary>Notes that a lane has come for work; true the first time.</summary>
    private static bool Asked(Lane lane)
    {
        if (lane.HasAsked)
            return false;
        lane.HasAsked = true;
        lane.Queue.Opening--;
        return true;
    }

    private bool MustClose(Lane lane) =>
        _stopping || lane.IsClosing || _paused.Contains(lane.Queue.Kind) || !ReferenceEquals(lane.Config, _config()) || IsSpoolBroken
        || _slots.GivesWay(lane, _config().Limits.Deliveries)
        || (lane.Taken > 0 && lane.Action.Pace is { } pace && (pace.Rests || (lane.Taken >= LaneSlots.Quantum && _loads.HasLine(lane.Queue))));

    /// <summary>What is delivered now could not be recorded: it would be delivered again after a restart.</summary>
    private bool IsSpoolBroken => Spool.Trouble is { Status: SpoolStatus.Unhealthy };

    private Job? NextJob(Lane lane, ref List<Displaced>? displaced)
    {
        List<Batch>? stopped = null;
        Job? job = lane.Queue.Next(lane, ref stopped);
        if (stopped is not null)
        {
            foreach (Batch batch in stopped)
                Displace(batch, Fate.Stopped, null, default, ref displaced);
        }
        if (job is null)
            return null;
        lane.Taken++;
        lane.Open.Add(job);
        return job;
    }

    private void ConnectionFailed(ReadyQueue queue, Lane lane, DeliveryOutcome failure, ref List<Displaced>? displaced)
    {
        lane.IsClosing = true;
        bool someLaneWorks = queue.Lanes.Exists(other => other != lane && other.HasServed && !other.IsClosing);
        if (!queue.Health.Failed(failure, Clock.Now, someLaneWorks))
            return;
        foreach (Batch batch in queue.TakeAll())
            Displace(batch, Fate.Deferred, failure, queue.Health.DeadUntil, ref displaced);
    }

    /// <summary>Takes what is left of a batch out of the ready queues; <see cref="Displacements"/> decides what becomes of it once the lock is left.</summary>
    private void Displace(Batch batch, Fate fate, DeliveryOutcome? outcome, DateTimeOffset notBefore, ref List<Displaced>? displaced)
    {
        ArraySegment<int> rest = batch.Take(int.MaxValue);
        (displaced ??= []).Add(new Displaced(batch, rest, fate, outcome, notBefore));
        _admission.Finish(batch, rest.Count);
    }

    private void AdmitAll(ref List<Displaced>? displaced)
    {
        while (_admission.TryNext(out Batch? batch))
            Enqueue(batch, ref displaced);
    }

    private void Enqueue(Batch batch, ref List<Displaced>? displaced)
    {
        MailConfig config = _config();
        if (!_queues.TryGetValue(batch.NextHop, out ReadyQueue? queue))
        {
            int limit = config.Actions.TryGetValue(batch.NextHop.Action, out ActionConfig? action) ? batch.Agent.LanesPerNextHop(action, config.Limits) : 1;
            if (action?.Pace is { Connections: > 0 and int own })
                limit = own;
            DeliveryKind kind = DeliveryMethod.KindOf(batch.Message.Envelope.Recipients[batch.Recipients[0]]);
            _queues.Add(batch.NextHop, queue = new ReadyQueue(batch.NextHop, batch.Agent, kind, Math.Max(1, limit)));
        }
        if (batch.Message.IsStopped)
            Displace(batch, Fate.Stopped, null, default, ref displaced);
        else if (queue.Health.IsDead(Clock.Now))
            Displace(batch, Fate.Deferred, queue.Health.LastFailure, queue.Health.DeadUntil, ref displaced);
        else if (queue.Waiting > config.Limits.ActiveMessages / 2 && _isCrowded())
            Displace(batch, Fate.Postponed, null, default, ref displaced);
        else
        {
            queue.Add(batch);
            OpenLanes(queue, ref displaced);
        }
    }

    /// <summary>Gives waiting work to waiting lanes, then opens as many lanes as health and slots allow.</summary>
    private void OpenLanes(ReadyQueue queue, ref List<Displaced>? displaced)
    {
        if (queue.Waiting == 0 || _stopping || IsSpoolBroken || _paused.Contains(queue.Kind))
            return;
        MailConfig config = _config();
        foreach (Lane lane in queue.Lanes)
        {
            if (!lane.IsWaiting)
                continue;
            if (!ReferenceEquals(lane.Config, config))
            {
                _slots.Dismiss(lane);
            }
            else if (NextJob(lane, ref displaced) is { } job)
            {
                _slots.Wake(lane, job);
            }
        }
        while (WantsLane(queue) && _loads.MayOpen(queue, config))
        {
            if (_slots.Open >= config.Limits.Deliveries)
            {
                _slots.StandInLine(queue);
                return;
            }
            if (!Open(queue, config, ref displaced))
                return;
        }
    }

    private bool WantsLane(ReadyQueue queue) =>
        queue.Waiting > queue.Opening && !_paused.Contains(queue.Kind) && queue.Lanes.Count < queue.Health.Lanes && !queue.Health.IsDead(Clock.Now);

    /// <summary>One lane for each next hop in line, in turn.</summary>
    private void ServeLine(ref List<Displaced>? displaced)
    {
        MailConfig config = _config();
        while (!_stopping && _slots.Next(config.Limits.Deliveries) is { } queue)
        {
            if (WantsLane(queue) && _loads.MayOpen(queue, config) && Open(queue, config, ref displaced) && WantsLane(queue))
                _slots.StandInLine(queue);
        }
    }

    private bool Open(ReadyQueue queue, MailConfig config, ref List<Displaced>? displaced)
    {
        if (!ReferenceEquals(queue.Peek()!.Config, config))
        {
            foreach (Batch batch in queue.TakeAll())
                Displace(batch, Fate.Rerouted, null, default, ref displaced);
            return false;
        }
        var lane = new Lane(this, queue, config, config.Actions[queue.NextHop.Action]);
        _slots.Opened(lane);
        _loads.Opened(queue);
        _ = Task.Run(() => RunAsync(lane));
        return true;
    }
}
