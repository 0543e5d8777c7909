using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Tests.Queue;

/// <summary>The pace that a configuration sets for single actions: lanes, recipients, process limits and rests.</summary>
public sealed class PaceTests
{
    private static QueueHouse House(DeliveryPace pace, ScriptedAgent? agent = null)
    {
        var house = new QueueHouse { Agent = agent ?? new ScriptedAgent() };
        house.Config = house.Config with { Actions = house.Config.Actions.SetItem("out", house.Config.Actions["out"] with { Pace = pace }) };
        return house;
    }

    [Fact]
    public async Task Recipients_of_one_message_go_in_deliveries_of_the_size_that_is_set()
    {
        await using QueueHouse house = House(new DeliveryPace { Recipients = 2 });
        house.Start();
        await house.SendAsync("a@x.test", [.. Enumerable.Range(0, 5).Select(i => $"u{i}@y.test")]);
        await QueueHouse.Until(() => house.Agent.Log.Sum(s => s.Recipients.Length) == 5, "deliveries");
        Assert.Equal([1, 2, 2], house.Agent.Log.Select(s => s.Recipients.Length).Order());
    }

    [Fact]
    public async Task One_next_hop_gets_no_more_lanes_than_are_set()
    {
        await using QueueHouse house = House(new DeliveryPace { Connections = 2 });
        house.Agent.Before = static (_, _) => Task.Delay(5);
        house.Start();
        for (int i = 0; i < 20; i++)
            await house.SendAsync("a@x.test", $"u{i}@y.test");
        await QueueHouse.Until(() => house.Agent.Log.Count == 20, "deliveries");
        Assert.InRange(house.Agent.MostLanes["y.test"], 1, 2);
    }

    [Fact]
    public async Task All_next_hops_share_the_process_limit_and_each_has_its_turn()
    {
        int open = 0, most = 0;
        await using QueueHouse house = House(new DeliveryPace { Processes = 2 });
        house.Agent.Before = async (_, _) =>
        {
            int now = Interlocked.Increment(ref open);
            InterlockedMax(ref most, now);
            await Task.Delay(5);
            Interlocked.Decrement(ref open);
        };
        house.Start();
        for (int i = 0; i < 24; i++)
            await house.SendAsync("a@x.test", $"u@hop{i % 8}.test");
        await QueueHouse.Until(() => house.Agent.Log.Count == 24, "deliveries");
        Assert.InRange(most, 1, 2);
    }

    [Fact]
    public async Task A_next_hop_rests_after_each_delivery_while_others_do_not_wait_for_it()
    {
        await using QueueHouse house = House(new DeliveryPace { Gap = TimeSpan.FromMinutes(1) });
        house.Start();
        for (int i = 0; i < 3; i++)
            await house.SendAsync("a@x.test", $"u{i}@y.test");
        await house.SendAsync("a@x.test", "u@z.test");
        for (int delivered = 1; delivered <= 3; delivered++)
        {
            await QueueHouse.Until(() => house.Agent.Log.Count(s => s.NextHop == "y.test") == delivered && house.Agent.OpenLanes["y.test"] == 0, "deliveries");
            house.Clock.Advance(TimeSpan.FromSeconds(59));
            Assert.Equal(delivered, house.Agent.Log.Count(s => s.NextHop == "y.test"));
            house.Clock.Advance(TimeSpan.FromSeconds(2));
        }
        Assert.Single(house.Agent.Log, s => s.NextHop == "z.test");
    }

    [Fact]
    public async Task An_action_rests_after_each_delivery_to_whomever()
    {
        await using QueueHouse house = House(new DeliveryPace { TotalGap = TimeSpan.FromMinutes(1) });
        house.Start();
        for (int i = 0; i < 3; i++)
            await house.SendAsync("a@x.test", $"u@hop{i}.test");
        for (int delivered = 1; delivered <= 3; delivered++)
        {
            await QueueHouse.Until(() => house.Agent.Log.Count == delivered && house.Agent.OpenLanes.Values.Sum() == 0, "deliveries");
            house.Clock.Advance(TimeSpan.FromSeconds(59));
            Assert.Equal(delivered, house.Agent.Log.Count);
            house.Clock.Advance(TimeSpan.FromSeconds(2));
        }
    }

    private static void InterlockedMax(ref int target, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref target)) < value && Interlocked.CompareExchange(ref target, value, seen) != seen)
        {
        }
    }
}
