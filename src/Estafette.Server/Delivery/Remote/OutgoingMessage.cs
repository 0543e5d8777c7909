using Estafette.Mail;
using Estafette.Queue;

namespace Estafette.Delivery.Remote;

/// <summary>One recipient as it is written to the peer.</summary>
internal readonly record struct OutgoingRecipient(int Index, string Path);

/// <summary>
/// One job made ready for the wire: paths written out, reverse-path rewritten, fields to prepend. It keeps who still waits for an outcome, so that a second
/// connection can go on where the first one broke off.
/// </summary>
internal sealed class OutgoingMessage(DeliveryJob job, MailAddress reversePath, List<OutgoingRecipient> recipients)
{
    public Envelope Envelope => job.Envelope;
    public MailAddress ReversePath { get; private set; } = reversePath;

    /// <summary>Gives the envelope's addresses the form that a map has for them outside (<c>smtp_generic_maps</c>); a reason where that cannot be told now.</summary>
    public async ValueTask<string?> RewriteAsync(Func<string, ValueTask<RelayTableAnswer>> addressOf)
    {
        if (!ReversePath.IsNull)
        {
            RelayTableAnswer sender = await addressOf(ReversePath.ToString());
            if (sender.Trouble is not null)
                return sender.Trouble;
            if (sender.Value is { } written)
                ReversePath = written.Length == 0 ? MailAddress.Null : AddressTokens.Read(written).ToAddress();
        }
        for (int i = 0; i < recipients.Count; i++)
        {
            RelayTableAnswer recipient = await addressOf(recipients[i].Path);
            if (recipient.Trouble is not null)
                return recipient.Trouble;
            if (recipient.Value is { } path)
                recipients[i] = recipients[i] with { Path = path };
        }
        return null;
    }

    /// <summary>Recipients without an outcome, in order.</summary>
    public List<OutgoingRecipient> Pending => recipients;

    /// <summary>Fields written before the stored message (Return-Path, Delivered-To of LMTP).</summary>
    public ReadOnlyMemory<byte> Prefix { get; init; }

    /// <summary>The peer is ready: see <see cref="DeliveryJob.Begins"/>.</summary>
    public void Begins(int connectionUses) => job.Begins(connectionUses);

    public Recipient Of(OutgoingRecipient recipient) => job.Envelope.Recipients[recipient.Index];

    public ValueTask<Spool.SpoolBody?> OpenBodyAsync(CancellationToken cancellationToken) => job.OpenBodyAsync(cancellationToken);

    public void Complete(OutgoingRecipient recipient, DeliveryOutcome outcome)
    {
        recipients.Remove(recipient);
        job.Complete(recipient.Index, outcome);
    }

    public void CompleteRest(DeliveryOutcome outcome)
    {
        if (recipients.Count == 0)
            return;
        recipients.Clear();
        job.CompleteRest(outcome);
    }
}
