using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Spool;

namespace Estafette.Tests.Queue;

public sealed class DeliveryTests
{
    private static readonly EnhancedStatus s_later = new(4, 2, 0);
    private static readonly EnhancedStatus s_never = new(5, 1, 1);

    [Fact]
    public async Task A_message_goes_from_intake_to_agent_and_leaves_the_spool()
    {
        await using var house = new QueueHouse();
        house.Start();
        MessageId id = await house.SendAsync("a@b.test", "x@far.test");
        await QueueHouse.Until(() => house.Spool.Count == 0, "spool empty");
        Assert.Equal(id, Assert.Single(house.Agent.Log).Id);
        Assert.Equal("mta", Assert.Single(house.Events.OfType<RecipientScheduled>()).Transport);
        DeliveryAttempted attempted = Assert.Single(house.Events.OfType<DeliveryAttempted>());
        Assert.Equal(("smtp", "far.test"), (attempted.Transport, attempted.NextHop));
    }

    [Fact]
    public async Task Recipients_of_one_next_hop_share_a_job_up_to_the_agents_limit()
    {
        await using var house = new QueueHouse { Agent = new ScriptedAgent { PerJob = 2 } };
        house.Start();
        await house.SendAsync("a@b.test", "1@far.test", "2@far.test", "3@far.test", "4@near.test");
        await QueueHouse.Until(() => house.Spool.Count == 0, "spool empty");
        Assert.Equal([1, 1, 2], house.Agent.Log.Select(seen => seen.Recipients.Length).Order());
    }

    [Fact]
    public async Task Recipients_with_different_reverse_paths_never_share_a_job()
    {
        await using var house = new QueueHouse();
        house.Start();
        await house.SendAsync("a@b.test", [house.To("1@far.test"), house.To("2@far.test") with { ReversePath = new MailAddress("owner-list", "b.test") }]);
        await QueueHouse.Until(() => house.Spool.Count == 0, "spool empty");
        Assert.Equal(["a@b.test", "owner-list@b.test"], house.Agent.Log.Select(seen => seen.ReversePath).Order());
    }

    [Fact]
    public async Task A_deferred_recipient_is_tried_by_the_schedule_and_the_others_are_not()
    {
        await using var house = new QueueHouse();
        house.Agent.Answer = (job, to) => to.Address.LocalPart == "slow" && job.Attempt < 2
            ? DeliveryOutcome.Deferred(s_later, "later") : DeliveryOutcome.Delivered();
        house.Start();
        await house.SendAsync("a@b.test", "slow@far.test", "quick@far.test");
        await house.Quiet();
        Assert.Equal(1, house.Spool.Count);
        await house.Pass(TimeSpan.FromSeconds(12), TimeSpan.FromSeconds(1));
        Assert.Single(house.Agent.Log);
        await house.Pass(TimeSpan.FromSeconds(6), TimeSpan.FromSeconds(1));
        await QueueHouse.Until(() => house.Agent.Log.Count == 2, "second attempt");
        await house.Pass(TimeSpan.FromSeconds(70), TimeSpan.FromSeconds(1));
        await QueueHouse.Until(() => house.Spool.Count == 0, "spool empty");
        Assert.Equal([1, 1, 1], [house.Delivered("slow@far.test"), house.Delivered("quick@far.test"), house.Agent.Log.Last().Recipients.Length]);
    }

    [Fact]
    public async Task A_lost_action_defers_with_a_visible_reason_and_a_new_route_reaches_waiting_mail()
    {
        await using var house = new QueueHouse();
        MailConfig full = house.Config;
        house.Config = full with { Actions = full.Actions.Clear() };
        house.Start();
        await house.SendAsync("a@b.test", "x@far.test");
        await house.Quiet();
        Assert.Contains("\"out\"", Assert.Single(house.Events.OfType<DeliveryAttempted>()).Outcome.Text, StringComparison.Ordinal);
        house.Config = full with { Actions = full.Actions.SetItem("out", new ActionConfig.Relay { Name = "out", At = SourceSpan.None, Hosts = [new RelayHost { Host = "smart" }] }) };
        await house.Pass(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(5));
        await QueueHouse.Until(() => house.Spool.Count == 0, "spool empty");
        Assert.Equal("smart", Assert.Single(house.Agent.Log).NextHop);
    }

    [Fact]
    public async Task An_agent_that_throws_defers_its_job_and_the_queue_goes_on()
    {
        await using var house = new QueueHouse();
        house.Agent.Answer = (job, to) => to.Address.LocalPart == "bad" && job.Attempt == 0 ? throw new InvalidOperationException("bug") : DeliveryOutcome.Delivered();
        house.Start();
        await house.SendAsync("a@b.test", "bad@far.test");
        await house.SendAsync("a@b.test", "good@far.test");
        await QueueHouse.Until(() => house.Spool.Count == 1 && house.Queue.ActiveMessages == 0, "good delivered");
        Assert.Contains("bug", Assert.Single(house.Events.OfType<OperatorWarning>()).Text, StringComparison.Ordinal);
        await house.Pass(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(5));
        await QueueHouse.Until(() => house.Spool.Count == 0, "all delivered");
    }

    [Fact]
    public async Task An_agent_that_serves_nothing_backs_off_instead_of_spinning()
    {
        await using var house = new QueueHouse();
        house.Agent.Serve = _ => Task.CompletedTask;
        house.Start();
        await house.SendAsync("a@b.test", "x@far.test");
        await house.Quiet();
        Assert.InRange(house.Agent.LanesOpened, 1, 5);
        Assert.Equal(OutcomeKind.Deferred, Assert.Single(house.Events.OfType<DeliveryAttempted>()).Outcome.Kind);
    }

    [Fact]
    public async Task Held_at_reception_waits_until_released()
    {
        await using var house = new QueueHouse();
        house.Start();
        MessageId id = await house.SendAsync("a@b.test", [house.To("x@far.test")], envelope => envelope with { Hold = true });
        await house.Pass(TimeSpan.FromHours(1), TimeSpan.FromMinutes(10));
        Assert.Empty(house.Agent.Log);
        Assert.Single(house.Events.OfType<MessageHeld>());
        Assert.Equal(1, await house.Queue.Operations.ReleaseAsync(new QueueSelector.ById(id.ToString()), CancellationToken.None));
        await QueueHouse.Until(() => house.Spool.Count == 0, "delivered");
    }

    [Fact]
    public async Task Intake_says_stopping_and_mail_taken_then_waits_for_the_next_start()
    {
        var house = new QueueHouse();
        house.Start();
        await house.Queue.StopAsync();
        Assert.Equal(SpoolStatus.Stopping, house.Queue.Intake.Trouble!.Status);
        await house.SendAsync("a@b.test", "x@far.test");
        Assert.Equal(1, house.Spool.Count);
        await using MailQueue next = house.Build();
        next.Start();
        await QueueHouse.Until(() => house.Spool.Count == 0, "delivered by the next start");
    }

    [Fact]
    public async Task Drain_lets_running_jobs_end_and_defers_what_outlives_it()
    {
        var house = new QueueHouse();
        var quick = new TaskCompletionSource();
        house.Agent.Before = (job, _) => job.Envelope.Recipients[0].Address.LocalPart == "quick" ? quick.Task : new TaskCompletionSource().Task;
        house.Start();
        await house.SendAsync("a@b.test", "quick@far.test");
        await house.SendAsync("a@b.test", "hangs@other.test");
        await QueueHouse.Until(() => house.Agent.Log.Count == 2, "both run");
        Task stop = house.Queue.StopAsync();
        quick.SetResult();
        await QueueHouse.Until(() => house.Spool.Count == 1, "quick delivered");
        while (!stop.IsCompleted)
        {
            house.Clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(5);
        }
        Assert.Equal(1, house.Spool.Count);
        Assert.Equal("4.3.2", house.Events.OfType<DeliveryAttempted>().Last().Outcome.Status.ToString());
    }

    [Fact]
    public async Task E45_full_spool_refuses_new_mail_and_deliveries_go_on()
    {
        var spool = new MemorySpool();
        await using var house = new QueueHouse(spool);
        var gate = new TaskCompletionSource();
        house.Agent.Before = (_, _) => gate.Task;
        house.Start();
        await house.SendAsync("a@b.test", "x@far.test");
        await QueueHouse.Until(() => house.Agent.Log.Count == 1, "running");
        spool.Trouble = new SpoolTrouble(SpoolStatus.Full, "no room");
        Assert.Equal(SpoolStatus.Full, house.Queue.Intake.Trouble!.Status);
        gate.SetResult();
        await QueueHouse.Until(() => house.Spool.Count == 0, "delivered and recorded");
    }

    [Fact]
    public async Task E45_unhealthy_spool_stops_new_jobs_and_offers_records_again()
    {
        var spool = new MemorySpool();
        await using var house = new QueueHouse(spool);
        var gate = new TaskCompletionSource();
        house.Agent.Before = (_, _) => gate.Task;
        house.Start();
        await house.SendAsync("a@b.test", "x@far.test");
        await QueueHouse.Until(() => house.Agent.Log.Count == 1, "running");
        spool.Trouble = new SpoolTrouble(SpoolStatus.Unhealthy, "flush failed");
        gate.SetResult();
        await QueueHouse.Until(() => house.Events.OfType<OperatorWarning>().Any(), "operator told");
        Assert.Equal(1, house.Spool.Count);
        spool.Trouble = null;
        house.Clock.Advance(TimeSpan.FromSeconds(2));
        await QueueHouse.Until(() => house.Spool.Count == 0, "recorded in the end");
        Assert.Equal(1, house.Delivered("x@far.test"));
    }

    [Fact]
    public async Task A_failure_of_one_recipient_does_not_touch_the_next()
    {
        await using var house = new QueueHouse();
        house.Agent.Answer = (_, to) => to.Address.LocalPart == "bad" ? DeliveryOutcome.Failed(s_never, "550 5.1.1 no such user") : DeliveryOutcome.Delivered();
        house.Start();
        await house.SendAsync("", [house.To("bad@far.test"), house.To("good@far.test")]);
        await QueueHouse.Until(() => house.Spool.Count == 0, "finished");
        Assert.Equal(1, house.Delivered("good@far.test"));
    }
}
