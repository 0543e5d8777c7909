using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Spool;

namespace Estafette.Queue;

/// <summary>
/// Carries messages to next hops of one kind. The ready queue opens lanes to a next hop as its concurrency allows; the agent serves a lane: it
/// opens a connection when the first job comes, keeps it over the lane's further jobs, and ends when the lane gives no more.
/// </summary>
public interface IDeliveryAgent
{
    /// <summary>Whether this agent serves recipients of this action and target.</summary>
    bool Serves(ActionConfig action, DeliveryTarget target);

    /// <summary>The key of the ready queue the recipient waits in. Pure: no lookup, no clock.</summary>
    NextHop NextHopOf(ActionConfig action, Recipient recipient, MailAddress reversePath);

    /// <summary>Most recipients of one message that one job may carry: 100 for SMTP (RFC 5321 s4.5.3.1.8), 1 where each recipient is a delivery of its own.</summary>
    int RecipientsPerJob(ActionConfig action);

    /// <summary>Most lanes to one next hop; an agent whose next hop is a single user's mailbox asks for fewer.</summary>
    int LanesPerNextHop(ActionConfig action, LimitsConfig limits) => limits.ConnectionsPerNextHop;

    /// <summary>An operator wants attempts now: what the agent itself holds back may be tried again.</summary>
    void Wake() { }

    /// <summary>
    /// Serves one lane until it runs dry. Must complete every job it takes, whatever happens (an exception is a bug: the queue defers what
    /// was left incomplete and logs it).
    /// </summary>
    Task ServeAsync(DeliveryLane lane, CancellationToken cancellationToken);
}

/// <summary>
/// "Through which connection?": everything with an equal key may share one. <paramref name="Transport"/> is <c>smtp</c>, <c>lmtp</c>, <c>local</c> or
/// <c>discard</c>; <paramref name="Name"/> the domain, host list or user; <paramref name="Action"/> the action's name, because TLS needs, credentials and source address hang on it.
/// </summary>
public readonly record struct NextHop(string Transport, string Name, string Action)
{
    /// <summary>Whose login the connection uses, where that hangs on the sender; empty otherwise.</summary>
    public string Sender { get; init; } = "";

    public override string ToString() => Transport + ":" + Name;
}

/// <summary>One connection's worth of work towards one next hop.</summary>
public abstract class DeliveryLane
{
    public abstract NextHop NextHop { get; }

    /// <summary>The action as the configuration in force names it.</summary>
    public abstract ActionConfig Action { get; }
    public abstract MailConfig Config { get; }

    /// <summary>The next job; waits up to <paramref name="wait"/> for one, so that an open connection can serve again. Null: close and return.</summary>
    public abstract ValueTask<DeliveryJob?> TakeAsync(TimeSpan wait, CancellationToken cancellationToken);
}

/// <summary>One message for some of its recipients, all at the same next hop. All have the same effective reverse-path.</summary>
public abstract class DeliveryJob
{
    public abstract Envelope Envelope { get; }

    /// <summary>Indexes into <see cref="Envelope.Recipients"/> that this job is for; at most the limit the agent's kind asks for.</summary>
    public abstract IReadOnlyList<int> Recipients { get; }

    /// <summary>The reverse-path to use: the recipients' own if they have one, else the envelope's.</summary>
    public abstract MailAddress ReversePath { get; }

    /// <summary>Attempts before this one, for logs.</summary>
    public abstract int Attempt { get; }

    public abstract ValueTask<SpoolBody?> OpenBodyAsync(CancellationToken cancellationToken);

    /// <summary>The peer is ready and the message goes to it now, as the how-manieth of its connection: logs tell where the time went.</summary>
    public virtual void Begins(int connectionUses) { }

    /// <summary>Tells the outcome of one recipient, exactly once each; the order is free. Cheap: durability is arranged behind it.</summary>
    public abstract void Complete(int recipient, DeliveryOutcome outcome);

    /// <summary>The same outcome for every recipient not completed yet.</summary>
    public abstract void CompleteRest(DeliveryOutcome outcome);

    /// <summary>
    /// Sends the message on to others as a new one (an alias or forward file that leads away): when it returns an id the new message is durable. Null: not now, and the
    /// recipient must be deferred.
    /// </summary>
    public virtual ValueTask<MessageId?> ForwardAsync(Forwarding forwarding, CancellationToken cancellationToken) => ValueTask.FromResult<MessageId?>(null);
}

/// <summary>What is different in a message that is sent on: whom it goes to, whom its bounces go to, and the fields put in front of it.</summary>
/// <param name="ReversePath">The reverse-path of the new message.</param>
/// <param name="Recipients">Addresses as an alias or forward file names them, in the external form; rewritten and expanded like those of any new message.</param>
/// <param name="Prefix">Header fields with their line ends, in front of the stored message.</param>
public sealed record Forwarding(MailAddress ReversePath, System.Collections.Immutable.ImmutableArray<string> Recipients, ReadOnlyMemory<byte> Prefix)
{
    /// <summary>
    /// The recipient whose wishes (ORCPT, NOTIFY without SUCCESS) and original address go along; null for a list with an owner, whose notifications are its own (RFC 3461 s5.2.7).
    /// </summary>
    public Recipient? On { get; init; }
}
