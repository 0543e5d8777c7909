using System.Threading.Tasks.Sources;

namespace Estafette.Spool;

/// <summary>
/// Something for the log: records that are written together, what to do when they are there, and the caller who waits. One object serves its
/// owner many times, one time after the other.
/// </summary>
internal abstract class LogOperation : IValueTaskSource<SpoolStatus>
{
    private ManualResetValueTaskSourceCore<SpoolStatus> _source = new() { RunContinuationsAsynchronously = true };

    public abstract RecordBuffer Records { get; }

    /// <summary>The caller waits for the disk, not only for the write.</summary>
    public abstract bool NeedsFlush { get; }

    /// <summary>May take the last prepared segment: what makes mail leave a full disk.</summary>
    public virtual bool MayUseReserve => false;

    /// <summary>Where the first record went.</summary>
    public Segment Segment { get; private set; } = null!;

    public int Offset { get; private set; }

    public ValueTask<SpoolStatus> Task => new(this, _source.Version);

    /// <summary>On the writer's thread, in log order: the last word whether this still makes sense.</summary>
    public virtual SpoolStatus Prepare() => SpoolStatus.Ok;

    /// <summary>Under the index' lock, when the promise holds.</summary>
    public abstract void Apply();

    /// <summary>On the writer's thread: the prepared operation was not kept.</summary>
    public virtual void Rollback() { }

    public void Place(Segment segment, int offset)
    {
        Segment = segment;
        Offset = offset;
    }

    public void Reset() => _source.Reset();

    public void Complete(SpoolStatus status) => _source.SetResult(status);

    SpoolStatus IValueTaskSource<SpoolStatus>.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<SpoolStatus>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<SpoolStatus>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}

/// <summary>No record: completes when everything before it is on the disk.</summary>
internal sealed class BarrierOperation : LogOperation, IDisposable
{
    public override RecordBuffer Records { get; } = new(RecordFormat.HeaderLength);
    public override bool NeedsFlush => true;
    public override void Apply() { }
    public void Dispose() => Records.Dispose();
}
