using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Routing.Maps;

namespace Estafette.Queue;

/// <summary>Recipients that know where to go, and those that go nowhere now, with the reason.</summary>
internal readonly record struct RoutedRound(MailConfig Config, int[] Recipients, List<(int Recipient, DeliveryOutcome Reason)> Refused);

/// <summary>
/// Finds the route of each recipient anew for each round of attempts, where maps route: a changed map, class or relay host reaches mail that waits (qmgr(8), trivial-rewrite(8)). The answer lives in memory only. A
/// route that the message was given (a content filter) is kept.
/// </summary>
internal sealed class RouteFinder(Func<MapRouter?> maps, EventSink events)
{
    private static readonly List<(int, DeliveryOutcome)> s_none = [];

    private static readonly DeliveryOutcome s_expanded = DeliveryOutcome.Delivered("alias expanded");

    public bool Routes => maps() is not null;

    public async ValueTask<RoutedRound> RouteAsync(ActiveMessage message, ArraySegment<int> due)
    {
        MapRouter router = maps() ?? throw new InvalidOperationException("the configuration routes by rules");
        Envelope stored = message.Stored;
        if (due.Count == 1)
        {
            (Recipient? only, DeliveryOutcome? refusal) = await RouteOneAsync(router, stored, stored.Recipients[due[0]]);
            if (only is null)
                return new RoutedRound(router.Config, [], [(due[0], refusal!)]);
            message.Route(due, [only]);
            return new RoutedRound(router.Config, AsArray(due), s_none);
        }
        var indexes = new List<int>(due.Count);
        var routed = new List<Recipient>(due.Count);
        var refused = new List<(int, DeliveryOutcome)>();
        foreach (int index in due)
        {
            (Recipient? recipient, DeliveryOutcome? reason) = await RouteOneAsync(router, stored, stored.Recipients[index]);
            if (recipient is null)
            {
                refused.Add((index, reason!));
                continue;
            }
            indexes.Add(index);
            routed.Add(recipient);
        }
        int[] array = [.. indexes];
        message.Route(array, [.. routed]);
        return new RoutedRound(router.Config, array, refused);
    }

    private async ValueTask<(Recipient? Routed, DeliveryOutcome? Reason)> RouteOneAsync(MapRouter router, Envelope envelope, Recipient recipient)
    {
        if (recipient.Action == Recipient.AliasExpanded)
            return (null, s_expanded);
        if (recipient.Action.Length > 0)
            return (recipient, null);
        Resolution resolution = await router.ResolveAsync(recipient.Address, recipient.ReversePath ?? envelope.ReversePath, CancellationToken.None);
        switch (resolution.Problem)
        {
            case ResolutionProblem.Malformed:
                return (null, DeliveryOutcome.Failed(new(5, 1, 3), resolution.Reason));
            case ResolutionProblem.Unavailable:
                events.Publish(new OperatorWarning("qmgr", "the way of <" + recipient.Address + "> cannot be told: " + resolution.Reason) { At = events.Now });
                return (null, DeliveryOutcome.Deferred(new(4, 3, 0), "address resolver failure"));
        }
        if (!router.Config.Actions.ContainsKey(resolution.Action))
            return (null, DeliveryOutcome.Deferred(new(4, 3, 0), "mail transport unavailable"));
        return (recipient with { Address = resolution.Address, Action = resolution.Action, NextHop = resolution.NextHop }, null);
    }

    private static int[] AsArray(ArraySegment<int> due) => due.Array is { } array && array.Length == due.Count ? array : [.. due];
}
