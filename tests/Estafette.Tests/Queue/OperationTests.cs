using Estafette.Events;
using Estafette.Mail;
using Estafette.Queue;

namespace Estafette.Tests.Queue;

public sealed class OperationTests
{
    private static async Task<List<QueuedRecipient>> List(QueueHouse house, QueueSelector selector)
    {
        var rows = new List<QueuedRecipient>();
        await foreach (QueuedRecipient row in house.Queue.Operations.ListAsync(selector, CancellationToken.None))
            rows.Add(row);
        return rows;
    }

    private static QueueHouse Deferring()
    {
        var house = new QueueHouse();
        house.Agent.Answer = static (_, _) => DeliveryOutcome.Deferred(new(4, 2, 0), "451 later");
        house.Start();
        return house;
    }

    [Fact]
    public async Task A_listing_shows_who_waits_why_and_until_when()
    {
        await using QueueHouse house = Deferring();
        MessageId id = await house.SendAsync("a@b.test", "x@far.test");
        await house.Quiet();
        QueuedRecipient row = Assert.Single(await List(house, QueueSelector.All.Instance));
        Assert.Equal((id, QueuedState.Scheduled, 1, "451 later"), (row.Envelope.Id, row.State, row.Attempts, row.LastOutcome!.Text));
        Assert.Equal(house.Clock.GetUtcNow(), row.LastAttempt);
        Assert.InRange((row.NextAttempt!.Value - house.Clock.GetUtcNow()).TotalSeconds, 13, 17);
        Assert.Equal(row.Envelope.Received + TimeSpan.FromDays(5), row.Expires);
        foreach (string text in new[] { id.ToString(), id.Short, row.EnvelopeId })
            Assert.Single(await List(house, new QueueSelector.ById(text)));
        Assert.Empty(await List(house, new QueueSelector.ByDomain("near.test")));
    }

    [Fact]
    public async Task Flush_tries_what_it_names_now()
    {
        await using QueueHouse house = Deferring();
        await house.SendAsync("a@b.test", "x@far.test");
        await house.SendAsync("a@b.test", "y@near.test");
        await house.Quiet();
        Assert.Equal(1, await house.Queue.Operations.FlushAsync(new QueueSelector.ByDomain("near.test"), CancellationToken.None));
        await QueueHouse.Until(() => house.Agent.Log.Count == 3, "near again");
        Assert.Equal("near.test", house.Agent.Log.Last().NextHop);
        await house.Quiet();
        Assert.Equal(2, await house.Queue.Operations.FlushAsync(QueueSelector.All.Instance, CancellationToken.None));
        await QueueHouse.Until(() => house.Agent.Log.Count == 5, "both again");
    }

    [Fact]
    public async Task Held_mail_waits_and_released_mail_goes_on()
    {
        await using QueueHouse house = Deferring();
        MessageId id = await house.SendAsync("a@b.test", "x@far.test");
        await house.Quiet();
        var which = new QueueSelector.ById(id.Short);
        Assert.Equal(1, await house.Queue.Operations.HoldAsync(which, CancellationToken.None));
        await house.Pass(TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(1));
        Assert.Single(house.Agent.Log);
        Assert.Equal(QueuedState.Held, Assert.Single(await List(house, which)).State);
        Assert.Equal(1, await house.Queue.Operations.ReleaseAsync(which, CancellationToken.None));
        await QueueHouse.Until(() => house.Agent.Log.Count == 2, "tried again");
    }

    [Fact]
    public async Task Removing_a_recipient_leaves_the_others_and_removing_all_ends_the_message()
    {
        await using QueueHouse house = Deferring();
        MessageId id = await house.SendAsync("a@b.test", "x@far.test", "y@far.test");
        await house.Quiet();
        QueuedRecipient x = (await List(house, QueueSelector.All.Instance)).Single(row => row.Recipient.Address.LocalPart == "x");
        Assert.Equal(1, await house.Queue.Operations.RemoveAsync(new QueueSelector.ById(x.EnvelopeId), CancellationToken.None));
        Assert.Equal("y", Assert.Single(await List(house, QueueSelector.All.Instance)).Recipient.Address.LocalPart);
        Assert.Equal(1, await house.Queue.Operations.RemoveAsync(new QueueSelector.ById(id.ToString()), CancellationToken.None));
        Assert.Equal(0, house.Spool.Count);
        Assert.Equal(2, house.Events.OfType<MessageRemoved>().Count());
    }

    [Fact]
    public async Task A_removed_message_under_way_does_not_come_back()
    {
        await using var house = new QueueHouse();
        var gate = new TaskCompletionSource();
        house.Agent.Before = (_, _) => gate.Task;
        house.Agent.Answer = static (_, _) => DeliveryOutcome.Failed(new(5, 1, 1), "550 no");
        house.Start();
        await house.SendAsync("a@b.test", "x@far.test");
        await QueueHouse.Until(() => house.Agent.Log.Count == 1, "running");
        Assert.Equal(1, await house.Queue.Operations.RemoveAsync(QueueSelector.All.Instance, CancellationToken.None));
        gate.SetResult();
        await house.Quiet();
        Assert.Equal(0, house.Spool.Count);
        Assert.Empty(house.Events.OfType<NotificationQueued>());
    }

    [Fact]
    public async Task A_paused_kind_gets_no_jobs_until_resumed()
    {
        await using var house = new QueueHouse();
        house.Start();
        house.Queue.Operations.Pause(DeliveryKind.Relay);
        await house.SendAsync("a@b.test", "x@far.test");
        house.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(house.Agent.Log);
        Assert.Equal(QueuedState.Active, Assert.Single(await List(house, QueueSelector.All.Instance)).State);
        house.Queue.Operations.Resume(DeliveryKind.Relay);
        await QueueHouse.Until(() => house.Spool.Count == 0, "delivered");
    }
}
