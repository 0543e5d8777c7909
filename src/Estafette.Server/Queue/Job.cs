using Estafette.Mail;
using Estafette.Spool;

namespace Estafette.Queue;

/// <summary>
/// One slice of a batch in an agent's hands. The first outcome told for a recipient counts; with the last one the job goes to
/// <see cref="ReadyQueues.JobDone"/>, in the agent's thread.
/// </summary>
internal sealed class Job : DeliveryJob
{
    private readonly Lane _lane;
    private readonly ArraySegment<int> _recipients;
    private readonly DeliveryOutcome?[] _outcomes;
    private int _left;

    public Job(Lane lane, Batch batch, ArraySegment<int> recipients)
    {
        _lane = lane;
        Batch = batch;
        _recipients = recipients;
        _outcomes = new DeliveryOutcome?[recipients.Count];
        _left = recipients.Count;
        TakenAt = lane.Queues.Clock.Source.GetTimestamp();
    }

    /// <summary>Timestamp of when an agent took it.</summary>
    public long TakenAt { get; }

    /// <summary>Timestamp of when its peer was ready; 0 while it is not.</summary>
    public long BegunAt { get; private set; }
    public int ConnectionUses { get; private set; } = 1;

    public override void Begins(int connectionUses) => (BegunAt, ConnectionUses) = (_lane.Queues.Clock.Source.GetTimestamp(), connectionUses);

    public Batch Batch { get; }
    public override Envelope Envelope => Batch.Message.Envelope;
    public override IReadOnlyList<int> Recipients => _recipients;
    public override MailAddress ReversePath => Batch.ReversePath;
    public override int Attempt => Batch.Message.ProgressOf(_recipients[0]).Attempts;
    public ReadOnlySpan<int> RecipientSpan => _recipients;
    public ReadOnlySpan<DeliveryOutcome?> Outcomes => _outcomes;

    public override ValueTask<SpoolBody?> OpenBodyAsync(CancellationToken cancellationToken) => _lane.Queues.Spool.OpenBodyAsync(Envelope.Id, cancellationToken);

    public override ValueTask<MessageId?> ForwardAsync(Forwarding forwarding, CancellationToken cancellationToken) => _lane.Queues.Forwarder.ForwardAsync(Batch.Message.Stored, forwarding, cancellationToken);

    public override void Complete(int recipient, DeliveryOutcome outcome)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        int at = _recipients.AsSpan().IndexOf(recipient);
        if (at < 0)
            throw new ArgumentOutOfRangeException(nameof(recipient), recipient, "The job is not for this recipient.");
        if (Interlocked.CompareExchange(ref _outcomes[at], outcome, null) is null && Interlocked.Decrement(ref _left) == 0)
            _lane.Queues.JobDone(this, _lane);
    }

    public override void CompleteRest(DeliveryOutcome outcome)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        foreach (int recipient in _recipients)
            Complete(recipient, outcome);
    }
}
