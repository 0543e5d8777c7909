using System.Diagnostics;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Spool;

namespace Estafette.Tests.Queue;

public sealed class ConcurrencyTests
{
    private static readonly DeliveryOutcome s_refused = DeliveryOutcome.Deferred(new(4, 4, 1), "connection refused", OutcomeScope.NextHop);
    private static readonly DateTimeOffset s_now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_window_grows_with_success_to_the_limit()
    {
        var health = new NextHopHealth(20);
        Assert.Equal(5, health.Lanes);
        for (int i = 0; i < 6; i++)
            health.Succeeded();
        Assert.Equal(6, health.Lanes);
        for (int i = 0; i < 1000; i++)
            health.Succeeded();
        Assert.Equal(20, health.Lanes);
    }

    [Fact]
    public void A_few_failures_kill_what_never_works_and_the_pauses_grow()
    {
        var health = new NextHopHealth(20);
        Assert.False(health.Failed(s_refused, s_now, false));
        Assert.False(health.Failed(s_refused, s_now, false));
        Assert.True(health.Failed(s_refused, s_now, false));
        Assert.False(health.Failed(s_refused, s_now, false));
        Assert.Equal(s_now + NextHopHealth.FirstPause, health.DeadUntil);
        Assert.Equal(1, health.Lanes);
        DateTimeOffset probe = health.DeadUntil;
        Assert.True(health.Failed(s_refused, probe, false));
        Assert.Equal(probe + NextHopHealth.FirstPause * 2, health.DeadUntil);
        health.Succeeded();
        Assert.False(health.IsDoubtful);
        Assert.Equal(5, health.Lanes);
    }

    [Fact]
    public void A_busy_next_hop_shrinks_to_one_lane_but_is_not_dead()
    {
        var health = new NextHopHealth(20);
        for (int i = 0; i < 50; i++)
            Assert.False(health.Failed(s_refused, s_now, someLaneWorks: true));
        Assert.Equal(1, health.Lanes);
        Assert.False(health.IsDead(s_now));
    }

    [Fact]
    public async Task Lanes_grow_with_success_and_never_pass_the_limit()
    {
        await using var house = new QueueHouse { Agent = new ScriptedAgent { LaneLimit = 12 } };
        house.Agent.Before = static (_, _) => Task.Delay(1);
        house.Start();
        for (int i = 0; i < 600; i++)
            await house.SendAsync("a@b.test", "x@far.test");
        await QueueHouse.Until(() => house.Spool.Count == 0, "all");
        Assert.InRange(house.Agent.MostLanes["far.test"], 6, 12);
    }

    [Fact]
    public async Task E38_a_dead_destination_costs_few_connections_and_one_record_a_message()
    {
        const int Messages = 20_000;
        var spool = new CountingSpool(new MemorySpool());
        await using var house = new QueueHouse(spool);
        house.Config = house.Config with { Limits = house.Config.Limits with { ActiveMessages = 100_000 } };
        var gate = new TaskCompletionSource();
        house.Agent.Before = (_, _) => gate.Task;
        house.Agent.Answer = static (_, _) => s_refused;
        house.Start();
        for (int i = 0; i < Messages; i++)
            await house.SendAsync("a@b.test", "x@dead.test");
        var watch = Stopwatch.StartNew();
        gate.SetResult();
        await house.Quiet();
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(60), "took " + watch.Elapsed);
        Assert.Equal(Messages, spool.Records);
        Assert.InRange(house.Agent.Log.Count, 1, 10);
        Assert.Equal(Messages, house.Events.OfType<DeliveryAttempted>().Count());

        // Probes come one at a time, further and further apart; mail to others passes meanwhile.
        int before = house.Agent.Log.Count;
        house.Agent.Answer = static (_, to) => to.Address.Domain == "dead.test" ? s_refused : DeliveryOutcome.Delivered();
        await house.SendAsync("a@b.test", "x@alive.test");
        await house.Pass(TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(20));
        Assert.Equal(1, house.Delivered("x@alive.test"));
        Assert.InRange(house.Agent.Log.Count - before - 1, 2, 12);
        Assert.Equal(1, house.Agent.MostLanes["alive.test"]);

        house.Agent.Answer = static (_, _) => DeliveryOutcome.Delivered();
        await house.Pass(TimeSpan.FromMinutes(70), TimeSpan.FromMinutes(5));
        Assert.Equal(0, house.Spool.Count);
    }

    [Fact]
    public async Task A_connection_failure_of_one_message_spares_its_other_destinations()
    {
        await using var house = new QueueHouse();
        house.Agent.Answer = static (_, to) => to.Address.Domain == "dead.test" ? s_refused : DeliveryOutcome.Delivered();
        house.Start();
        await house.SendAsync("a@b.test", "x@dead.test", "y@far.test");
        await house.Quiet();
        Assert.Equal(1, house.Delivered("y@far.test"));
        Assert.Equal(1, house.Spool.Count);
    }
}
