using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Queue;

namespace Estafette.Delivery.Remote;

/// <summary>Takes messages and drops them, as the action asks. It never fails.</summary>
public sealed class DiscardAgent : IDeliveryAgent
{
    private const int Recipients = 1000;

    public bool Serves(ActionConfig action, DeliveryTarget target) => action is ActionConfig.Discard;

    public NextHop NextHopOf(ActionConfig action, Recipient recipient, MailAddress reversePath) => new("discard", recipient.NextHop, action.Name);

    public int RecipientsPerJob(ActionConfig action) => Recipients;

    public async Task ServeAsync(DeliveryLane lane, CancellationToken cancellationToken)
    {
        while (await lane.TakeAsync(TimeSpan.Zero, cancellationToken) is DeliveryJob job)
            job.CompleteRest(DeliveryOutcome.Delivered(lane.NextHop.Name.Length > 0 ? lane.NextHop.Name : "Discarded"));
    }
}
