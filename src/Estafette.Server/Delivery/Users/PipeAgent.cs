using System.Buffers;
using System.Globalization;
using Estafette.Config.Model;
using Estafette.Delivery.Local;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Spool;
using Estafette.Tables;

namespace Estafette.Delivery.Users;

/// <summary>
/// pipe(8): gives a message to a command of master.cf, for one recipient or several at once. The command line stands on the privileged side; from here go the values of its macros.
/// </summary>
public sealed class PipeAgent(LocalConnections connections) : IDeliveryAgent
{
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(200);

    public bool Serves(ActionConfig action, DeliveryTarget target) => action is ActionConfig.Pipe;

    public NextHop NextHopOf(ActionConfig action, Recipient recipient, MailAddress reversePath) =>
        new("pipe", (recipient.NextHop.Length > 0 ? recipient.NextHop : recipient.Address.Domain).ToLowerInvariant(), action.Name);

    public int RecipientsPerJob(ActionConfig action) => ((ActionConfig.Pipe)action).Recipients is > 0 and var limit ? Math.Min(limit, LocalProtocol.MaximumRecipients) : LocalProtocol.MaximumRecipients;

    public async Task ServeAsync(DeliveryLane lane, CancellationToken cancellationToken)
    {
        var action = (ActionConfig.Pipe)lane.Action;
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
                    await ServeAsync(lane, action, job, body, helper, cancellationToken);
                // First outcomes count; this one is for what an interruption left.
                job.CompleteRest(DeliveryOutcome.Deferred(new(4, 3, 2), "delivery was interrupted"));
            }
        }
        finally
        {
            await helper.FinishAsync(lane.Config, action.Time, cancellationToken);
        }
    }

    private async ValueTask ServeAsync(DeliveryLane lane, ActionConfig.Pipe action, DeliveryJob job, SpoolBody body, HelperLane helper, CancellationToken cancellationToken)
    {
        if (action.Size > 0 && body.Length > action.Size)
        {
            job.CompleteRest(DeliveryOutcome.Failed(new(5, 2, 3), string.Create(CultureInfo.InvariantCulture, $"message size {body.Length} exceeds size limit {action.Size}")) with { Peer = action.Name });
            return;
        }
        List<int> recipients = [.. job.Recipients];
        if (action.Flags.HasFlag(PipeFlags.DeliveredTo))
        {
            DeliveredToFields seen = await DeliveredToFields.ReadAsync(body, cancellationToken);
            foreach (int index in recipients.Where(i => seen.Contains(job.Envelope.Recipients[i].Address)).ToList())
            {
                job.Complete(index, DeliveryOutcome.Failed(new(5, 4, 6), $"mail forwarding loop for {job.Envelope.Recipients[index].Address}") with { Peer = action.Name });
                recipients.Remove(index);
            }
        }
        if (recipients.Count == 0)
            return;
        (LocalConnection? connection, LocalReply? refusal) = await helper.FitAsync(new LocalIdentity(LocalIdentityKind.Action, action.Name), lane.Config, action.Time, cancellationToken);
        if (connection is null)
        {
            job.CompleteRest(LocalOutcome.Of(refusal!, "", action.Name));
            return;
        }
        LocalEnvelope[] envelopes = [.. recipients.Select(i => EnvelopeOf(lane, action, job, job.Envelope.Recipients[i], body.Length))];
        var transaction = new LocalTransaction(job.ReversePath.ToString(), envelopes[0], TraceOf(action, job, job.Envelope.Recipients[recipients[0]]), body) { Others = envelopes[1..] };
        await connection.SendAsync(transaction, reply => job.CompleteRest(OutcomeOf(reply, action.Name)), cancellationToken);
        await HelperLane.WaitForCommandAsync(connection, action.Time);
    }

    private static DeliveryOutcome OutcomeOf(LocalReply reply, string service)
    {
        string output = ReferenceEquals(reply, LocalReply.Delivered) || reply.Text == LocalReply.Delivered.Text ? "" : $" ({reply.Text})";
        return LocalOutcome.OfCommand(reply, $"delivered via {service} service{output}", service);
    }

    /// <summary>Delivered-To and X-Original-To are for runs with one recipient, as in the original.</summary>
    private static ReadOnlyMemory<byte> TraceOf(ActionConfig.Pipe action, DeliveryJob job, Recipient recipient)
    {
        var output = new ArrayBufferWriter<byte>(256);
        if (action.Flags.HasFlag(PipeFlags.ReturnPath))
            TraceFields.WriteReturnPath(output, TraceStyle.Postfix, job.ReversePath);
        if (action.Flags.HasFlag(PipeFlags.OriginalTo))
            TraceFields.WriteOriginalTo(output, recipient.Original);
        if (action.Flags.HasFlag(PipeFlags.DeliveredTo))
            TraceFields.WriteDeliveredTo(output, recipient.Address);
        return output.WrittenMemory;
    }

    private static LocalEnvelope EnvelopeOf(DeliveryLane lane, ActionConfig.Pipe action, DeliveryJob job, Recipient recipient, long size)
    {
        PipeFlags flags = action.Flags;
        string local = flags.HasFlag(PipeFlags.FoldUser) ? recipient.Address.LocalPart.ToLowerInvariant() : recipient.Address.LocalPart;
        string domain = flags.HasFlag(PipeFlags.FoldDomain) ? recipient.Address.Domain.ToLowerInvariant() : recipient.Address.Domain;
        bool split = AddressExtension.TrySplit(local, lane.Config.Maps?.Rewriting.RecipientDelimiters ?? "", out string? user, out string extension);
        var values = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["recipient"] = Written(local, domain, flags),
            ["original_recipient"] = Written(
                flags.HasFlag(PipeFlags.FoldUser) ? recipient.Original.LocalPart.ToLowerInvariant() : recipient.Original.LocalPart,
                flags.HasFlag(PipeFlags.FoldDomain) ? recipient.Original.Domain.ToLowerInvariant() : recipient.Original.Domain,
                flags),
            ["mailbox"] = Quoted(local, flags),
            ["user"] = Quoted(split ? user! : local, flags),
            ["extension"] = split ? extension[1..] : "",
            ["domain"] = domain,
            ["nexthop"] = lane.NextHop.Name,
            ["sender"] = job.ReversePath.IsNull ? action.NullSender : Written(job.ReversePath.LocalPart, job.ReversePath.Domain, flags),
            ["queue_id"] = job.Envelope.Id.ToString(),
            ["size"] = size.ToString(CultureInfo.InvariantCulture),
            ["envid"] = job.Envelope.DsnEnvelopeId ?? "",
        };
        LocalEnvelopes.AddClient(job.Envelope.Client, (name, value) => values[name] = value);
        return new LocalEnvelope { User = "", Action = action.Name, Destination = recipient.Address, Original = recipient.Original, Values = values };
    }

    private static string Written(string local, string domain, PipeFlags flags) => domain.Length == 0 ? Quoted(local, flags) : Quoted(local, flags) + "@" + domain;

    private static string Quoted(string local, PipeFlags flags) => flags.HasFlag(PipeFlags.Quote) ? AddressSyntax.QuoteLocalPartIfNeeded(local) : local;
}
