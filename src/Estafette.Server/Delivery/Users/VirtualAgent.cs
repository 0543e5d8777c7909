using System.Collections.Immutable;
using System.Globalization;
using Estafette.Config.Model;
using Estafette.Delivery.Local;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Spool;
using Estafette.Tables;

namespace Estafette.Delivery.Users;

/// <summary>
/// virtual(8): mailboxes of addresses that are no users. Path, uid and gid come from maps at the attempt; the privileged side writes below the action's folder only, as ids that the
/// configuration named when it was compiled. A map that cannot be asked defers (E44).
/// </summary>
public sealed class VirtualAgent(Func<TableSet> tables, LocalConnections connections, EventSink events) : IDeliveryAgent
{
    private const int LanesPerMailbox = 2;
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Run = TimeSpan.FromMinutes(1);

    public bool Serves(ActionConfig action, DeliveryTarget target) => action is ActionConfig.VirtualMailboxes;

    public NextHop NextHopOf(ActionConfig action, Recipient recipient, MailAddress reversePath) => new("virtual", recipient.Address.ToString().ToLowerInvariant(), action.Name);

    public int RecipientsPerJob(ActionConfig action) => 1;

    public int LanesPerNextHop(ActionConfig action, LimitsConfig limits) => Math.Min(LanesPerMailbox, limits.ConnectionsPerNextHop);

    public async Task ServeAsync(DeliveryLane lane, CancellationToken cancellationToken)
    {
        var helper = new HelperLane(connections);
        try
        {
            while (await lane.TakeAsync(Linger, cancellationToken) is { } job)
            {
                connections.Observe(lane.Config);
                using SpoolBody? body = await job.OpenBodyAsync(cancellationToken);
                if (body is null)
                    job.CompleteRest(DeliveryOutcome.Deferred(new(4, 3, 0), "the stored message cannot be opened"));
                else
                    await ServeAsync(lane, job, body, helper, cancellationToken);
            }
        }
        finally
        {
            await helper.FinishAsync(lane.Config, Run, cancellationToken);
        }
    }

    private async ValueTask ServeAsync(DeliveryLane lane, DeliveryJob job, SpoolBody body, HelperLane helper, CancellationToken cancellationToken)
    {
        DeliveredToFields seen = await DeliveredToFields.ReadAsync(body, cancellationToken);
        foreach (int index in job.Recipients)
        {
            Recipient recipient = job.Envelope.Recipients[index];
            Mailbox mailbox = seen.Contains(recipient.Address)
                ? new Mailbox(DeliveryOutcome.Failed(new(5, 4, 6), $"mail forwarding loop for {recipient.Address}"))
                : await FindAsync((ActionConfig.VirtualMailboxes)lane.Action, recipient.Address, lane.Config, cancellationToken);
            if (mailbox.Verdict is not null)
            {
                job.Complete(index, mailbox.Verdict with { Peer = lane.Action.Name });
                continue;
            }
            var identity = new LocalIdentity(LocalIdentityKind.Virtual, lane.Action.Name, mailbox.Owner);
            (LocalConnection? connection, LocalReply? refusal) = await helper.FitAsync(identity, lane.Config, Run, cancellationToken);
            if (connection is null)
            {
                job.Complete(index, LocalOutcome.Of(refusal!, "", lane.Action.Name));
                continue;
            }
            var envelope = new LocalEnvelope { User = "", Action = lane.Action.Name, Destination = recipient.Address, Original = recipient.Original, Path = mailbox.Path };
            var transaction = new LocalTransaction(job.ReversePath.ToString(), envelope, LocalUserTrace.Build(job.ReversePath, recipient.Original, recipient.Address, null), body);
            string told = mailbox.Path.EndsWith('/') ? "delivered to maildir" : "delivered to mailbox";
            await connection.SendAsync(transaction, reply => job.Complete(index, LocalOutcome.Of(reply, told, lane.Action.Name)), cancellationToken);
        }
        // The body is closed behind us: what was sent of it is sent.
    }

    /// <param name="Verdict">Why there is none.</param>
    /// <param name="Path">Below the base.</param>
    /// <param name="Owner"><c>uid:gid</c>.</param>
    private readonly record struct Mailbox(DeliveryOutcome? Verdict, string Path = "", string Owner = "");

    private async ValueTask<Mailbox> FindAsync(ActionConfig.VirtualMailboxes action, MailAddress address, MailConfig config, CancellationToken cancellationToken)
    {
        if (address.LocalPart.Length > 0 && action.Mailboxes.IsEmpty)
            return Unknown(address);
        TableAnswer path = await LookUpAsync(action.Mailboxes, address, config, cancellationToken);
        if (path is TableAnswer.Unavailable trouble)
            return Deferred("mailbox_maps", trouble.Reason);
        if (path is not TableAnswer.Found { Value: var found })
            return Unknown(address);
        (uint? uid, DeliveryOutcome? noUid) = await IdAsync(action.Uids, "uid", address, config, cancellationToken);
        if (uid is null)
            return new Mailbox(noUid);
        if (uid < action.MinimumUid)
        {
            Warn($"recipient {address}: bad uid {uid} in virtual_uid_maps: it is below virtual_minimum_uid");
            return new Mailbox(DeliveryOutcome.Deferred(new(4, 3, 5), "mail system configuration error"));
        }
        (uint? gid, DeliveryOutcome? noGid) = await IdAsync(action.Gids, "gid", address, config, cancellationToken);
        return gid is null ? new Mailbox(noGid) : new Mailbox(null, found, string.Create(CultureInfo.InvariantCulture, $"{uid}:{gid}"));
    }

    private async ValueTask<(uint? Id, DeliveryOutcome? Trouble)> IdAsync(ImmutableArray<string> maps, string what, MailAddress address, MailConfig config, CancellationToken cancellationToken)
    {
        switch (await LookUpAsync(maps, address, config, cancellationToken))
        {
            case TableAnswer.Unavailable trouble:
                return (null, Deferred($"virtual_{what}_maps", trouble.Reason).Verdict);
            case TableAnswer.Found found when uint.TryParse(found.Value.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out uint id) && id != 0:
                return (id, null);
            case TableAnswer.Found found:
                Warn($"recipient {address}: bad {what} {found.Value} in virtual_{what}_maps");
                return (null, DeliveryOutcome.Deferred(new(4, 3, 5), "mail system configuration error"));
            default:
                Warn($"recipient {address}: {what} not found in virtual_{what}_maps");
                return (null, DeliveryOutcome.Deferred(new(4, 3, 5), "mail system configuration error"));
        }
    }

    /// <summary>user+ext@domain, user@domain, @domain (virtual(8), "TABLE SEARCH ORDER"): the first table of the list that has one of them answers.</summary>
    private async ValueTask<TableAnswer> LookUpAsync(ImmutableArray<string> maps, MailAddress address, MailConfig config, CancellationToken cancellationToken)
    {
        string local = address.LocalPart.ToLowerInvariant(), domain = address.Domain.ToLowerInvariant();
        List<(string Key, MapUse Use)> keys = [($"{local}@{domain}", MapUse.NoSubstitution)];
        if (AddressExtension.TrySplit(local, config.Maps?.Rewriting.RecipientDelimiters ?? "", out string? user, out _))
            keys.Add(($"{user}@{domain}", MapUse.NoSubstitution | MapUse.Partial));
        keys.Add(("@" + domain, MapUse.NoSubstitution | MapUse.Partial));
        foreach ((string key, MapUse use) in keys)
        {
            TableAnswer answer = await tables().FindAsync(maps, key, use, cancellationToken);
            if (answer is not TableAnswer.NotFound)
                return answer;
        }
        return TableAnswer.NotFound.Instance;
    }

    private static Mailbox Unknown(MailAddress address) => new(DeliveryOutcome.Failed(new(5, 1, 1), $"unknown user: \"{address}\""));

    private Mailbox Deferred(string maps, string reason)
    {
        Warn($"{maps}: {reason}");
        return new Mailbox(DeliveryOutcome.Deferred(new(4, 3, 5), "mail system configuration error"));
    }

    private void Warn(string text) => events.Publish(new OperatorWarning("virtual", text) { At = events.Now });
}
