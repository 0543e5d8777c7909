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
    public MailAddress ReversePath => reversePath;

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
