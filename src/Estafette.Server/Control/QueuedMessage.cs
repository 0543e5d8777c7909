namespace Estafette.Control;

/// <summary>One waiting message, as Postfix's listings show it (postqueue(1)).</summary>
public sealed record QueuedMessage
{
    public required string Id { get; init; }

    /// <summary>incoming, active, deferred or hold.</summary>
    public required string Queue { get; init; }
    public bool ForcedExpire { get; init; }

    /// <summary>Empty for the null sender.</summary>
    public required string Sender { get; init; }
    public long Size { get; init; }
    public DateTimeOffset Arrived { get; init; }

    /// <summary>Those that still wait.</summary>
    public required IReadOnlyList<QueuedAddress> Recipients { get; init; }
}

/// <param name="Address">Where it goes.</param>
/// <param name="Reason">Why it still waits; empty before the first attempt.</param>
public sealed record QueuedAddress(string Address, string Reason);

/// <summary>One record of a message as postcat(1) prints it: the letter of Postfix's queue files, and its text.</summary>
public sealed record MessageRecord(char Type, string Text);
