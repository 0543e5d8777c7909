using Estafette.Config.Model;

namespace Estafette.Queue;

/// <summary>
/// What waits for one next hop, and the lanes that serve it. Messages take turns: each turn gives one slice, so that a huge mailing
/// never stands before a single message. Guarded by the ready queues' lock.
/// </summary>
internal sealed class ReadyQueue(NextHop nextHop, IDeliveryAgent agent, DeliveryKind kind, int laneLimit)
{
    private readonly Queue<Batch> _waiting = new();

    public NextHop NextHop => nextHop;
    public IDeliveryAgent Agent => agent;
    public DeliveryKind Kind => kind;
    public NextHopHealth Health { get; } = new(laneLimit);
    public List<Lane> Lanes { get; } = [];

    /// <summary>Lanes that were opened and have not asked for their first job.</summary>
    public int Opening { get; set; }

    /// <summary>Waits for a free slot among all lanes.</summary>
    public bool IsInLine { get; set; }

    /// <summary>Waits for a lane of its action (<see cref="ActionLoads"/>).</summary>
    public bool IsInActionLine { get; set; }

    /// <summary>The pace of its action, in the configuration that it was looked up in.</summary>
    public DeliveryPace? Pace { get; set; }
    public MailConfig? PacedBy { get; set; }

    /// <summary>No delivery before.</summary>
    public DateTimeOffset RestUntil { get; set; }

    public int Waiting => _waiting.Count;

    public void Add(Batch batch) => _waiting.Enqueue(batch);

    public Batch? Peek() => _waiting.TryPeek(out Batch? batch) ? batch : null;

    /// <summary>The next slice; null when nothing waits. Batches of a message that an operator stopped come out whole, through <paramref name="stopped"/>.</summary>
    public Job? Next(Lane lane, ref List<Batch>? stopped)
    {
        while (_waiting.TryDequeue(out Batch? batch))
        {
            if (batch.Message.IsStopped)
            {
                (stopped ??= []).Add(batch);
                continue;
            }
            int most = agent.RecipientsPerJob(lane.Action);
            ArraySegment<int> slice = batch.Take(lane.Action.Pace is { Recipients: > 0 and int own } ? Math.Min(own, most) : most);
            if (!batch.IsTaken)
                _waiting.Enqueue(batch);
            return new Job(lane, batch, slice);
        }
        return null;
    }

    /// <summary>Takes everything out, because it cannot be served here.</summary>
    public List<Batch> TakeAll()
    {
        List<Batch> all = [.. _waiting];
        _waiting.Clear();
        return all;
    }

    /// <summary>Nothing waits and nothing that was learned is worth keeping.</summary>
    public bool IsForgettable(DateTimeOffset now) => IsIdle && Health.IsForgettable(now) && RestUntil <= now;

    public bool IsIdle => Lanes.Count == 0 && _waiting.Count == 0 && !IsInLine && !IsInActionLine;
}
