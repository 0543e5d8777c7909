using System.Threading.Tasks.Sources;
using Estafette.Config.Model;

namespace Estafette.Queue;

/// <summary>
/// One connection's worth of work: a task that runs the agent and the place where it waits for the next job. All state is guarded by the
/// ready queues' lock; a wait costs no task and no exception.
/// </summary>
internal sealed class Lane : DeliveryLane, IValueTaskSource<DeliveryJob?>, IDisposable
{
    private readonly ReadyQueue _queue;
    private ManualResetValueTaskSourceCore<DeliveryJob?> _wait = new() { RunContinuationsAsynchronously = true };
    private ITimer? _timer;

    public Lane(ReadyQueues queues, ReadyQueue queue, MailConfig config, ActionConfig action)
    {
        Queues = queues;
        _queue = queue;
        Config = config;
        Action = action;
        IdleNode = new LinkedListNode<Lane>(this);
    }

    public ReadyQueues Queues { get; }
    public ReadyQueue Queue => _queue;
    public override NextHop NextHop => _queue.NextHop;
    public override ActionConfig Action { get; }
    public override MailConfig Config { get; }

    /// <summary>Its place among the lanes that wait, the longest first.</summary>
    public LinkedListNode<Lane> IdleNode { get; }
    public bool IsWaiting { get; private set; }

    /// <summary>Gets no more jobs: its connection failed, others need the slot, the configuration changed, or the daemon stops.</summary>
    public bool IsClosing { get; set; }
    public bool HasServed { get; set; }

    /// <summary>Came for its first job.</summary>
    public bool HasAsked { get; set; }
    public int Taken { get; set; }

    /// <summary>Jobs without all their outcomes.</summary>
    public HashSet<Job> Open { get; } = [];

    public override ValueTask<DeliveryJob?> TakeAsync(TimeSpan wait, CancellationToken cancellationToken) => Queues.TakeAsync(this, wait, cancellationToken);

    /// <summary>Called under the lock: the lane has nothing to do, until <see cref="Wake"/> or the time is over.</summary>
    public ValueTask<DeliveryJob?> BeginWait(TimeSpan wait)
    {
        _wait.Reset();
        IsWaiting = true;
        if (_timer is null)
            _timer = Queues.Clock.Source.CreateTimer(static lane => ((Lane)lane!).Queues.GiveUpWaiting((Lane)lane), this, wait, Timeout.InfiniteTimeSpan);
        else
            _timer.Change(wait, Timeout.InfiniteTimeSpan);
        return new ValueTask<DeliveryJob?>(this, _wait.Version);
    }

    /// <summary>Called under the lock, only while it waits.</summary>
    public void Wake(DeliveryJob? job)
    {
        IsWaiting = false;
        _timer!.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _wait.SetResult(job);
    }

    public void Dispose() => _timer?.Dispose();

    DeliveryJob? IValueTaskSource<DeliveryJob?>.GetResult(short token) => _wait.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<DeliveryJob?>.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<DeliveryJob?>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);
}
