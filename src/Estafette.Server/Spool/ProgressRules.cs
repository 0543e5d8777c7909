using System.Collections.Immutable;
using Estafette.Mail;

namespace Estafette.Spool;

/// <summary>What progress means, the same for every store: when a message is due, when it is finished, what an update changes.</summary>
internal static class ProgressRules
{
    public static ImmutableArray<RecipientProgress> Fresh(int recipients)
    {
        var fresh = new RecipientProgress[recipients];
        Array.Fill(fresh, RecipientProgress.New);
        return System.Runtime.InteropServices.ImmutableCollectionsMarshal.AsImmutableArray(fresh);
    }

    public static ImmutableArray<RecipientProgress> Apply(ImmutableArray<RecipientProgress> progress, SpoolUpdate update)
    {
        if (update.Progress.IsDefaultOrEmpty)
            return progress;
        var changed = new RecipientProgress[progress.Length];
        progress.CopyTo(changed);
        foreach ((int recipient, RecipientProgress now) in update.Progress)
            changed[recipient] = now;
        return System.Runtime.InteropServices.ImmutableCollectionsMarshal.AsImmutableArray(changed);
    }

    public static bool IsFinished(ImmutableArray<RecipientProgress> progress)
    {
        foreach (RecipientProgress one in progress)
        {
            if (!one.IsDone)
                return false;
        }
        return true;
    }

    /// <summary>The earliest due time of a recipient that is not done.</summary>
    public static long DueTicks(ImmutableArray<RecipientProgress> progress)
    {
        long due = long.MaxValue;
        foreach (RecipientProgress one in progress)
        {
            if (!one.IsDone && one.Due.UtcTicks < due)
                due = one.Due.UtcTicks;
        }
        return due;
    }

    /// <summary>Due times as the contract shows them.</summary>
    public static DateTimeOffset TimeOf(long ticks) => new(ticks, TimeSpan.Zero);

    /// <summary>A recipient index that does not exist is a bug of the caller, told before anything is written.</summary>
    public static void Check(SpoolUpdate update, int recipients)
    {
        if (update.Progress.IsDefaultOrEmpty)
            return;
        foreach ((int recipient, _) in update.Progress)
        {
            if ((uint)recipient >= (uint)recipients)
                throw new ArgumentException($"Message {update.Id} has no recipient {recipient}.", nameof(update));
        }
    }

    /// <summary>An envelope that could never be finished or found again is a bug of the caller.</summary>
    public static void Check(Envelope envelope, MessageId id)
    {
        if (envelope.Id != id)
            throw new ArgumentException($"The envelope carries id {envelope.Id}, the writer has {id}.", nameof(envelope));
        if (envelope.Recipients.IsDefaultOrEmpty)
            throw new ArgumentException($"Message {id} has no recipients.", nameof(envelope));
    }
}
