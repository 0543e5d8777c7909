using Estafette.Mail;

namespace Estafette.Local.Mailboxes;

/// <summary>
/// One message on its way into its place. Failures while writing are remembered and told at the end: the rest of the message is still taken from the
/// connection, so that the transactions behind it stay in step.
/// </summary>
internal abstract class Delivery
{
    /// <summary>Whether lines that begin with "From " are quoted.</summary>
    public virtual bool QuoteFrom => false;

    public abstract void Write(ReadOnlySpan<byte> text);

    /// <summary>The whole message was written. Null: the answer comes when the batch is committed.</summary>
    public abstract LocalReply? End(bool atLineStart);

    /// <summary>The message will not be completed: nothing of it stays.</summary>
    public abstract void Abort();

    /// <summary>After the batch's flush: the answer.</summary>
    public virtual LocalReply Settle(bool durable) => throw new InvalidOperationException("not a delivery of a batch");
}

/// <summary>Takes a message that cannot be delivered, or that nobody wants, and answers with what was known before.</summary>
internal sealed class SwallowedDelivery(LocalReply reply) : Delivery
{
    public override void Write(ReadOnlySpan<byte> text) { }

    public override LocalReply? End(bool atLineStart) => reply;

    public override void Abort() { }
}
