using Estafette.Delivery.Users;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Spool;

namespace Estafette.Tests.Delivery.Users;

/// <summary>One recipient, several deliveries: what the queue is told, and that nobody gets a second copy because somebody else has to wait.</summary>
public sealed class LeafResultsTests
{
    private static readonly MailAddress List = new("list", "here.test"), Alice = new("alice", "here.test"), Bob = new("bob", "here.test");

    private sealed class OneRecipient : DeliveryJob
    {
        public DeliveryOutcome? Outcome { get; private set; }

        public override Envelope Envelope { get; } = new()
        {
            Id = new MessageId(9),
            Received = DateTimeOffset.UnixEpoch,
            ReversePath = MailAddress.Null,
            Recipients = [new Recipient { Key = 3, Original = List, Address = List, Action = "local", Target = DeliveryTarget.Relay.Instance }],
            Client = new ClientInfo { SessionId = 1 },
        };

        public override IReadOnlyList<int> Recipients { get; } = [0];
        public override MailAddress ReversePath => MailAddress.Null;
        public override int Attempt => 0;

        public override ValueTask<SpoolBody?> OpenBodyAsync(CancellationToken cancellationToken) => ValueTask.FromResult<SpoolBody?>(null);

        public override void Complete(int recipient, DeliveryOutcome outcome) => Outcome = outcome;

        public override void CompleteRest(DeliveryOutcome outcome) => Outcome ??= outcome;
    }

    private static LocalLeaf[] Leaves() => [Mailbox(Alice), Mailbox(Bob)];

    private static LocalLeaf.Mailbox Mailbox(MailAddress address) => new(
        new ExpansionPoint(address) { Sender = MailAddress.Null, Delivered = List },
        new LocalEnvelope { User = address.LocalPart, Action = "local", Destination = address, Original = List });

    [Fact]
    public void The_part_that_waits_is_tried_again_and_the_others_are_not()
    {
        var memory = new LeafMemory();
        var first = new OneRecipient();
        var results = new LeafResults(first, 0, memory, Leaves());
        Assert.False(results.IsDone(0));
        results.Complete(0, DeliveryOutcome.Delivered("delivered to mailbox"));
        results.Complete(1, DeliveryOutcome.Deferred(new(4, 2, 0), "mailbox is locked"));
        Assert.Equal((OutcomeKind.Deferred, "mailbox is locked"), (first.Outcome!.Kind, first.Outcome.Text));
        Assert.Equal(["alice", "bob"], first.Outcome.Parts.Select(p => p.Address.LocalPart));

        var second = new OneRecipient();
        results = new LeafResults(second, 0, memory, Leaves());
        Assert.True(results.IsDone(0));
        Assert.False(results.IsDone(1));
        results.Complete(1, DeliveryOutcome.Delivered("delivered to mailbox"));
        Assert.Equal(OutcomeKind.Delivered, second.Outcome!.Kind);
        // What is over is forgotten.
        Assert.Null(memory.Find(new MessageId(9), 3, Leaves()[0].Key));
    }

    [Fact]
    public void A_part_that_failed_fails_the_recipient_once_nothing_waits()
    {
        var job = new OneRecipient();
        var results = new LeafResults(job, 0, new LeafMemory(), Leaves());
        results.Complete(1, DeliveryOutcome.Failed(new(5, 6, 0), "data format error"));
        Assert.Null(job.Outcome);
        results.Complete(0, DeliveryOutcome.Delivered("delivered to mailbox"));
        results.Complete(0, DeliveryOutcome.Failed(new(5, 0, 0), "told twice"));
        Assert.Equal((OutcomeKind.Failed, "data format error"), (job.Outcome!.Kind, job.Outcome.Text));
    }

    [Fact]
    public void One_delivery_under_the_own_address_is_told_plainly()
    {
        var job = new OneRecipient();
        new LeafResults(job, 0, new LeafMemory(), [Mailbox(List)]).Complete(0, DeliveryOutcome.Delivered("delivered to mailbox"));
        Assert.Empty(job.Outcome!.Parts);
    }

    [Theory]
    [InlineData(true, "5.1.2 no such domain", "Failed 5.1.2 no such domain")]
    [InlineData(true, "gone away", "Failed 5.0.0 gone away")]
    [InlineData(false, "5.7.1 not today", "Deferred 4.7.1 not today")]
    [InlineData(false, "", "Deferred 4.0.0 delivery is put off")]
    public void Error_and_retry_have_the_next_hop_for_a_reason(bool forGood, string reason, string expected)
    {
        DeliveryOutcome outcome = Estafette.Delivery.RefusingAgent.OutcomeOf(forGood, reason);
        Assert.Equal(expected, $"{outcome.Kind} {outcome.Status} {outcome.Text}");
    }
}
