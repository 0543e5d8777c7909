using Estafette.Mail;

namespace Estafette.Queue;

/// <summary>Which waiting recipients an operation is for.</summary>
public abstract record QueueSelector
{
    private QueueSelector() { }

    public abstract bool Matches(Envelope envelope, Recipient recipient);

    public sealed record All : QueueSelector
    {
        public static All Instance { get; } = new();

        public override bool Matches(Envelope envelope, Recipient recipient) => true;
    }

    /// <summary>By the forms an id is written in: sixteen digits of a message id or of an envelope id, or the eight digits of OpenSMTPD's message id (O23).</summary>
    public sealed record ById(string Id) : QueueSelector
    {
        public override bool Matches(Envelope envelope, Recipient recipient) =>
            Id.Length == 8
                ? Id.Equals(envelope.Id.Short, StringComparison.OrdinalIgnoreCase)
                : Id.Equals(envelope.Id.ToString(), StringComparison.OrdinalIgnoreCase)
                    || Id.Equals(envelope.Id.EnvelopeId(recipient.Key), StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>By the domain that mail goes to.</summary>
    public sealed record ByDomain(string Domain) : QueueSelector
    {
        public override bool Matches(Envelope envelope, Recipient recipient) =>
            Domain.Equals(recipient.Address.Domain, StringComparison.OrdinalIgnoreCase);
    }
}
