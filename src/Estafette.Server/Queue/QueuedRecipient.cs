using Estafette.Mail;

namespace Estafette.Queue;

public enum QueuedState : byte
{
    /// <summary>Waits for its next attempt.</summary>
    Scheduled,

    /// <summary>A round of attempts is under way.</summary>
    Active,
    Held,
}

/// <summary>One recipient that waits, as listings show it: a snapshot.</summary>
public sealed record QueuedRecipient
{
    public required Envelope Envelope { get; init; }
    public required Recipient Recipient { get; init; }
    public required QueuedState State { get; init; }
    public required DeliveryKind Kind { get; init; }
    public required DateTimeOffset Expires { get; init; }
    public required int Attempts { get; init; }
    public DateTimeOffset? LastAttempt { get; init; }

    /// <summary>Wall clock; null for what is active or held, or has not been tried.</summary>
    public DateTimeOffset? NextAttempt { get; init; }

    /// <summary>The newest outcome; null before the first attempt.</summary>
    public DeliveryOutcome? LastOutcome { get; init; }

    public string EnvelopeId => Envelope.Id.EnvelopeId(Recipient.Key);
}
