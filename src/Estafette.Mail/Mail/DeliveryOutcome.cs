using System.Collections.Immutable;

namespace Estafette.Mail;

/// <summary>How an attempt ended for one recipient.</summary>
public enum OutcomeKind : byte
{
    /// <summary>In a mailbox, durably.</summary>
    Delivered,

    /// <summary>Taken by the next hop, which is responsible now.</summary>
    Relayed,

    /// <summary>Tried again later.</summary>
    Deferred,

    /// <summary>Given up; the sender is told.</summary>
    Failed,
}

/// <summary>How far a failure reaches, so that the queue does not repeat it needlessly.</summary>
public enum OutcomeScope : byte
{
    Recipient,

    /// <summary>All recipients of the message at this next hop.</summary>
    Message,

    /// <summary>The next hop cannot be reached or refuses to talk: everything that waits for it shares the fate.</summary>
    NextHop,
}

/// <summary>The result of one attempt for one recipient. A value: exceptions mean a bug or a broken machine, never "the peer said 550".</summary>
public sealed record DeliveryOutcome
{
    public required OutcomeKind Kind { get; init; }
    public OutcomeScope Scope { get; init; }

    /// <summary>RFC 3463 code; always set for deferred and failed, 2.x.x otherwise.</summary>
    public required EnhancedStatus Status { get; init; }

    /// <summary>One line for people: the peer's words, or ours. Control characters are already escaped (E12).</summary>
    public required string Text { get; init; }

    /// <summary>The SMTP reply code the peer gave; 0 when none.</summary>
    public int ReplyCode { get; init; }

    /// <summary>Who said it, as a log tells it: <c>mx.example.org[192.0.2.1]:25</c>; null for our own verdicts.</summary>
    public string? Peer { get; init; }

    /// <summary>Name of the MTA that said it, for Remote-MTA of RFC 3464; null for our own verdicts.</summary>
    public string? RemoteMta { get; init; }

    /// <summary>Diagnostic-Code with its type (RFC 3464 s2.3.6), where it is neither the peer's reply nor <see cref="Text"/>; never stored.</summary>
    public string? Diagnostic { get; init; }

    /// <summary>True where the next hop took over the sender's notification wishes (DSN announced), so that no "relayed" notification is due (RFC 3461 s6.2).</summary>
    public bool DsnHandedOver { get; init; }

    /// <summary>
    /// What the recipient became at the attempt, where that is several deliveries or one under another address (aliases, forward files): logs tell each, and a notification names
    /// those that failed. Empty where the outcome says it all. Never stored.
    /// </summary>
    public ImmutableArray<DeliveryPart> Parts { get; init; } = [];

    /// <summary>What the peer answered so: <c>RCPT TO</c>, <c>end of DATA</c>; null for our own verdicts.</summary>
    public string? Command { get; init; }

    /// <summary>One line for logs and listings that says who said it, and to what, in the words of Postfix; <see cref="Text"/> where nobody else said anything.</summary>
    public string Told
    {
        get
        {
            if (Command is null || Peer is not string peer || Kind is OutcomeKind.Delivered or OutcomeKind.Relayed)
                return Text;
            int port = peer.EndsWith(']') ? -1 : peer.LastIndexOf("]:", StringComparison.Ordinal);
            return $"host {(port < 0 ? peer : peer[..(port + 1)])} said: {Text} (in reply to {Command} command)";
        }
    }

    /// <summary>The peer refused this command so; an acceptance stays as it is, so that one object tells it of every message.</summary>
    public DeliveryOutcome InReplyTo(string command) => Kind is OutcomeKind.Relayed ? this : this with { Command = command };

    public bool IsFinal => Kind is not OutcomeKind.Deferred;

    public static DeliveryOutcome Delivered(string text = "Delivered") => new() { Kind = OutcomeKind.Delivered, Status = new(2, 0, 0), Text = text };

    public static DeliveryOutcome Deferred(EnhancedStatus status, string text, OutcomeScope scope = OutcomeScope.Recipient) =>
        new() { Kind = OutcomeKind.Deferred, Status = status, Text = text, Scope = scope };

    public static DeliveryOutcome Failed(EnhancedStatus status, string text, OutcomeScope scope = OutcomeScope.Recipient) =>
        new() { Kind = OutcomeKind.Failed, Status = status, Text = text, Scope = scope };
}

/// <summary>One of the deliveries that a recipient became.</summary>
/// <param name="Address">The address as the last alias or forward file named it.</param>
public sealed record DeliveryPart(MailAddress Address, DeliveryOutcome Outcome);

/// <summary>What the spool remembers of one recipient between attempts.</summary>
public sealed record RecipientProgress
{
    public bool IsDone { get; init; }

    /// <summary>Attempts that ended deferred.</summary>
    public int Attempts { get; init; }

    /// <summary>Wall clock of the next attempt; meaningless when done.</summary>
    public DateTimeOffset Due { get; init; }

    /// <summary>Wall clock of the last attempt, for listings; null before the first.</summary>
    public DateTimeOffset? Attempted { get; init; }

    /// <summary>The newest outcome; null before the first attempt.</summary>
    public DeliveryOutcome? Last { get; init; }

    /// <summary>How many delay warnings the sender has had.</summary>
    public int DelayWarnings { get; init; }

    /// <summary>An operator wants it returned to the sender instead of another attempt.</summary>
    public bool MustExpire { get; init; }

    public static RecipientProgress New { get; } = new();
}
