using System.Collections.Immutable;
using Estafette.Mail;

namespace Estafette.Queue;

/// <summary>Which of Postfix's queues a message would be in (qmgr(8)); here it is a matter of its state, and nothing moves.</summary>
[Flags]
public enum QueuePlace : byte
{
    None = 0,

    /// <summary>Has not been tried and is not being tried.</summary>
    Incoming = 1,

    /// <summary>A round of attempts is under way.</summary>
    Active = 2,

    /// <summary>Waits for a further attempt.</summary>
    Deferred = 4,
    Hold = 8,
    All = Incoming | Active | Deferred | Hold,
}

/// <summary>One waiting message as a whole, as listings of messages show it: a snapshot.</summary>
public sealed record WaitingMessage(Envelope Envelope, ImmutableArray<RecipientProgress> Progress, QueuePlace Place)
{
    /// <summary>An operator wants it returned to its sender with the next attempt.</summary>
    public bool IsExpiring => Progress.Any(one => one is { IsDone: false, MustExpire: true });
}

/// <summary>What an operator does to whole messages.</summary>
public enum MessageChange : byte
{
    Delete,
    Hold,

    /// <summary>Off hold; the next attempt comes in its time.</summary>
    Release,

    /// <summary>Off hold, and tried at once, along the routes of the configuration in force.</summary>
    Requeue,

    /// <summary>Returned to the sender with the next attempt, which is now; what is on hold stays there.</summary>
    Expire,

    /// <summary>The same, off hold.</summary>
    ExpireAndRelease,
}
