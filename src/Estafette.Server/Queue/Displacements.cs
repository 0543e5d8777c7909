using Estafette.Mail;

namespace Estafette.Queue;

/// <summary>What becomes of recipients that left the ready queues without an attempt of their own.</summary>
internal enum Fate : byte
{
    /// <summary>The next hop is dead: they share its last outcome.</summary>
    Deferred,

    /// <summary>Memory is nearly full, most of it with mail for this next hop: the rest is kept for the others.</summary>
    Postponed,

    /// <summary>An operator stopped their message.</summary>
    Stopped,

    /// <summary>The configuration changed: their next hop is asked again.</summary>
    Rerouted,
}

internal readonly record struct Displaced(Batch Batch, ArraySegment<int> Recipients, Fate Fate, DeliveryOutcome? Outcome, DateTimeOffset NotBefore);

/// <summary>Carries out what the ready queues decided under their lock, after it is left.</summary>
internal sealed class Displacements(Settlement settlement, Action<Batch, ArraySegment<int>> reroute)
{
    public void Settle(List<Displaced>? displaced)
    {
        if (displaced is null)
            return;
        foreach (Displaced one in displaced)
        {
            switch (one.Fate)
            {
                case Fate.Deferred:
                    settlement.Defer(one.Batch, one.Recipients, one.Outcome!, one.NotBefore);
                    break;
                case Fate.Postponed:
                    settlement.Postpone(one.Batch.Message, one.Recipients);
                    break;
                case Fate.Stopped:
                    settlement.LeaveAlone(one.Batch.Message, one.Recipients.Count);
                    break;
                case Fate.Rerouted:
                    reroute(one.Batch, one.Recipients);
                    break;
            }
        }
    }
}
