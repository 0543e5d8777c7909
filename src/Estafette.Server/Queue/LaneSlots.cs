namespace Estafette.Queue;

/// <summary>
/// The slots that all lanes share: how many are open, which next hops stand in line for one, which lanes have nothing to do. When every slot is taken
/// lanes give way, so that no destination waits for another's backlog. Guarded by the ready queues' lock.
/// </summary>
internal sealed class LaneSlots
{
    /// <summary>Jobs a lane serves before it gives way to a next hop in line.</summary>
    internal const int Quantum = 20;

    private readonly Queue<ReadyQueue> _line = new();

    /// <summary>Lanes that wait for a job, the longest first.</summary>
    private readonly LinkedList<Lane> _idle = [];

    /// <summary>Next hops with at least one lane.</summary>
    private int _serving;

    public int Open { get; private set; }
    public bool HasLine => _line.Count > 0;

    public void Opened(Lane lane)
    {
        _serving += lane.Queue.Lanes.Count == 0 ? 1 : 0;
        lane.Queue.Lanes.Add(lane);
        lane.Queue.Opening++;
        Open++;
    }

    public void Closed(Lane lane)
    {
        lane.Queue.Lanes.Remove(lane);
        Open--;
        _serving -= lane.Queue.Lanes.Count == 0 ? 1 : 0;
    }

    /// <summary>Others stand in line, and this lane has had its quantum or its next hop more than an even share of the slots.</summary>
    public bool GivesWay(Lane lane, int limit) =>
        _line.Count > 0 && lane.Taken > 0 && (lane.Taken >= Quantum || lane.Queue.Lanes.Count > Math.Max(1, limit / (_serving + _line.Count)));

    public void StandInLine(ReadyQueue queue)
    {
        if (_idle.First is { } idle)
            Dismiss(idle.Value);
        if (queue.IsInLine)
            return;
        queue.IsInLine = true;
        _line.Enqueue(queue);
    }

    /// <summary>The next hop whose turn it is, or null when nobody stands in line or every slot is taken.</summary>
    public ReadyQueue? Next(int limit)
    {
        if (Open >= limit || !_line.TryDequeue(out ReadyQueue? queue))
            return null;
        queue.IsInLine = false;
        return queue;
    }

    public ValueTask<DeliveryJob?> Wait(Lane lane, TimeSpan wait)
    {
        ValueTask<DeliveryJob?> answer = lane.BeginWait(wait);
        _idle.AddLast(lane.IdleNode);
        return answer;
    }

    public void Wake(Lane lane, Job job)
    {
        _idle.Remove(lane.IdleNode);
        lane.Wake(job);
    }

    /// <summary>Sends a waiting lane away.</summary>
    public void Dismiss(Lane lane)
    {
        _idle.Remove(lane.IdleNode);
        lane.IsClosing = true;
        lane.Wake(null);
    }

    public void DismissAll()
    {
        while (_idle.First is { } first)
            Dismiss(first.Value);
    }
}
