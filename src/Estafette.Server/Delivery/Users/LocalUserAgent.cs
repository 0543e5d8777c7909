using System.Buffers;
using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Delivery.Local;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Spool;
using Estafette.Tables;

namespace Estafette.Delivery.Users;

/// <summary>
/// local(8): finds out at each attempt what a recipient becomes (<see cref="LocalExpansion"/>) and delivers each part: to the user's mailbox, to a command or a file as its owner, to another
/// transport, or on as a new message. Parts that are done are not repeated for the sake of one that waits.
/// </summary>
public sealed class LocalUserAgent(LocalUserServices services, LocalConnections connections) : IDeliveryAgent
{
    /// <summary><c>local_destination_concurrency_limit</c>: two for one user.</summary>
    private const int LanesPerUser = 2;

    /// <summary>How long a lane waits for a further message before its connection goes back to the pool.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(200);

    private readonly LeafMemory _memory = new();

    public bool Serves(ActionConfig action, DeliveryTarget target) => action is ActionConfig.LocalUsers;

    public NextHop NextHopOf(ActionConfig action, Recipient recipient, MailAddress reversePath) => new("local", recipient.Address.LocalPart.ToLowerInvariant(), action.Name);

    public int RecipientsPerJob(ActionConfig action) => 1;

    public int LanesPerNextHop(ActionConfig action, LimitsConfig limits) => Math.Min(LanesPerUser, limits.ConnectionsPerNextHop);

    public async Task ServeAsync(DeliveryLane lane, CancellationToken cancellationToken)
    {
        var helper = new HelperLane(connections);
        TimeSpan run = ((ActionConfig.LocalUsers)lane.Action).CommandTime;
        try
        {
            while (await lane.TakeAsync(Linger, cancellationToken) is { } job)
            {
                connections.Observe(lane.Config);
                foreach (int index in job.Recipients)
                    await ServeAsync(lane, job, index, helper, cancellationToken);
            }
        }
        finally
        {
            await helper.FinishAsync(lane.Config, run, cancellationToken);
        }
    }

    private async ValueTask ServeAsync(DeliveryLane lane, DeliveryJob job, int index, HelperLane helper, CancellationToken cancellationToken)
    {
        var rest = DeliveryOutcome.Deferred(new(4, 3, 2), "local delivery was interrupted");
        LeafResults? results = null;
        int next = 0;
        IReadOnlyList<LocalLeaf> leaves = [];
        try
        {
            using SpoolBody? body = await job.OpenBodyAsync(cancellationToken);
            if (body is null)
            {
                rest = DeliveryOutcome.Deferred(new(4, 3, 0), "the stored message cannot be opened");
                return;
            }
            var copy = new Copy(lane, job, index, body, helper);
            var envelopes = new LocalEnvelopes(lane.Action.Name, job.Envelope, copy.Recipient, lane.Config.Maps?.Rewriting.RecipientDelimiters ?? "");
            DeliveredToFields seen = await DeliveredToFields.ReadAsync(body, cancellationToken);
            var expansion = new LocalExpansion(services, copy.Action, lane.Config, seen, envelopes);
            leaves = await expansion.ExpandAsync(copy.Recipient.Address, job.ReversePath, cancellationToken);
            if (leaves.Count == 0)
            {
                rest = DeliveryOutcome.Delivered("delivered to nobody: everything it names has had it") with { Peer = lane.Action.Name };
                return;
            }
            results = new LeafResults(job, index, _memory, leaves);
            if (seen.Hops + 1 < lane.Config.Limits.Hops)
                await OnwardAsync(copy, leaves, results, cancellationToken);
            else
                EndLoop(copy, leaves, results);
            for (; next < leaves.Count; next++)
            {
                if (leaves[next] is not LocalLeaf.Onward && !results.IsDone(next))
                    await DeliverAsync(copy, leaves[next], next, results, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The rest waits, below.
        }
        finally
        {
            // The first outcome of each part counts.
            if (results is null)
                job.Complete(index, rest);
            for (; results is not null && next < leaves.Count; next++)
                results.Complete(next, rest);
        }
    }

    /// <summary>One recipient's copy of a message.</summary>
    private sealed record Copy(DeliveryLane Lane, DeliveryJob Job, int Index, SpoolBody Body, HelperLane Helper)
    {
        public Recipient Recipient => Job.Envelope.Recipients[Index];
        public ActionConfig.LocalUsers Action => (ActionConfig.LocalUsers)Lane.Action;
    }

    private async ValueTask DeliverAsync(Copy copy, LocalLeaf leaf, int number, LeafResults results, CancellationToken cancellationToken)
    {
        switch (leaf)
        {
            case LocalLeaf.Decided decided:
                results.Complete(number, decided.Outcome with { Peer = copy.Lane.Action.Name });
                break;
            case LocalLeaf.Passed passed:
                results.Complete(number, await PassedDelivery.RunAsync(passed, copy.Job, copy.Recipient, copy.Lane, services.Agents(), cancellationToken));
                break;
            case LocalLeaf.Mailbox mailbox:
                bool isCommand = copy.Action.MailboxCommand.Length > 0;
                string told = isCommand ? "delivered to command: " + copy.Action.MailboxCommand
                    : (copy.Action.HomeMailbox.Length > 0 ? copy.Action.HomeMailbox : copy.Action.SpoolFolder).EndsWith('/') ? "delivered to maildir" : "delivered to mailbox";
                await HandAsync(copy, new Handed(leaf.At, mailbox.Envelope, isCommand, told), o => results.Complete(number, o), cancellationToken);
                break;
            case LocalLeaf.Target target:
                bool runs = target.What.Kind is TargetKind.Command;
                string word = runs ? "delivered to command: " + target.What.Text : target.What.Text.EndsWith('/') ? "delivered to maildir" : "delivered to file: " + target.What.Text;
                await HandAsync(copy, new Handed(leaf.At, target.Envelope, runs, word), o => results.Complete(number, o), cancellationToken);
                break;
        }
    }

    /// <param name="Told">What a success is told as.</param>
    private sealed record Handed(ExpansionPoint At, LocalEnvelope Envelope, bool IsCommand, string Told);

    /// <summary>To the privileged side; the outcome comes now or when its batch is durable.</summary>
    private static async ValueTask HandAsync(Copy copy, Handed handed, Action<DeliveryOutcome> completed, CancellationToken cancellationToken)
    {
        string service = copy.Lane.Action.Name;
        bool ofAlias = handed.Envelope is { Target.Length: > 0, Source: TargetSource.AliasTable };
        // Whom a target of an alias runs as is found by its digest.
        LocalIdentity identity = ofAlias ? new LocalIdentity(LocalIdentityKind.Alias, User: handed.Envelope.Target) : new LocalIdentity(LocalIdentityKind.User, User: handed.Envelope.User);
        (LocalConnection? connection, LocalReply? refusal) = await copy.Helper.FitAsync(identity, copy.Lane.Config, copy.Action.CommandTime, cancellationToken);
        if (connection is null)
        {
            completed(LocalOutcome.Of(refusal!, "", service));
            return;
        }
        MailAddress? delivered = LocalUserTrace.Wants(copy.Action, handed.IsCommand ? DeliveredHeader.Command : DeliveredHeader.File) ? handed.At.Delivered : null;
        DateTimeOffset? fromLine = handed.IsCommand ? DateTimeOffset.UtcNow : null;
        var transaction = new LocalTransaction(
            handed.At.Sender.ToString(), handed.Envelope, LocalUserTrace.Build(handed.At.Sender, copy.Recipient.Original, delivered, fromLine), copy.Body);
        await connection.SendAsync(transaction, reply => completed(handed.IsCommand ? LocalOutcome.OfCommand(reply, handed.Told, service) : LocalOutcome.Of(reply, handed.Told, service)), cancellationToken);
        if (handed.IsCommand)
            await HelperLane.WaitForCommandAsync(connection, copy.Action.CommandTime);
    }

    /// <summary>Addresses that grow on their way (extensions) come back under ever new names, which Delivered-To does not see; the hops do (E31).</summary>
    private static void EndLoop(Copy copy, IReadOnlyList<LocalLeaf> leaves, LeafResults results)
    {
        for (int i = 0; i < leaves.Count; i++)
        {
            if (leaves[i] is LocalLeaf.Onward && !results.IsDone(i))
                results.Complete(i, DeliveryOutcome.Failed(new(5, 4, 0), "too many hops") with { Peer = copy.Lane.Action.Name });
        }
    }

    /// <summary>What leads away, one new message for each sender and Delivered-To.</summary>
    private static async ValueTask OnwardAsync(Copy copy, IReadOnlyList<LocalLeaf> leaves, LeafResults results, CancellationToken cancellationToken)
    {
        var groups = leaves.Select((leaf, number) => (leaf.At, Number: number, IsOnward: leaf is LocalLeaf.Onward)).Where(l => l.IsOnward && !results.IsDone(l.Number))
            .GroupBy(l => (l.At.Sender, l.At.Delivered, l.At.IsList));
        foreach (var group in groups)
        {
            var prefix = new ArrayBufferWriter<byte>(80);
            if (LocalUserTrace.Wants(copy.Action, DeliveredHeader.Forward))
                TraceFields.WriteDeliveredTo(prefix, group.Key.Delivered);
            var forwarding = new Forwarding(group.Key.Sender, [.. group.Select(l => l.At.Address.ToString())], prefix.WrittenMemory) { On = group.Key.IsList ? null : copy.Recipient };
            MessageId? id = await copy.Job.ForwardAsync(forwarding, cancellationToken);
            DeliveryOutcome outcome = id is { } made
                ? DeliveryOutcome.Delivered("forwarded as " + made) with { Kind = OutcomeKind.Relayed }
                : DeliveryOutcome.Deferred(new(4, 3, 0), "unable to forward message");
            foreach (var leaf in group)
                results.Complete(leaf.Number, outcome with { Peer = copy.Lane.Action.Name });
        }
    }
}
