using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Queue;

/// <summary>What the sender is told about a recipient (RFC 3461 s4.1, RFC 3464 s2.3.3).</summary>
internal enum NoticeKind : byte { None, Failed, Delayed, Succeeded }

/// <summary>What one outcome means for a recipient: what the spool shall remember, and what the sender hears.</summary>
internal readonly record struct Decision(RecipientProgress Progress, NoticeKind Notice, bool Expired);

/// <summary>
/// Turns an outcome into the recipient's next state: done, tried again at a time of the schedule, or expired (4.4.7). Pure but for the clock it
/// asks. The spread of retry times comes from the message's id, so that messages deferred together do not come back together.
/// </summary>
internal sealed class RetryPolicy(QueueClock clock)
{
    public static EnhancedStatus ExpiredStatus { get; } = new(4, 4, 7);

    /// <summary>No attempt is nearer than this, whatever the schedule says.</summary>
    private static readonly TimeSpan s_soonest = TimeSpan.FromSeconds(1);

    /// <param name="notBefore">The next hop is not tried before; default when it does not say.</param>
    public Decision Decide(Envelope envelope, int index, RecipientProgress before, DeliveryOutcome outcome, MailConfig config, DateTimeOffset notBefore)
    {
        Recipient recipient = envelope.Recipients[index];
        RecipientProgress now = before with { Attempted = clock.Wall, Last = outcome };
        switch (outcome.Kind)
        {
            case OutcomeKind.Delivered or OutcomeKind.Relayed:
                bool told = recipient.Notify.HasFlag(DsnNotify.Success) && !outcome.DsnHandedOver && !NotificationSender.Of(envelope, recipient).IsNull;
                return new(now with { IsDone = true }, told ? NoticeKind.Succeeded : NoticeKind.None, false);
            case OutcomeKind.Failed:
                return new(now with { IsDone = true }, NoticeOfFailure(recipient), false);
            default:
                return Defer(envelope, recipient, now with { Attempts = before.Attempts + 1 }, config, notBefore);
        }
    }

    /// <summary>The lifetime of a recipient: the action's own, the notification's, or the general one.</summary>
    public static TimeSpan LifetimeOf(Envelope envelope, Recipient recipient, MailConfig config)
    {
        if (config.Actions.TryGetValue(recipient.Action, out ActionConfig? action) && action.Lifetime is { } own)
            return own;
        return envelope.ReversePath.IsNull ? config.Retry.NotificationLifetime : config.Retry.Lifetime;
    }

    /// <summary>The wait before the attempt after <paramref name="attempts"/>.</summary>
    public static TimeSpan Wait(ImmutableArray<TimeSpan> schedule, int attempts) =>
        schedule.IsDefaultOrEmpty ? TimeSpan.FromMinutes(30) : schedule[Math.Clamp(attempts - 1, 0, schedule.Length - 1)];

    /// <summary>The longest time any recipient may wait for its next attempt; a due time beyond it comes from a wrong clock (E46).</summary>
    public static TimeSpan LongestWait(MailConfig config)
    {
        TimeSpan longest = TimeSpan.FromMinutes(30);
        foreach (TimeSpan wait in config.Retry.Schedule)
            longest = wait > longest ? wait : longest;
        return longest * 1.25 + NextHopHealth.LongestPause;
    }

    private Decision Defer(Envelope envelope, Recipient recipient, RecipientProgress now, MailConfig config, DateTimeOffset notBefore)
    {
        RetryConfig retry = config.Retry;
        TimeSpan lifetime = LifetimeOf(envelope, recipient, config);
        TimeSpan age = AgeOf(envelope.Received, now.Attempts, retry);
        if (age >= lifetime && clock.MayExpire(envelope.Received, lifetime))
            return new(now with { IsDone = true, Last = Expired(now.Last!) }, NoticeOfFailure(recipient), true);

        DateTimeOffset current = clock.Now;
        DateTimeOffset due = current + Spread(Wait(retry.Schedule, now.Attempts), envelope.Id, now.Attempts);
        if (due < notBefore)
            due = notBefore + Spread(TimeSpan.FromSeconds(10), envelope.Id, now.Attempts);
        // The last attempt is made when the lifetime ends, not one long wait later.
        if (age < lifetime && due > current + (lifetime - age))
            due = current + (lifetime - age);
        if (due < current + s_soonest)
            due = current + s_soonest;

        int warnings = WarningsDue(retry.WarnAfter, age);
        bool warn = warnings > now.DelayWarnings && NoticeOfDelay(envelope, recipient);
        return new(now with { Due = due, DelayWarnings = Math.Max(warnings, now.DelayWarnings) }, warn ? NoticeKind.Delayed : NoticeKind.None, false);
    }

    /// <summary>A stamp from the future says nothing; then the attempts made so far tell how long the message has been here.</summary>
    private TimeSpan AgeOf(DateTimeOffset received, int attempts, RetryConfig retry)
    {
        if (!clock.IsSenseless(received))
            return clock.AgeOf(received);
        TimeSpan age = TimeSpan.Zero;
        for (int i = 1; i < Math.Min(attempts, 1000); i++)
            age += Wait(retry.Schedule, i);
        return age;
    }

    private static DeliveryOutcome Expired(DeliveryOutcome last) => last with
    {
        Kind = OutcomeKind.Failed,
        Scope = OutcomeScope.Recipient,
        Status = ExpiredStatus,
        Text = last.Text.Length == 0 ? "Message expired" : "Message expired: " + last.Text,
    };

    private static int WarningsDue(ImmutableArray<TimeSpan> warnAfter, TimeSpan age)
    {
        int passed = 0;
        foreach (TimeSpan at in warnAfter)
            passed += age >= at ? 1 : 0;
        return passed;
    }

    public static NoticeKind NoticeOfFailure(Recipient recipient) =>
        recipient.Notify == DsnNotify.Unspecified || recipient.Notify.HasFlag(DsnNotify.Failure) ? NoticeKind.Failed : NoticeKind.None;

    private static bool NoticeOfDelay(Envelope envelope, Recipient recipient) =>
        !NotificationSender.Of(envelope, recipient).IsNull && (recipient.Notify == DsnNotify.Unspecified || recipient.Notify.HasFlag(DsnNotify.Delay));

    /// <summary>Up to a tenth more or less, by a hash of id and attempt.</summary>
    internal static TimeSpan Spread(TimeSpan wait, MessageId id, int attempt)
    {
        ulong hash = (id.Value ^ ((ulong)attempt << 32)) * 0x9E3779B97F4A7C15;
        double tenth = (hash >> 40) / (double)(1 << 24) * 0.2 - 0.1;
        return wait + wait * tenth;
    }
}
