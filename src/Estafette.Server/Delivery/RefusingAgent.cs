using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Queue;

namespace Estafette.Delivery;

/// <summary>Delivers nothing: the next hop is the reason, for good (error(8)) or for now (retry). An enhanced status code in front of the words counts as such.</summary>
public sealed class RefusingAgent : IDeliveryAgent
{
    private const int Recipients = 1000;

    public bool Serves(ActionConfig action, DeliveryTarget target) => action is ActionConfig.Refuse;

    public NextHop NextHopOf(ActionConfig action, Recipient recipient, MailAddress reversePath) => new(((ActionConfig.Refuse)action).ForGood ? "error" : "retry", recipient.NextHop, action.Name);

    public int RecipientsPerJob(ActionConfig action) => Recipients;

    public async Task ServeAsync(DeliveryLane lane, CancellationToken cancellationToken)
    {
        var action = (ActionConfig.Refuse)lane.Action;
        DeliveryOutcome outcome = OutcomeOf(action.ForGood, action.Reason ?? lane.NextHop.Name);
        while (await lane.TakeAsync(TimeSpan.Zero, cancellationToken) is DeliveryJob job)
            job.CompleteRest(outcome);
    }

    internal static DeliveryOutcome OutcomeOf(bool forGood, string reason)
    {
        int blank = reason.IndexOf(' ', StringComparison.Ordinal);
        var status = new EnhancedStatus((byte)(forGood ? 5 : 4), 0, 0);
        string text = reason;
        if (EnhancedStatus.TryParse(reason.AsSpan(0, blank < 0 ? reason.Length : blank), out EnhancedStatus own))
        {
            status = own with { Class = status.Class };
            text = blank < 0 ? "" : reason[blank..].Trim();
        }
        if (text.Length == 0)
            text = forGood ? "undeliverable" : "delivery is put off";
        return forGood ? DeliveryOutcome.Failed(status, text) : DeliveryOutcome.Deferred(status, text);
    }
}
