using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;

namespace Estafette.Queue;

/// <summary>
/// What the end of an attempt means: the event that logs tell, the recipient's next state, and the record that makes it durable. Called from lanes'
/// threads, never under a lock.
/// </summary>
internal sealed class Settlement(QueueClock clock, Func<MailConfig> config, EventSink events, Recorder recorder)
{
    /// <summary>Wait of recipients for which a busy next hop has no room.</summary>
    private static readonly TimeSpan s_busyWait = TimeSpan.FromSeconds(15);

    private static readonly EnhancedStatus s_givenUp = new(4, 7, 0);

    private readonly RetryPolicy _retry = new(clock);

    public QueueClock Clock => clock;

    public void Settle(Job job, MailConfig laneConfig, DateTimeOffset notBefore) =>
        Settle(job.Batch.Message, job.RecipientSpan, job.Outcomes, new Attempt(job.Batch.NextHop, laneConfig, notBefore) { Job = job });

    /// <summary>The next hop is dead: everything that waits for it shares the outcome.</summary>
    public void Defer(Batch batch, ArraySegment<int> recipients, DeliveryOutcome outcome, DateTimeOffset notBefore) =>
        Settle(batch.Message, recipients, [outcome], new Attempt(batch.NextHop, config(), notBefore));

    /// <summary>Recipients without a next hop to try, each with its reason. They end together, so that a sender hears of them together.</summary>
    public void Refuse(ActiveMessage message, List<(int Recipient, DeliveryOutcome Reason)> refused)
    {
        if (refused.Count == 0)
            return;
        var settled = new Settled[refused.Count];
        for (int i = 0; i < settled.Length; i++)
        {
            (int recipient, DeliveryOutcome reason) = refused[i];
            settled[i] = SettleOne(message, recipient, reason, new Attempt(new NextHop("none", "", message.Envelope.Recipients[recipient].Action), config(), default));
        }
        recorder.Add(message, settled, settled.Length);
    }

    /// <summary>There is no next hop to try: the action or its agent is gone.</summary>
    public void Defer(ActiveMessage message, int recipient, DeliveryOutcome outcome) =>
        Settle(message, [recipient], [outcome], new Attempt(new NextHop("none", "", message.Envelope.Recipients[recipient].Action), config(), default));

    /// <summary>Back to the scheduled queue without an attempt; no event tells it.</summary>
    public void Postpone(ActiveMessage message, ArraySegment<int> recipients)
    {
        var settled = new Settled[recipients.Count];
        DateTimeOffset due = clock.Now + RetryPolicy.Spread(s_busyWait, message.Envelope.Id, Environment.CurrentManagedThreadId);
        for (int i = 0; i < settled.Length; i++)
            settled[i] = new Settled(recipients[i], message.ProgressOf(recipients[i]) with { Due = due }, NoticeKind.None);
        recorder.Add(message, settled, settled.Length);
    }

    /// <summary>An operator gave these up: the sender is told why they waited, or that somebody wanted it so.</summary>
    public void Expire(ActiveMessage message, int[] recipients)
    {
        var settled = new Settled[recipients.Length];
        for (int i = 0; i < settled.Length; i++)
        {
            RecipientProgress before = message.ProgressOf(recipients[i]);
            DeliveryOutcome outcome = before.Last is { Kind: OutcomeKind.Deferred } last
                ? last with { Kind = OutcomeKind.Failed, Scope = OutcomeScope.Recipient }
                : DeliveryOutcome.Failed(s_givenUp, "message is administratively expired");
            if (before.Last is not { Kind: OutcomeKind.Deferred })
                TellGivenUp(message, recipients[i], outcome);
            settled[i] = new Settled(recipients[i], before with { IsDone = true, Last = outcome }, RetryPolicy.NoticeOfFailure(message.Envelope.Recipients[recipients[i]]));
        }
        events.Publish(new MessageExpired(message.Envelope.Id, message.Envelope.ReversePath) { At = events.Now, IsForced = true });
        recorder.Add(message, settled, settled.Length);
    }

    /// <summary>One that was never tried has no line that says why it comes back.</summary>
    private void TellGivenUp(ActiveMessage message, int recipient, DeliveryOutcome outcome)
    {
        TimeSpan age = clock.AgeOf(message.Envelope.Received);
        events.Publish(new DeliveryAttempted(message.Envelope, message.Envelope.Recipients[recipient], outcome with { Kind = OutcomeKind.Deferred }, "error", "none")
        {
            At = events.Now,
            Age = age,
            Delays = Delays(message, null, age),
        });
    }

    /// <summary>Nothing changes for these recipients.</summary>
    public void LeaveAlone(ActiveMessage message, int recipients) => recorder.Add(message, [], recipients);

    private void Settle(ActiveMessage message, ReadOnlySpan<int> recipients, ReadOnlySpan<DeliveryOutcome?> outcomes, Attempt attempt)
    {
        if (recipients.Length == 1)
        {
            Settled one = SettleOne(message, recipients[0], outcomes[0]!, attempt);
            recorder.Add(message, new ReadOnlySpan<Settled>(in one), 1);
            return;
        }
        var settled = new Settled[recipients.Length];
        for (int i = 0; i < settled.Length; i++)
            settled[i] = SettleOne(message, recipients[i], outcomes[outcomes.Length == 1 ? 0 : i]!, attempt);
        recorder.Add(message, settled, settled.Length);
    }

    private Settled SettleOne(ActiveMessage message, int index, DeliveryOutcome outcome, Attempt attempt)
    {
        Envelope envelope = message.Envelope;
        Decision decision = _retry.Decide(envelope, index, message.ProgressOf(index), outcome, attempt.Config, attempt.NotBefore);
        Recipient recipient = envelope.Recipients[index];
        DateTimeOffset? next = decision.Progress.IsDone ? null : decision.Progress.Due;
        // An alias that was replaced is no delivery.
        if (outcome.Parts.IsEmpty && recipient.Action != Recipient.AliasExpanded)
            Tell(message, recipient, outcome, attempt, next);
        foreach (DeliveryPart part in outcome.Parts)
            Tell(message, recipient with { Address = part.Address }, part.Outcome, attempt, part.Outcome.IsFinal ? null : next);
        if (message.MustExpire && !decision.Progress.IsDone)
            decision = decision with { Progress = decision.Progress with { Due = clock.Now, MustExpire = true } };
        if (decision.Expired && message.IsFirstToExpire())
            events.Publish(new MessageExpired(envelope.Id, envelope.ReversePath) { At = events.Now });
        return new Settled(index, decision.Progress, decision.Notice);
    }

    private void Tell(ActiveMessage message, Recipient recipient, DeliveryOutcome outcome, Attempt attempt, DateTimeOffset? next)
    {
        (string method, string user) = DeliveryMethod.Of(attempt.Config, recipient);
        attempt.Config.Actions.TryGetValue(attempt.NextHop.Action, out ActionConfig? action);
        TimeSpan age = clock.AgeOf(message.Envelope.Received);
        events.Publish(new DeliveryAttempted(message.Envelope, recipient, outcome, attempt.NextHop.Transport, attempt.NextHop.Name)
        {
            At = events.Now,
            Age = age,
            Service = action?.LogTag ?? "",
            Relay = DeliveryMethod.RelayOf(action),
            Delays = Delays(message, attempt.Job, age),
            ConnectionUses = attempt.Job?.ConnectionUses ?? 1,
            NextAttempt = next,
            Method = method,
            User = user,
        });
    }

    /// <summary>Where the time went. Without a peer that was ready all of the agent's time was setup, or transmission where nothing is set up.</summary>
    private DeliveryDelays Delays(ActiveMessage message, Job? job, TimeSpan age)
    {
        TimeProvider source = clock.Source;
        TimeSpan active = source.GetElapsedTime(message.ActivatedAt);
        TimeSpan before = age > active ? age - active : TimeSpan.Zero;
        if (job is null)
            return new(before, active, default, default);
        TimeSpan queued = source.GetElapsedTime(message.ActivatedAt, job.TakenAt);
        if (job.BegunAt != 0)
            return new(before, queued, source.GetElapsedTime(job.TakenAt, job.BegunAt), source.GetElapsedTime(job.BegunAt));
        TimeSpan served = source.GetElapsedTime(job.TakenAt);
        return job.Batch.NextHop.Transport is "smtp" or "lmtp" ? new(before, queued, served, default) : new(before, queued, default, served);
    }

    private readonly record struct Attempt(NextHop NextHop, MailConfig Config, DateTimeOffset NotBefore)
    {
        /// <summary>Null where none was made.</summary>
        public Job? Job { get; init; }
    }
}
