using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Spool;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Queue;

public sealed class RetryTests
{
    private static readonly DeliveryOutcome s_later = DeliveryOutcome.Deferred(new(4, 2, 0), "451 later");

    private static QueueHouse Deferring()
    {
        var house = new QueueHouse();
        house.Agent.Answer = static (_, _) => s_later;
        house.Start();
        return house;
    }

    [Fact]
    public void Retry_times_follow_the_schedule_within_a_tenth_and_never_pass_the_lifetime()
    {
        var clock = new ManualClock();
        var policy = new RetryPolicy(new QueueClock(clock));
        MailConfig config = new QueueHouse().Config;
        Prop.ForAll<ulong, byte>((id, attempts) =>
        {
            Envelope envelope = Envelope(new MessageId(id), clock.GetUtcNow());
            Decision decision = policy.Decide(envelope, 0, RecipientProgress.New with { Attempts = attempts }, s_later, config, default);
            TimeSpan wait = decision.Progress.Due - clock.GetUtcNow();
            TimeSpan planned = RetryPolicy.Wait(config.Retry.Schedule, attempts + 1);
            return wait >= planned * 0.89 && wait <= planned * 1.11 && decision.Progress.Attempts == attempts + 1;
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public async Task The_last_attempt_is_made_when_the_lifetime_ends()
    {
        await using QueueHouse house = Deferring();
        await house.SendAsync("", "x@far.test");
        await house.Pass(TimeSpan.FromHours(121), TimeSpan.FromMinutes(30));
        Assert.Equal(0, house.Spool.Count);
        DeliveryAttempted last = house.Events.OfType<DeliveryAttempted>().Last();
        Assert.InRange(last.Age, TimeSpan.FromDays(5), TimeSpan.FromDays(5) + TimeSpan.FromMinutes(31));
        Assert.InRange(house.Agent.Log.Count, 34, 42);
    }

    [Fact]
    public async Task E46_a_clock_set_forward_neither_expires_nor_storms()
    {
        await using QueueHouse house = Deferring();
        for (int i = 0; i < 20; i++)
            await house.SendAsync("", "x@far.test");
        await house.Pass(TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(1));
        int before = house.Agent.Log.Count;
        house.Clock.SetWall(TimeSpan.FromDays(400));
        await house.Pass(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(5));
        Assert.Equal(before, house.Agent.Log.Count);
        await house.SendAsync("", "new@far.test");
        await house.Pass(TimeSpan.FromHours(100), TimeSpan.FromMinutes(30));
        Assert.Empty(house.Events.OfType<MessageExpired>());
        await house.Pass(TimeSpan.FromHours(21), TimeSpan.FromMinutes(30));
        Assert.Equal(0, house.Spool.Count);
    }

    [Fact]
    public async Task E46_a_clock_set_back_does_not_stall_mail()
    {
        await using QueueHouse house = Deferring();
        await house.SendAsync("", "x@far.test");
        await house.Pass(TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(1));
        int before = house.Agent.Log.Count;
        house.Clock.SetWall(-TimeSpan.FromDays(400));
        await house.Pass(TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(1));
        Assert.InRange(house.Agent.Log.Count, before + 1, before + 3);
    }

    [Fact]
    public async Task E46_due_times_beyond_every_schedule_count_as_due_after_a_restart()
    {
        var clock = new ManualClock();
        var spool = new MemorySpool(clock);
        await using (var before = new QueueHouse(spool) { Clock = clock })
        {
            before.Agent.Answer = static (_, _) => s_later;
            before.Start();
            await before.SendAsync("", "x@far.test");
            await before.Quiet();
        }
        clock.SetWall(-TimeSpan.FromDays(30));
        await using var after = new QueueHouse(spool) { Clock = clock };
        after.Start();
        await QueueHouse.Until(() => spool.Count == 0, "delivered");
    }

    [Fact]
    public async Task E46_a_wrong_clock_at_boot_expires_nothing_at_once()
    {
        var clock = new ManualClock();
        var spool = new MemorySpool(clock);
        await using (var before = new QueueHouse(spool) { Clock = clock })
        {
            before.Agent.Answer = static (_, _) => s_later;
            before.Start();
            await before.SendAsync("", "x@far.test");
            await before.Quiet();
        }
        clock.SetWall(TimeSpan.FromDays(3000));
        await using var after = new QueueHouse(spool) { Clock = clock };
        after.Agent.Answer = static (_, _) => s_later;
        after.Start();
        await QueueHouse.Until(() => after.Agent.Log.Count == 1, "tried");
        await after.Quiet();
        clock.SetWall(-TimeSpan.FromDays(3000));
        await after.Pass(TimeSpan.FromHours(20), TimeSpan.FromMinutes(10));
        Assert.Empty(after.Events.OfType<MessageExpired>());
        Assert.Equal(1, spool.Count);
    }

    private static Envelope Envelope(MessageId id, DateTimeOffset received) => new()
    {
        Id = id,
        Received = received,
        ReversePath = new MailAddress("a", "b.test"),
        Recipients = [new QueueHouse().To("x@far.test")],
        Client = new ClientInfo { SessionId = 1 },
    };
}
