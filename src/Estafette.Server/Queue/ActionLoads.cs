using System.Diagnostics.CodeAnalysis;
using Estafette.Config.Model;

namespace Estafette.Queue;

/// <summary>
/// Holds actions to the pace that the configuration sets for each (<see cref="DeliveryPace"/>): so many lanes for all its next hops together, a rest after each delivery. What may not open a lane now stands in its
/// action's line or waits for a timer; nothing is tried in between. Guarded by the ready queues' lock; actions without a pace cost one comparison.
/// </summary>
internal sealed class ActionLoads(QueueClock clock, Action<ReadyQueue> restIsOver) : IDisposable
{
    /// <summary>What all next hops of one action share.</summary>
    private sealed class Load
    {
        public int Open { get; set; }
        public DateTimeOffset RestUntil { get; set; }
        public Queue<ReadyQueue> Line { get; } = new();
    }

    private readonly Dictionary<string, Load> _loads = new(StringComparer.Ordinal);
    private readonly Dictionary<ReadyQueue, ITimer> _timers = [];

    /// <summary>The pace in the configuration in force.</summary>
    public static DeliveryPace? PaceOf(ReadyQueue queue, MailConfig config)
    {
        if (!ReferenceEquals(queue.PacedBy, config))
        {
            queue.PacedBy = config;
            queue.Pace = config.Actions.GetValueOrDefault(queue.NextHop.Action)?.Pace;
        }
        return queue.Pace;
    }

    /// <summary>Whether a next hop may have another lane now. If not, it is remembered for when it may.</summary>
    public bool MayOpen(ReadyQueue queue, MailConfig config)
    {
        if (PaceOf(queue, config) is not { } pace || (!pace.Rests && !pace.IsShared))
            return true;
        if (pace.Gap > TimeSpan.Zero && queue.Lanes.Count > 0)
            return false;
        DateTimeOffset now = clock.Now;
        DateTimeOffset until = pace.Gap > TimeSpan.Zero ? queue.RestUntil : default;
        Load? load = pace.IsShared ? LoadOf(queue) : null;
        if (load is not null && pace.TotalGap > TimeSpan.Zero && load.RestUntil > until)
            until = load.RestUntil;
        if (until > now)
        {
            Rest(queue, until - now);
            return false;
        }
        if (load is null || load.Open < MostLanes(pace))
            return true;
        if (!queue.IsInActionLine)
        {
            queue.IsInActionLine = true;
            load.Line.Enqueue(queue);
        }
        return false;
    }

    /// <summary>Other next hops of the same action wait for a lane of it.</summary>
    public bool HasLine(ReadyQueue queue) => queue.Pace is { IsShared: true } && LineOf(queue) > 0;

    /// <summary>How many they are.</summary>
    public int LineOf(ReadyQueue queue) => _loads.TryGetValue(queue.NextHop.Action, out Load? load) ? load.Line.Count : 0;

    public void Opened(ReadyQueue queue)
    {
        if (queue.Pace is { IsShared: true } || (_loads.Count > 0 && _loads.ContainsKey(queue.NextHop.Action)))
            LoadOf(queue).Open++;
    }

    public void Closed(ReadyQueue queue)
    {
        if (_loads.TryGetValue(queue.NextHop.Action, out Load? load) && load.Open > 0)
            load.Open--;
    }

    /// <summary>A delivery has ended: from now on it rests.</summary>
    public void Delivered(ReadyQueue queue)
    {
        if (queue.Pace is not { Rests: true } pace)
            return;
        queue.RestUntil = clock.Now + pace.Gap;
        if (pace.TotalGap > TimeSpan.Zero)
            LoadOf(queue).RestUntil = clock.Now + pace.TotalGap;
    }

    /// <summary>The next hop of the same action whose turn it is.</summary>
    public bool TryNext(ReadyQueue after, [NotNullWhen(true)] out ReadyQueue? queue)
    {
        queue = null;
        if (!_loads.TryGetValue(after.NextHop.Action, out Load? load) || !load.Line.TryDequeue(out queue))
            return false;
        queue.IsInActionLine = false;
        return true;
    }

    public void Dispose()
    {
        foreach (ITimer timer in _timers.Values)
            timer.Dispose();
        _timers.Clear();
    }

    /// <summary>The timer of this next hop has rung.</summary>
    public void Rested(ReadyQueue queue)
    {
        if (_timers.Remove(queue, out ITimer? timer))
            timer.Dispose();
    }

    private static int MostLanes(DeliveryPace pace) => pace.TotalGap > TimeSpan.Zero ? 1 : pace.Processes;

    private Load LoadOf(ReadyQueue queue)
    {
        if (!_loads.TryGetValue(queue.NextHop.Action, out Load? load))
            _loads.Add(queue.NextHop.Action, load = new Load());
        return load;
    }

    private void Rest(ReadyQueue queue, TimeSpan time)
    {
        if (!_timers.ContainsKey(queue))
            _timers.Add(queue, clock.Source.CreateTimer(_ => restIsOver(queue), null, time, Timeout.InfiniteTimeSpan));
    }
}
