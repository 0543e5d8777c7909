using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Spool;

namespace Estafette.Delivery.Local;

/// <summary>
/// Final delivery on this machine: hands each recipient's copy, with its trace fields on top, to a helper that runs as the user (DESIGN 6). Several are on
/// their way at once on one connection, so that the helper shares one flush between them. A broken connection or an absent local process defers with a reason.
/// </summary>
public sealed class LocalAgent(LocalConnections connections, EventSink? events = null) : IDeliveryAgent
{
    private readonly EventSink _events = events ?? EventSink.Silent;

    /// <summary>How long a lane waits for a further message before its connection goes back to the pool.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(200);

    public bool Serves(ActionConfig action, DeliveryTarget target) =>
        action is ActionConfig.Local local && target switch
        {
            DeliveryTarget.File or DeliveryTarget.Command => true,
            DeliveryTarget.User => local.Method is not LocalMethod.Lmtp,
            _ => false,
        };

    public NextHop NextHopOf(ActionConfig action, Recipient recipient, MailAddress reversePath)
    {
        LocalIdentity identity = IdentityOf((ActionConfig.Local)action, recipient);
        string name = identity.Kind switch
        {
            LocalIdentityKind.Action => ((ActionConfig.Local)action).RunAs!,
            LocalIdentityKind.Alias => "alias",
            _ => identity.User,
        };
        return new NextHop("local", name, action.Name);
    }

    public int RecipientsPerJob(ActionConfig action) => 1;

    /// <summary>One connection carries a user's mail in batches; only commands, which take their own time, gain from several.</summary>
    public int LanesPerNextHop(ActionConfig action, LimitsConfig limits) =>
        action is ActionConfig.Local { Method: LocalMethod.Command } ? Math.Min(5, limits.ConnectionsPerNextHop)
        : action is ActionConfig.Local { RunAs: not null } ? 2
        : 1;

    public async Task ServeAsync(DeliveryLane lane, CancellationToken cancellationToken)
    {
        var helper = new HelperLane(connections);
        try
        {
            while (await lane.TakeAsync(Linger, cancellationToken).ConfigureAwait(false) is { } job)
                await ServeAsync(lane, job, helper, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await helper.FinishAsync(lane.Config, lane.Config.Limits.CommandRun, cancellationToken).ConfigureAwait(false);
            MdaTrace.AllDone(_events, lane.NextHop.Name);
        }
    }

    private async ValueTask ServeAsync(DeliveryLane lane, DeliveryJob job, HelperLane helper, CancellationToken cancellationToken)
    {
        connections.Observe(lane.Config);
        int next = 0;
        DeliveryOutcome rest = DeliveryOutcome.Deferred(new(4, 3, 2), "local delivery was interrupted");
        try
        {
            using SpoolBody? body = await job.OpenBodyAsync(cancellationToken).ConfigureAwait(false);
            if (body is null || lane.Action is not ActionConfig.Local action)
            {
                rest = DeliveryOutcome.Deferred(new(4, 3, 0), body is null ? "the stored message cannot be opened" : "the action is no local delivery any more");
                return;
            }
            while (next < job.Recipients.Count)
            {
                int index = job.Recipients[next];
                LocalIdentity identity = IdentityOf(action, job.Envelope.Recipients[index]);
                var copy = new Copy(job, index, action, body)
                {
                    Trace = MdaTrace.Begin(_events, job.Envelope, job.Envelope.Recipients[index], lane.NextHop.Name),
                };
                (LocalConnection? connection, LocalReply? refusal) = await helper.FitAsync(identity, lane.Config, lane.Config.Limits.CommandRun, cancellationToken).ConfigureAwait(false);
                next++;
                if (connection is null)
                    copy.Complete(ToOutcome(refusal!));
                else
                    await SendAsync(connection, lane.Config, copy, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            for (; next < job.Recipients.Count; next++)
                job.Complete(job.Recipients[next], rest);
        }
    }

    /// <summary>One recipient's copy of a job's message.</summary>
    private sealed record Copy(DeliveryJob Job, int Index, ActionConfig.Local Action, SpoolBody Body)
    {
        public Recipient Recipient => Job.Envelope.Recipients[Index];

        /// <summary>Null while nobody wants it.</summary>
        public MdaTrace? Trace { get; init; }

        public void Complete(DeliveryOutcome outcome)
        {
            Trace?.Done(outcome);
            Job.Complete(Index, outcome);
        }

        /// <summary>Commands are run one by one: nothing is gained by sending ahead, and a time-out concerns one message only.</summary>
        public bool RunsCommand => Recipient.Target is DeliveryTarget.Command || (Recipient.Target is DeliveryTarget.User && Action.Method is LocalMethod.Command);
    }

    private async ValueTask SendAsync(LocalConnection connection, MailConfig config, Copy copy, CancellationToken cancellationToken)
    {
        Recipient recipient = copy.Recipient;
        var transaction = new LocalTransaction(
            copy.Job.ReversePath.ToString(), EnvelopeOf(copy.Action, recipient), LocalTrace.Build(config, recipient, copy.Job.ReversePath), copy.Body);
        copy.Trace?.Handed(copy.RunsCommand ? "command" : copy.Action.Method.GetType().Name.ToLowerInvariant());
        await connection.SendAsync(transaction, reply => copy.Complete(ToOutcome(reply)), cancellationToken).ConfigureAwait(false);
        copy.Trace?.Sent();
        if (copy.RunsCommand)
            await HelperLane.WaitForCommandAsync(connection, config.Limits.CommandRun).ConfigureAwait(false);
    }

    /// <summary>Who the helper must be; only names, the privileged side looks the rest up.</summary>
    private static LocalIdentity IdentityOf(ActionConfig.Local action, Recipient recipient) => recipient.Target switch
    {
        DeliveryTarget.File { Source: TargetSource.AliasTable } or DeliveryTarget.Command { Source: TargetSource.AliasTable } => new(LocalIdentityKind.Alias),
        DeliveryTarget.File file => new(LocalIdentityKind.User, User: file.RunAs),
        DeliveryTarget.Command command => new(LocalIdentityKind.User, User: command.RunAs),
        DeliveryTarget.User when action.RunAs is not null => new(LocalIdentityKind.Action, action.Name),
        DeliveryTarget.User user when action.UserTable is not null => new(LocalIdentityKind.Table, action.Name, user.Name),
        DeliveryTarget.User user => new(LocalIdentityKind.User, User: user.Name),
        _ => throw new ArgumentException("not a local target", nameof(recipient)),
    };

    private static LocalEnvelope EnvelopeOf(ActionConfig.Local action, Recipient recipient)
    {
        (string user, LocalTarget? target, TargetSource source) = recipient.Target switch
        {
            DeliveryTarget.File file => (file.Source is TargetSource.AliasTable ? "" : file.RunAs, new LocalTarget(false, file.Path), file.Source),
            DeliveryTarget.Command command => (command.Source is TargetSource.AliasTable ? "" : command.RunAs, LocalActionsCompiler.CommandTarget(command.CommandLine), command.Source),
            DeliveryTarget.User one => (one.Name, (LocalTarget?)null, TargetSource.AliasTable),
            _ => throw new ArgumentException("not a local target", nameof(recipient)),
        };
        return new LocalEnvelope
        {
            User = user,
            Action = action.Name,
            Destination = recipient.Address,
            Original = recipient.Original,
            Detail = recipient.Detail,
            Target = target is { } known ? LocalActions.DigestOf(known) : "",
            Source = source,
        };
    }

    private static DeliveryOutcome ToOutcome(LocalReply reply) => reply.Code switch
    {
        < 300 => DeliveryOutcome.Delivered(),
        < 500 => DeliveryOutcome.Deferred(reply.Status, reply.Text),
        _ => DeliveryOutcome.Failed(reply.Status, reply.Text),
    };
}
