using System.Collections.Immutable;
using Estafette.Mail;
using Estafette.Queue;

namespace Estafette.Delivery.Users;

/// <summary>
/// Gathers the outcomes of the deliveries that one recipient became, and tells the queue when the last has come: one that must be tried again keeps the recipient in the queue, one that failed
/// makes it fail, else it is delivered.
/// </summary>
internal sealed class LeafResults(DeliveryJob job, int index, LeafMemory memory, IReadOnlyList<LocalLeaf> leaves)
{
    private readonly DeliveryPart?[] _parts = new DeliveryPart?[leaves.Count];
    private int _left = leaves.Count;

    private Recipient Recipient => job.Envelope.Recipients[index];

    /// <summary>True where an earlier attempt was the last of this one.</summary>
    public bool IsDone(int leaf)
    {
        if (memory.Find(job.Envelope.Id, Recipient.Key, leaves[leaf].Key) is not { } known)
            return false;
        Set(leaf, known);
        return true;
    }

    /// <summary>What goes on as a new message is told of the recipient itself: its parts have records of their own there.</summary>
    public void Complete(int leaf, DeliveryOutcome outcome) => Set(leaf, new DeliveryPart(leaves[leaf] is LocalLeaf.Onward ? Recipient.Address : leaves[leaf].At.Address, outcome));

    private void Set(int leaf, DeliveryPart part)
    {
        if (Interlocked.CompareExchange(ref _parts[leaf], part, null) is null && Interlocked.Decrement(ref _left) == 0)
            End();
    }

    private void End()
    {
        DeliveryOutcome whole = Combined();
        if (whole.IsFinal)
            memory.Forget(job.Envelope.Id, Recipient.Key);
        else if (_parts.Length > 1)
            memory.Keep(job.Envelope.Id, Recipient.Key, _parts.Select((p, i) => KeyValuePair.Create(leaves[i].Key, p!)).Where(p => p.Value.Outcome.IsFinal).DistinctBy(p => p.Key));
        job.Complete(index, whole);
    }

    private DeliveryOutcome Combined()
    {
        DeliveryOutcome[] outcomes = [.. _parts.Select(p => p!.Outcome)];
        DeliveryOutcome worst = outcomes.FirstOrDefault(o => o.Kind is OutcomeKind.Deferred) ?? outcomes.FirstOrDefault(o => o.Kind is OutcomeKind.Failed) ?? outcomes[0];
        // What one of them says of its next hop is not true of this lane.
        DeliveryOutcome whole = worst with { Scope = OutcomeScope.Recipient, Parts = [] };
        DeliveryPart[] told = [.. _parts.Select(p => p!).Distinct()];
        return told is [var single] && single.Address.Equals(Recipient.Address) ? whole : whole with { Parts = [.. told] };
    }
}
