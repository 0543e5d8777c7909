using System.Text;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Routing.Maps;
using Estafette.Spool;
using Estafette.Tests.Routing.Maps;

namespace Estafette.Tests.Queue;

/// <summary>Routing by maps in the queue: each attempt asks anew, the spool keeps no route, a message can be sent on (qmgr(8), trivial-rewrite(8), local(8)).</summary>
public sealed class MapRoutingTests
{
    private static QueueHouse House(string main)
    {
        var house = new QueueHouse();
        Route(house, main);
        return house;
    }

    private static void Route(QueueHouse house, string main)
    {
        var maps = new MapHouse(main);
        house.Config = maps.Config with { Limits = house.Config.Limits };
        house.Maps = maps.RouterFor(house.Config);
    }

    private static Task<MessageId> SendAsync(QueueHouse house, string from, params string[] to) => SendAsync(house, MapHouse.Draft(from, to));

    private static async Task<MessageId> SendAsync(QueueHouse house, EnvelopeDraft draft)
    {
        var rewritten = (EnvelopeRewriting.Rewritten)await house.Maps!.RewriteAsync(draft, CancellationToken.None);
        return await house.SendAsync(rewritten.ReversePath.ToString(), rewritten.Recipients);
    }

    [Fact]
    public async Task Recipients_are_grouped_by_the_hop_that_maps_give()
    {
        await using QueueHouse house = House("relayhost = [gate.test]\ntransport_maps = inline:{ { own.test = smtp:[own] } }");
        house.Start();
        await SendAsync(house, "from@away.test", "a@one.test", "b@two.test", "c@own.test", "alice@here.test");
        await house.Quiet();
        Assert.Equal(["[gate.test]: a@one.test b@two.test", "[own]: c@own.test", "mx.here.test: alice@here.test"],
            house.Agent.Log.Select(seen => seen.NextHop + ": " + string.Join(' ', seen.Recipients)).Order(StringComparer.Ordinal));
        Assert.Equal(0, house.Spool.Count);
    }

    [Fact]
    public async Task A_changed_map_reaches_mail_that_waits_and_the_spool_keeps_no_route()
    {
        await using QueueHouse house = House("relayhost = [old.test]");
        house.Agent.Answer = (job, to) => to.NextHop == "[old.test]" ? DeliveryOutcome.Deferred(new(4, 2, 0), "later") : DeliveryOutcome.Delivered();
        house.Start();
        MessageId id = await SendAsync(house, "from@away.test", "a@one.test");
        await house.Quiet();
        Recipient stored = (await house.Spool.FindAsync(id, CancellationToken.None))!.Envelope.Recipients[0];
        Assert.Equal(("", "", "a@one.test"), (stored.Action, stored.NextHop, stored.Address.ToString()));
        Route(house, "relayhost = [new.test]");
        await house.Pass(TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(1));
        Assert.Equal(["[old.test]", "[new.test]"], house.Agent.Log.Select(seen => seen.NextHop).Distinct());
        Assert.Equal(0, house.Spool.Count);
    }

    [Fact]
    public async Task E44_a_table_that_cannot_be_read_lets_mail_wait()
    {
        await using QueueHouse house = House("transport_maps = fail:x");
        house.Start();
        await SendAsync(house, "from@away.test", "a@one.test", "b@two.test");
        await house.Quiet();
        Assert.Empty(house.Agent.Log);
        Assert.Equal(["address resolver failure", "address resolver failure"], house.Events.OfType<DeliveryAttempted>().Select(e => e.Outcome.Text));
        Assert.Equal(1, house.Spool.Count);
        Route(house, "");
        await house.Pass(TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(1));
        Assert.Equal(2, house.Agent.Log.Count);
    }

    [Fact]
    public async Task What_is_no_address_bounces_and_a_transport_that_is_gone_lets_mail_wait()
    {
        await using QueueHouse house = House("transport_maps = inline:{ { gone.test = nosuch: } }");
        house.Agent.Answer = (_, to) => to.Address.Domain == "away.test" ? DeliveryOutcome.Deferred(new(4, 2, 0), "kept") : DeliveryOutcome.Delivered();
        house.Start();
        await SendAsync(house, "from@away.test", "a@1.2.3.4", "b@gone.test");
        await house.Quiet();
        DeliveryAttempted[] attempts = [.. house.Events.OfType<DeliveryAttempted>()];
        Assert.Contains(attempts, e => e.Recipient.Address.Domain == "1.2.3.4" && e.Outcome is { Kind: OutcomeKind.Failed, Text: "bad address syntax" } && e.Outcome.Status == new EnhancedStatus(5, 1, 3));
        Assert.Contains(attempts, e => e.Recipient.Address.Domain == "gone.test" && e.Outcome is { Kind: OutcomeKind.Deferred, Text: "mail transport unavailable" });
        Assert.Equal("failed", Assert.Single(house.Events.OfType<NotificationQueued>()).Kind);
    }

    [Fact]
    public async Task E51_a_route_that_the_message_was_given_is_kept()
    {
        await using QueueHouse house = House("relayhost = [gate.test]");
        house.Agent.Answer = (_, _) => DeliveryOutcome.Deferred(new(4, 2, 0), "later");
        house.Start();
        MessageId id = await house.SendAsync("from@away.test", [house.To("a@one.test") with { Action = "smtp", NextHop = "[127.0.0.1]:10025" }]);
        await house.Quiet();
        Assert.Equal("[127.0.0.1]:10025", Assert.Single(house.Agent.Log).NextHop);
        Assert.Equal("[127.0.0.1]:10025", (await house.Spool.FindAsync(id, CancellationToken.None))!.Envelope.Recipients[0].NextHop);
    }

    [Fact]
    public async Task A_message_sent_on_is_a_new_one()
    {
        await using QueueHouse house = House("virtual_alias_maps = inline:{ { out@here.test = far@away.test } }\nalways_bcc = all@here.test");
        MessageId? made = null;
        house.Agent.Before = async (job, cancellation) =>
        {
            if (made is null)
            {
                var on = new Forwarding(new MailAddress("owner", "here.test"), ["out", "second@away.test"], "Delivered-To: list@here.test\r\n"u8.ToArray()) { On = job.Envelope.Recipients[0] };
                made = await job.ForwardAsync(on, cancellation);
            }
        };
        house.Agent.Answer = (_, to) => to.Address.Domain == "away.test" ? DeliveryOutcome.Deferred(new(4, 2, 0), "kept") : DeliveryOutcome.Delivered();
        house.Start();
        EnvelopeDraft draft = MapHouse.Draft("from@away.test") with { IsCopied = false, Recipients = [new DraftRecipient(new MailAddress("list", "here.test"), DsnNotify.Success | DsnNotify.Failure, "rfc822;asked@x")] };
        MessageId first = await SendAsync(house, draft);
        await house.Quiet();
        SpooledMessage message = (await house.Spool.FindAsync(made!.Value, CancellationToken.None))!;
        Assert.NotEqual(first, message.Envelope.Id);
        Assert.Equal("owner@here.test", message.Envelope.ReversePath.ToString());
        Assert.Equal(["out@mx.here.test list@here.test Failure rfc822;asked@x", "second@away.test list@here.test Failure rfc822;asked@x"],
            message.Envelope.Recipients.Select(r => $"{r.Address} {r.Original} {r.Notify} {r.DsnOriginalRecipient}"));
        string text = await house.BodyOf(made.Value);
        Assert.Matches("^Received: by mx.here.test \\(Postfix\\)\r\n\tid " + made.Value + "; .*\r\nDelivered-To: list@here.test\r\nSubject: hello\r\n", text);
        Assert.Equal(Encoding.UTF8.GetByteCount(text), message.Envelope.Size);
        Assert.Equal(made, Assert.Single(house.Events.OfType<MessageForwarded>()).Onward.Id);
    }

    [Fact]
    public async Task E35_whoever_wants_to_hear_of_success_hears_that_an_alias_was_expanded()
    {
        await using QueueHouse house = House("virtual_alias_maps = inline:{ { team@here.test = a@one.test, b@two.test } }");
        house.Agent.Answer = (_, to) => to.Address.Domain == "away.test" ? DeliveryOutcome.Deferred(new(4, 2, 0), "kept") : DeliveryOutcome.Delivered();
        house.Start();
        await SendAsync(house, MapHouse.Draft("from@away.test") with { Recipients = [new DraftRecipient(new MailAddress("team", "here.test"), DsnNotify.Success)] });
        await house.Quiet();
        NotificationQueued told = Assert.Single(house.Events.OfType<NotificationQueued>());
        Assert.Equal("expanded", told.Kind);
        Assert.Contains("Action: expanded", await house.BodyOf(told.Notification), StringComparison.Ordinal);
        Assert.Equal(["a@one.test", "b@two.test"], house.Agent.Log.Where(seen => seen.ReversePath == "from@away.test").SelectMany(seen => seen.Recipients).Order(StringComparer.Ordinal));
        Assert.DoesNotContain(house.Events.OfType<DeliveryAttempted>(), e => e.Recipient.Address.LocalPart == "team");
    }

    [Fact]
    public async Task Notifications_go_by_maps_and_are_not_copied()
    {
        await using QueueHouse house = House("virtual_alias_maps = inline:{ { from@here.test = elsewhere@away.test } }\nalways_bcc = all@here.test");
        house.Agent.Answer = (_, to) => to.Address.Domain == "bad.test" ? DeliveryOutcome.Failed(new(5, 1, 1), "no") : DeliveryOutcome.Deferred(new(4, 2, 0), "kept");
        house.Start();
        await SendAsync(house, MapHouse.Draft("from@here.test", "x@bad.test") with { IsCopied = false });
        await house.Quiet();
        MessageId bounce = Assert.Single(house.Events.OfType<NotificationQueued>()).Notification;
        Recipient to = Assert.Single((await house.Spool.FindAsync(bounce, CancellationToken.None))!.Envelope.Recipients);
        Assert.Equal("elsewhere@away.test", to.Address.ToString());
    }
}
