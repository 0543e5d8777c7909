using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Spool;

namespace Estafette.Queue;

/// <summary>
/// Makes outcomes durable. One record ends the round of a usual message; records of different messages are in flight together, so the spool flushes
/// them in groups. Where the sender is told, the notification and the recipients it tells of are one commit. A record that the spool does
/// not take is offered again until the daemon stops; then the recipient is tried again after the restart (a duplicate at most).
/// </summary>
internal sealed class Recorder(ISpool spool, Notifier notifier, QueueClock clock, EventSink events, Action<ActiveMessage> retired)
{
    /// <summary>Wait of a recipient whose notification could not be stored or routed now.</summary>
    private static readonly TimeSpan s_noticeRetry = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _writing;
    private int _warned;
    private volatile bool _stopping;

    /// <summary>Adds outcomes of <paramref name="attempted"/> recipients; durability follows.</summary>
    public void Add(ActiveMessage message, ReadOnlySpan<Settled> settled, int attempted)
    {
        if (!message.Settle(settled, attempted, clock.Now))
            return;
        Interlocked.Increment(ref _writing);
        _ = WriteAsync(message);
    }

    /// <summary>Waits until nothing is in flight. Records that the spool refuses are given up.</summary>
    public async Task StopAsync(TimeSpan within)
    {
        _stopping = true;
        if (Volatile.Read(ref _writing) == 0)
            return;
        await Task.WhenAny(_idle.Task, Task.Delay(within, clock.Source));
        await _stop.CancelAsync();
    }

    private async Task WriteAsync(ActiveMessage message)
    {
        try
        {
            while (message.TakePart(clock.Now) is { } part)
            {
                await WritePartAsync(message, part);
                if (!part.EndsRound)
                    continue;
                retired(message);
                break;
            }
        }
        catch (Exception exception)
        {
            // A bug: the lease stays with this process, so the message is delivered after the next start and not lost.
            Warn("Message " + message.Envelope.Id + " could not be recorded: " + exception.GetType().Name + ": " + exception.Message);
        }
        finally
        {
            if (Interlocked.Decrement(ref _writing) == 0 && _stopping)
                _idle.TrySetResult();
        }
    }

    private async ValueTask WritePartAsync(ActiveMessage message, MessagePart part)
    {
        List<Settled> plain = part.Settled.Exists(one => one.Notice != NoticeKind.None) ? await NotifyAsync(message, part.Settled) : part.Settled;
        int done = 0;
        var progress = new (int, RecipientProgress)[plain.Count];
        for (int i = 0; i < progress.Length; i++)
        {
            progress[i] = (plain[i].Recipient, plain[i].Progress);
            done += plain[i].Progress.IsDone ? 1 : 0;
        }
        bool finished = message.Recorded(done);
        if (progress.Length == 0 && (finished || !part.EndsRound))
        {
            Finished();
            return;
        }
        await RecordAsync(new SpoolUpdate(message.Envelope.Id)
        {
            Progress = ImmutableCollectionsMarshal.AsImmutableArray(progress),
            Release = part.EndsRound,
        });
        Finished();

        void Finished()
        {
            // What an operator removed was told when it was removed.
            if (finished && events.TellsSteps && !message.IsStopped)
                events.Publish(new MessageFinished(message.Envelope.Id) { At = events.Now });
        }
    }

    /// <summary>Offers the record until the spool takes it: a full disk has room for progress soon (E45).</summary>
    private async ValueTask RecordAsync(SpoolUpdate update)
    {
        TimeSpan pause = TimeSpan.FromSeconds(1);
        while (true)
        {
            SpoolStatus status = await spool.RecordAsync(update, CancellationToken.None);
            if (status is SpoolStatus.Ok)
                Volatile.Write(ref _warned, 0);
            if (status is SpoolStatus.Ok or SpoolStatus.Unknown || _stop.IsCancellationRequested)
                return;
            Warn("The spool does not take records of deliveries (" + (spool.Trouble?.Reason ?? status.ToString()) + "); they are offered again");
            await Task.Delay(pause, clock.Source, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause;
        }
    }

    /// <summary>Sends the notifications that are due, and gives back what is left to be recorded without one.</summary>
    private async ValueTask<List<Settled>> NotifyAsync(ActiveMessage message, List<Settled> settled)
    {
        Envelope envelope = message.Envelope;
        List<Settled> plain = settled.FindAll(one => one.Notice == NoticeKind.None);
        var groups = settled.Where(one => one.Notice != NoticeKind.None)
            .GroupBy(one => (Action: Notifier.ActionOf(envelope, one), Sender: NotificationSender.Of(envelope, envelope.Recipients[one.Recipient])));
        foreach (var group in groups)
        {
            List<Settled> told = [.. group];
            NoticeResult result = await TellAsync(envelope, group.Key.Action, group.Key.Sender, told);
            if (result == NoticeResult.Committed)
                message.Recorded(told.Count(one => one.Progress.IsDone));
            else if (result == NoticeResult.TryLater)
                plain.AddRange(told.Select(Later));
            else
                plain.AddRange(told);
        }
        return plain;

        Settled Later(Settled one) => one.Notice switch
        {
            NoticeKind.Failed => one with { Progress = one.Progress with { IsDone = false, Due = clock.Now + s_noticeRetry } },
            NoticeKind.Delayed => one with { Progress = one.Progress with { DelayWarnings = message.ProgressOf(one.Recipient).DelayWarnings } },
            _ => one,
        };
    }

    private async ValueTask<NoticeResult> TellAsync(Envelope envelope, NotificationAction action, MailAddress sender, List<Settled> told)
    {
        try
        {
            return await notifier.NotifyAsync(envelope, action, sender, told);
        }
        catch (Exception exception)
        {
            // A bug must not keep the lease: the message goes back to the scheduled queue, where an operator sees it.
            string text = "The notification about message " + envelope.Id + " failed inside and is tried again: " + exception.GetType().Name + ": " + exception.Message;
            events.Publish(new OperatorWarning("queue", text) { At = events.Now });
            return NoticeResult.TryLater;
        }
    }

    private void Warn(string text)
    {
        if (Interlocked.Exchange(ref _warned, 1) == 0)
            events.Publish(new OperatorWarning("queue", text) { At = events.Now });
    }
}
