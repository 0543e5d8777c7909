using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Routing;
using Estafette.Spool;

namespace Estafette.Tests.Queue;

public sealed class NotificationTests
{
    private static readonly EnhancedStatus s_never = new(5, 1, 1);
    private static readonly EnhancedStatus s_later = new(4, 2, 0);

    /// <summary>Everything to far.test gets this answer; the sender's own domain defers, so that notifications stay to be read.</summary>
    private static QueueHouse House(Func<Recipient, DeliveryOutcome> answer)
    {
        var house = new QueueHouse();
        house.Agent.Answer = (_, to) => to.Address.Domain == "b.test" ? DeliveryOutcome.Deferred(s_later, "kept") : answer(to);
        return house;
    }

    private static DeliveryOutcome Refuse(Recipient to) => DeliveryOutcome.Failed(s_never, "550 5.1.1 no " + to.Address.LocalPart) with { ReplyCode = 550 };

    private static async Task<SpooledMessage> OnlyMessage(QueueHouse house)
    {
        await house.Quiet();
        SpooledMessage? only = null;
        await foreach (SpooledMessage message in house.Spool.ScanAsync(CancellationToken.None))
        {
            Assert.Null(only);
            only = message;
        }
        return only!;
    }

    [Fact]
    public async Task Two_refused_recipients_are_told_in_one_notification()
    {
        await using QueueHouse house = House(to => to.Address.LocalPart == "good" ? DeliveryOutcome.Delivered() : Refuse(to));
        house.Start();
        MessageId original = await house.SendAsync("a@b.test", "bad@far.test", "good@far.test", "full@other.test");
        SpooledMessage bounce = await OnlyMessage(house);
        Assert.True(bounce.Envelope.ReversePath.IsNull && bounce.Envelope.IsNotification);
        Assert.Equal("a@b.test", bounce.Envelope.Recipients[0].Address.ToString());
        string text = await house.BodyOf(bounce.Envelope.Id);
        Assert.StartsWith("Received: from mx.test (mx.test [local])", text, StringComparison.Ordinal);
        Assert.Contains("bad@far.test", text, StringComparison.Ordinal);
        Assert.Contains("full@other.test", text, StringComparison.Ordinal);
        Assert.DoesNotContain("good@far.test", text, StringComparison.Ordinal);
        Assert.Equal(text.Length, bounce.Envelope.Size);
        NotificationQueued queued = Assert.Single(house.Events.OfType<NotificationQueued>());
        Assert.Equal((original, bounce.Envelope.Id, "failed"), (queued.Id, queued.Notification, queued.Kind));
    }

    [Fact]
    public async Task E33_a_bounce_is_never_bounced()
    {
        await using var house = new QueueHouse();
        house.Agent.Answer = (_, to) => Refuse(to);
        house.Start();
        await house.SendAsync("a@b.test", "x@far.test");
        await house.SendAsync("", "x@far.test");
        await QueueHouse.Until(() => house.Spool.Count == 0, "all gone");
        Assert.Single(house.Events.OfType<NotificationQueued>());
        Assert.Equal(2, house.Events.OfType<NotificationDropped>().Count());
    }

    [Fact]
    public async Task E33_postfix_dialect_tells_the_postmaster_once()
    {
        await using var house = new QueueHouse();
        house.Config = house.Config with { Dialect = Dialect.Postfix };
        house.Agent.Answer = (_, to) => Refuse(to);
        house.Start();
        await house.SendAsync("", "x@far.test");
        await QueueHouse.Until(() => house.Spool.Count == 0, "all gone");
        Assert.Equal("postmaster@mx.test", Assert.Single(house.Events.OfType<NotificationQueued>()).To.ToString());
        Assert.Single(house.Events.OfType<NotificationDropped>());
    }

    [Theory]
    [InlineData(DsnNotify.Unspecified, OutcomeKind.Failed, "failed")]
    [InlineData(DsnNotify.Failure, OutcomeKind.Failed, "failed")]
    [InlineData(DsnNotify.Never, OutcomeKind.Failed, "")]
    [InlineData(DsnNotify.Success, OutcomeKind.Failed, "")]
    [InlineData(DsnNotify.Success, OutcomeKind.Delivered, "delivered")]
    [InlineData(DsnNotify.Success, OutcomeKind.Relayed, "relayed")]
    [InlineData(DsnNotify.Failure, OutcomeKind.Relayed, "")]
    [InlineData(DsnNotify.Unspecified, OutcomeKind.Delivered, "")]
    public async Task E35_notify_decides_what_is_told(DsnNotify notify, OutcomeKind kind, string told)
    {
        await using QueueHouse house = House(_ => new DeliveryOutcome { Kind = kind, Status = kind == OutcomeKind.Failed ? s_never : new(2, 0, 0), Text = "said" });
        house.Start();
        await house.SendAsync("a@b.test", [house.To("x@far.test", notify)]);
        await house.Quiet();
        Assert.Equal(told.Length == 0 ? [] : [told], house.Events.OfType<NotificationQueued>().Select(e => e.Kind));
        Assert.Equal(told.Length == 0 ? 0 : 1, house.Spool.Count);
    }

    [Fact]
    public async Task E35_no_success_notification_where_the_next_hop_took_the_wish_over()
    {
        await using QueueHouse house = House(_ => new DeliveryOutcome { Kind = OutcomeKind.Relayed, Status = new(2, 0, 0), Text = "ok", DsnHandedOver = true });
        house.Start();
        await house.SendAsync("a@b.test", [house.To("x@far.test", DsnNotify.Success)]);
        await QueueHouse.Until(() => house.Spool.Count == 0, "done");
        Assert.Empty(house.Events.OfType<NotificationQueued>());
    }

    [Fact]
    public async Task The_owner_of_a_list_gets_its_bounces()
    {
        await using QueueHouse house = House(Refuse);
        house.Start();
        await house.SendAsync("a@b.test", [house.To("x@far.test"), house.To("y@far.test") with { ReversePath = new MailAddress("owner", "b.test") }]);
        await house.Quiet();
        Assert.Equal(["a@b.test", "owner@b.test"], house.Events.OfType<NotificationQueued>().Select(e => e.To.ToString()).Order());
    }

    [Fact]
    public async Task Expired_mail_is_told_as_such_and_never_before_its_time()
    {
        await using QueueHouse house = House(_ => DeliveryOutcome.Deferred(s_later, "451 greylisted"));
        house.Config = house.Config with { Retry = house.Config.Retry with { Lifetime = TimeSpan.FromHours(3) } };
        house.Start();
        await house.SendAsync("a@b.test", "x@far.test");
        await house.Pass(TimeSpan.FromMinutes(170), TimeSpan.FromMinutes(2));
        Assert.Empty(house.Events.OfType<MessageExpired>());
        await house.Pass(TimeSpan.FromMinutes(14), TimeSpan.FromMinutes(2));
        Assert.Single(house.Events.OfType<MessageExpired>());
        SpooledMessage bounce = await OnlyMessage(house);
        string text = await house.BodyOf(bounce.Envelope.Id);
        Assert.Contains("x@far.test", text, StringComparison.Ordinal);
        Assert.Contains("expired", text, StringComparison.Ordinal);
        Assert.Contains("Status: 5.4.7", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_actions_own_lifetime_counts()
    {
        await using QueueHouse house = House(_ => DeliveryOutcome.Deferred(s_later, "451 greylisted"));
        var action = (ActionConfig.Relay)house.Config.Actions["out"];
        house.Config = house.Config with { Actions = house.Config.Actions.SetItem("out", action with { Lifetime = TimeSpan.FromMinutes(10) }) };
        house.Start();
        await house.SendAsync("", "x@far.test");
        await house.Pass(TimeSpan.FromMinutes(12), TimeSpan.FromSeconds(30));
        Assert.Single(house.Events.OfType<MessageExpired>());
        Assert.Equal(0, house.Spool.Count);
    }

    [Theory]
    [InlineData(DsnNotify.Unspecified, 2)]
    [InlineData(DsnNotify.Delay, 2)]
    [InlineData(DsnNotify.Failure, 0)]
    [InlineData(DsnNotify.Never, 0)]
    public async Task Delay_warnings_come_once_for_each_age(DsnNotify notify, int expected)
    {
        await using QueueHouse house = House(_ => DeliveryOutcome.Deferred(s_later, "451 later"));
        house.Config = house.Config with { Retry = house.Config.Retry with { WarnAfter = [TimeSpan.FromHours(1), TimeSpan.FromHours(4)] } };
        house.Start();
        await house.SendAsync("a@b.test", [house.To("x@far.test", notify)]);
        await house.Pass(TimeSpan.FromHours(12), TimeSpan.FromMinutes(10));
        Assert.Equal(Enumerable.Repeat("delayed", expected), house.Events.OfType<NotificationQueued>().Select(e => e.Kind));
    }

    [Fact]
    public async Task An_unroutable_sender_drops_the_notification_with_an_event()
    {
        await using QueueHouse house = House(Refuse);
        house.Route = _ => new RouteResult.Refused(RefusalReason.UnknownUser, 550, s_never, "unknown user", SourceSpan.None);
        house.Start();
        await house.SendAsync("a@b.test", "x@far.test");
        await QueueHouse.Until(() => house.Spool.Count == 0, "finished");
        Assert.Contains("unknown user", Assert.Single(house.Events.OfType<NotificationDropped>()).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task E44_a_table_that_cannot_be_read_delays_the_notification()
    {
        await using QueueHouse house = House(Refuse);
        house.Route = _ => new RouteResult.Refused(RefusalReason.TemporaryFailure, 451, s_later, "table down", SourceSpan.None);
        house.Start();
        await house.SendAsync("a@b.test", "x@far.test");
        await house.Quiet();
        Assert.Equal(1, house.Spool.Count);
        house.Route = null;
        await house.Pass(TimeSpan.FromMinutes(6), TimeSpan.FromMinutes(1));
        Assert.Single(house.Events.OfType<NotificationQueued>());
    }

    [Fact]
    public async Task E45_no_room_for_a_notification_keeps_the_recipient()
    {
        var spool = new MemorySpool();
        await using var house = new QueueHouse(spool);
        var gate = new TaskCompletionSource();
        house.Agent.Before = (_, _) => gate.Task;
        house.Agent.Answer = (_, to) => to.Address.Domain == "b.test" ? DeliveryOutcome.Delivered() : Refuse(to);
        house.Start();
        await house.SendAsync("a@b.test", "x@far.test");
        await QueueHouse.Until(() => house.Agent.Log.Count == 1, "running");
        spool.Trouble = new SpoolTrouble(SpoolStatus.Full, "no room");
        gate.SetResult();
        await house.Quiet();
        Assert.Equal(1, house.Spool.Count);
        spool.Trouble = null;
        await house.Pass(TimeSpan.FromMinutes(6), TimeSpan.FromMinutes(1));
        await QueueHouse.Until(() => house.Spool.Count == 0, "bounced in the end");
        Assert.Single(house.Events.OfType<NotificationQueued>());
    }
}
