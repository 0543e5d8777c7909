using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Spool;

namespace Estafette.Delivery.Users;

/// <summary>
/// Hands one recipient to the agent of another transport and waits for its outcome (<c>mailbox_transport</c>, <c>fallback_transport</c>): a lane with a single job. The queue knows of none of
/// it; the recipient stays that of local(8).
/// </summary>
internal static class PassedDelivery
{
    public static async ValueTask<DeliveryOutcome> RunAsync(
        LocalLeaf.Passed leaf, DeliveryJob job, Recipient recipient, DeliveryLane from, IReadOnlyList<IDeliveryAgent> agents, CancellationToken cancellationToken)
    {
        if (!from.Config.Actions.TryGetValue(leaf.Transport, out ActionConfig? action) || action is ActionConfig.LocalUsers)
            return DeliveryOutcome.Deferred(new(4, 3, 5), $"mail transport unavailable: {leaf.Transport}");
        Recipient passed = recipient with { Address = leaf.At.Address, Action = action.Name, NextHop = leaf.NextHop, Target = DeliveryTarget.Relay.Instance };
        if (agents.FirstOrDefault(a => a.Serves(action, passed.Target)) is not { } agent)
            return DeliveryOutcome.Deferred(new(4, 3, 5), $"nothing delivers by {leaf.Transport}");
        var inner = new Job(job, passed, leaf.At.Sender);
        await agent.ServeAsync(new Lane(inner, agent.NextHopOf(action, passed, leaf.At.Sender), action, from.Config), cancellationToken);
        return inner.Outcome ?? DeliveryOutcome.Deferred(new(4, 3, 0), $"{leaf.Transport} ended without an outcome");
    }

    private sealed class Lane(Job job, NextHop nextHop, ActionConfig action, MailConfig config) : DeliveryLane
    {
        private bool _given;

        public override NextHop NextHop => nextHop;
        public override ActionConfig Action => action;
        public override MailConfig Config => config;

        public override ValueTask<DeliveryJob?> TakeAsync(TimeSpan wait, CancellationToken cancellationToken)
        {
            bool given = _given;
            _given = true;
            return ValueTask.FromResult<DeliveryJob?>(given ? null : job);
        }
    }

    /// <summary>The message for this recipient alone.</summary>
    private sealed class Job(DeliveryJob outer, Recipient recipient, MailAddress sender) : DeliveryJob
    {
        public DeliveryOutcome? Outcome { get; private set; }

        public override Envelope Envelope { get; } = outer.Envelope with { Recipients = [recipient] };
        public override IReadOnlyList<int> Recipients { get; } = [0];
        public override MailAddress ReversePath => sender;
        public override int Attempt => outer.Attempt;

        public override ValueTask<SpoolBody?> OpenBodyAsync(CancellationToken cancellationToken) => outer.OpenBodyAsync(cancellationToken);

        public override void Complete(int recipient, DeliveryOutcome outcome) => Outcome ??= outcome;

        public override void CompleteRest(DeliveryOutcome outcome) => Outcome ??= outcome;

        public override ValueTask<MessageId?> ForwardAsync(Forwarding forwarding, CancellationToken cancellationToken) => outer.ForwardAsync(forwarding, cancellationToken);
    }
}
