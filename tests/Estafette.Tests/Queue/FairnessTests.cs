using System.Collections.Immutable;
using Estafette.Mail;
using Estafette.Queue;

namespace Estafette.Tests.Queue;

public sealed class FairnessTests
{
    /// <summary>A house whose agent does one job at a time per lane, each when the test's gate lets it.</summary>
    private static (QueueHouse House, SemaphoreSlim Gate) Gated(int deliveries, int perJob)
    {
        var gate = new SemaphoreSlim(0);
        var house = new QueueHouse { Agent = new ScriptedAgent { PerJob = perJob } };
        house.Config = house.Config with { Limits = house.Config.Limits with { Deliveries = deliveries } };
        house.Agent.Before = (_, cancel) => gate.WaitAsync(cancel);
        house.Start();
        return (house, gate);
    }

    private static ImmutableArray<Recipient> Many(QueueHouse house, int count, Func<int, string> domain) =>
        [.. Enumerable.Range(0, count).Select(i => house.To("r" + i + "@" + domain(i)))];

    [Fact]
    public async Task A_single_message_waits_for_one_slice_of_a_mailing_to_the_same_destination()
    {
        (QueueHouse house, SemaphoreSlim gate) = Gated(deliveries: 1, perJob: 100);
        await using QueueHouse _ = house;
        await house.SendAsync("list@b.test", Many(house, 10_000, _ => "far.test"));
        await QueueHouse.Until(() => house.Agent.Log.Count == 1, "mailing runs");
        await house.SendAsync("me@b.test", "friend@far.test");
        gate.Release(3);
        await QueueHouse.Until(() => house.Agent.Log.Count == 4, "three jobs");
        Assert.Contains(house.Agent.Log, seen => seen.ReversePath == "me@b.test");
        gate.Release(1000);
        await QueueHouse.Until(() => house.Spool.Count == 0, "all");
        Assert.Equal(101, house.Agent.Log.Count);
    }

    [Fact]
    public async Task A_single_message_is_not_behind_ten_thousand_destinations_of_a_mailing()
    {
        (QueueHouse house, SemaphoreSlim gate) = Gated(deliveries: 2, perJob: 1);
        await using QueueHouse _ = house;
        await house.SendAsync("list@b.test", Many(house, 10_000, i => "d" + i + ".test"));
        await QueueHouse.Until(() => house.Agent.Log.Count == 2, "mailing runs");
        await house.SendAsync("me@b.test", "friend@far.test");
        gate.Release(150);
        await QueueHouse.Until(() => house.Agent.Log.Count >= 150, "some jobs");
        Assert.Contains(house.Agent.Log, seen => seen.ReversePath == "me@b.test");
        gate.Release(20_000);
        await QueueHouse.Until(() => house.Spool.Count == 0, "all");
    }

    [Fact]
    public async Task A_destination_with_a_backlog_gives_way_to_the_others()
    {
        (QueueHouse house, SemaphoreSlim gate) = Gated(deliveries: 4, perJob: 100);
        await using QueueHouse _ = house;
        for (int i = 0; i < 500; i++)
            await house.SendAsync("a@b.test", "x@busy.test");
        await QueueHouse.Until(() => house.Agent.Log.Count == 4, "all slots taken");
        for (int i = 0; i < 5; i++)
            await house.SendAsync("a@b.test", "x@quiet" + i + ".test");
        gate.Release(40);
        await QueueHouse.Until(() => house.Agent.Log.Count == 44, "forty jobs");
        Assert.Equal(5, house.Agent.Log.Count(seen => seen.NextHop.StartsWith("quiet", StringComparison.Ordinal)));
        Assert.True(house.Queue.Lanes <= 4);
        gate.Release(1000);
        await QueueHouse.Until(() => house.Spool.Count == 0, "all");
    }

    [Fact]
    public async Task A_waiting_connection_makes_room_for_a_new_destination()
    {
        await using var house = new QueueHouse { Agent = new ScriptedAgent { Wait = TimeSpan.FromHours(1) } };
        house.Config = house.Config with { Limits = house.Config.Limits with { Deliveries = 1 } };
        house.Start();
        for (int i = 0; i < 5; i++)
            await house.SendAsync("a@b.test", "x@d" + i + ".test");
        await QueueHouse.Until(() => house.Spool.Count == 0, "all, one connection after the other");
    }

    [Fact]
    public async Task An_open_connection_takes_the_next_message()
    {
        await using var house = new QueueHouse();
        house.Start();
        for (int i = 0; i < 20; i++)
        {
            await house.SendAsync("a@b.test", "x@far.test");
            await house.Quiet();
            await QueueHouse.Until(() => house.Agent.Log.Count == i + 1, "delivered");
        }
        Assert.InRange(house.Agent.LanesOpened, 1, 5);
    }

    [Fact]
    public async Task A_backlog_that_fills_memory_leaves_room_for_others()
    {
        (QueueHouse house, SemaphoreSlim gate) = Gated(deliveries: 4, perJob: 1);
        await using QueueHouse _ = house;
        house.Config = house.Config with { Limits = house.Config.Limits with { ActiveMessages = 100 } };
        for (int i = 0; i < 150; i++)
            await house.SendAsync("a@b.test", "x@slow.test");
        await house.SendAsync("a@b.test", "x@far.test");
        gate.Release(40);
        await QueueHouse.Until(() => house.Agent.Log.Any(seen => seen.NextHop == "far.test"), "other mail passes");
        gate.Release(1000);
        await house.Pass(TimeSpan.FromMinutes(2), TimeSpan.FromSeconds(10));
        await QueueHouse.Until(() => house.Spool.Count == 0, "all");
        Assert.Equal(151, house.Agent.Log.Count);
    }

    [Fact]
    public async Task Memory_is_bounded_by_active_messages()
    {
        (QueueHouse house, SemaphoreSlim gate) = Gated(deliveries: 2, perJob: 1);
        await using QueueHouse _ = house;
        house.Config = house.Config with { Limits = house.Config.Limits with { ActiveMessages = 50 } };
        for (int i = 0; i < 300; i++)
            await house.SendAsync("a@b.test", "x@d" + (i % 7) + ".test");
        Assert.InRange(house.Queue.ActiveMessages, 1, 50);
        gate.Release(1000);
        await QueueHouse.Until(() => house.Spool.Count == 0, "all");
        Assert.Equal(300, house.Agent.Log.Count);
    }
}
