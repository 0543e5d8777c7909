using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Queue;

/// <summary>
/// Finds the next hop of each recipient by the action in force, and puts recipients together that can share a job: same next hop, same
/// reverse-path. A recipient whose action or agent is gone has no batch but a reason.
/// </summary>
internal sealed class Grouping(IReadOnlyList<IDeliveryAgent> agents)
{
    /// <summary>Exactly one of batch and reason is set.</summary>
    public Batch? GroupOne(ActiveMessage message, int recipient, MailConfig config, out DeliveryOutcome? reason)
    {
        if (Find(message, recipient, config, out NextHop nextHop, out reason) is not { } agent)
            return null;
        return new Batch(message, nextHop, agent, [recipient]) { Config = config, ReversePath = ReversePathOf(message, recipient) };
    }

    public List<Batch> Group(ActiveMessage message, ReadOnlySpan<int> recipients, MailConfig config, List<(int Recipient, DeliveryOutcome Reason)> refused)
    {
        var groups = new Dictionary<(NextHop, MailAddress), (IDeliveryAgent Agent, List<int> Recipients)>();
        foreach (int recipient in recipients)
        {
            if (Find(message, recipient, config, out NextHop nextHop, out DeliveryOutcome? reason) is not { } agent)
            {
                refused.Add((recipient, reason!));
                continue;
            }
            (NextHop, MailAddress) key = (nextHop, ReversePathOf(message, recipient));
            if (!groups.TryGetValue(key, out (IDeliveryAgent Agent, List<int> Recipients) group))
                groups.Add(key, group = (agent, []));
            group.Recipients.Add(recipient);
        }
        var batches = new List<Batch>(groups.Count);
        foreach (((NextHop nextHop, MailAddress reversePath), (IDeliveryAgent agent, List<int> members)) in groups)
            batches.Add(new Batch(message, nextHop, agent, [.. members]) { Config = config, ReversePath = reversePath });
        return batches;
    }

    private IDeliveryAgent? Find(ActiveMessage message, int index, MailConfig config, out NextHop nextHop, out DeliveryOutcome? reason)
    {
        nextHop = default;
        reason = null;
        Recipient recipient = message.Envelope.Recipients[index];
        if (!config.Actions.TryGetValue(recipient.Action, out ActionConfig? action))
        {
            reason = DeliveryOutcome.Deferred(new(4, 3, 5), "Action \"" + recipient.Action + "\" is not in the configuration any more");
            return null;
        }
        try
        {
            foreach (IDeliveryAgent agent in agents)
            {
                if (!agent.Serves(action, recipient.Target))
                    continue;
                nextHop = agent.NextHopOf(action, recipient, ReversePathOf(message, index));
                return agent;
            }
            reason = DeliveryOutcome.Deferred(new(4, 3, 5), "Nothing delivers by action \"" + recipient.Action + "\"");
        }
        catch (Exception exception)
        {
            // A bug in an agent costs this recipient an attempt, never the queue.
            reason = DeliveryOutcome.Deferred(new(4, 3, 0), "Internal error: " + exception.GetType().Name + ": " + exception.Message);
        }
        return null;
    }

    /// <summary>An operator wants attempts now.</summary>
    public void Wake()
    {
        foreach (IDeliveryAgent agent in agents)
            agent.Wake();
    }

    private static MailAddress ReversePathOf(ActiveMessage message, int recipient) =>
        message.Envelope.Recipients[recipient].ReversePath ?? message.Envelope.ReversePath;
}
