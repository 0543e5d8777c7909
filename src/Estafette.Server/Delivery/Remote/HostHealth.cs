using System.Globalization;
using Estafette.Events;
using Estafette.Mail;

namespace Estafette.Delivery.Remote;

/// <summary>A host that rests, for listings.</summary>
public sealed record RestingHost(string Host, DateTimeOffset Until, string Reason);

/// <summary>
/// What all lanes know of the addresses they connect to: one that fails to connect, greet, encrypt or log in rests, longer each time, and mail goes to the next host at once;
/// when the rest is over one lane probes it, and mail returns. What concerns only one action (its TLS policy, its login) rests for that action alone. Where every host of a route
/// rests, they are probed in order all the same. A full house is no dead host: refusals count only while no other connection to it works. Bounded; safe for several threads.
/// </summary>
internal sealed class HostHealth(EventSink events, TimeProvider clock)
{
    public static TimeSpan FirstPause { get; } = TimeSpan.FromSeconds(30);
    public static TimeSpan LongestPause { get; } = TimeSpan.FromMinutes(15);

    /// <summary>Least time between two probes of a host, where there is no other to turn to.</summary>
    public static TimeSpan LeastPause { get; } = TimeSpan.FromSeconds(5);

    /// <summary>Failing hosts remembered; the one that failed longest ago is forgotten first.</summary>
    internal const int Remembered = 4096;

    private readonly Lock _gate = new();
    private readonly SteadyClock _clock = new(clock);
    private readonly Dictionary<(string Host, string Action), Entry> _resting = [];
    private readonly Dictionary<string, int> _working = new(StringComparer.Ordinal);

    private sealed class Entry
    {
        public required DeliveryOutcome Failure { get; set; }
        public TimeSpan Pause { get; set; }
        public DateTimeOffset FailedAt { get; set; }
        public DateTimeOffset Until { get; set; }
        public bool IsProbed { get; set; }
    }

    /// <summary>Counts up when a host came back, or an operator wants them all tried: then who makes do with another one should look again.</summary>
    public int Returns => Volatile.Read(ref _returns);
    private int _returns;

    public int Resting { get { lock (_gate) return _resting.Count; } }

    /// <summary>Null: go ahead, and tell how it went. Else why the host is passed over. <paramref name="lastResort"/>: every other host failed or rests too.</summary>
    public DeliveryOutcome? Ask(RelayEndPoint target, string action, bool lastResort)
    {
        lock (_gate)
        {
            DateTimeOffset now = _clock.Now;
            Entry? whole = _resting.GetValueOrDefault((target.Label, ""));
            Entry? own = _resting.GetValueOrDefault((target.Label, action));
            foreach (Entry? entry in (ReadOnlySpan<Entry?>)[whole, own])
            {
                if (entry is not null && (entry.IsProbed || now < (lastResort ? Earlier(entry.FailedAt + LeastPause, entry.Until) : entry.Until)))
                    return Remembering(entry);
            }
            whole?.IsProbed = true;
            own?.IsProbed = true;
            return null;
        }
    }

    /// <summary>A session is ready. It counts as working until <see cref="Closed"/>.</summary>
    public void Opened(RelayEndPoint target, string action)
    {
        bool returned;
        lock (_gate)
        {
            returned = _resting.Remove((target.Label, "")) | _resting.Remove((target.Label, action));
            _working[target.Label] = _working.GetValueOrDefault(target.Label) + 1;
        }
        if (!returned)
            return;
        Interlocked.Increment(ref _returns);
        Tell(target, new RelayHostReturned(target.Label) { At = events.Now }, "is back");
    }

    public void Closed(RelayEndPoint target)
    {
        lock (_gate)
        {
            if (!_working.TryGetValue(target.Label, out int sessions))
                return;
            if (sessions > 1)
                _working[target.Label] = sessions - 1;
            else
                _working.Remove(target.Label);
        }
    }

    /// <summary>It could not be made ready. <paramref name="wholeHost"/>: for whatever action.</summary>
    public void Failed(RelayEndPoint target, string action, DeliveryOutcome failure, bool wholeHost)
    {
        TimeSpan pause;
        lock (_gate)
        {
            Release(target, action);
            if (_working.ContainsKey(target.Label))
                return;
            // It greeted, so the host as such is well.
            if (!wholeHost)
                _resting.Remove((target.Label, ""));
            (string, string) key = (target.Label, wholeHost ? "" : action);
            DateTimeOffset now = _clock.Now;
            if (!_resting.TryGetValue(key, out Entry? entry) || now > entry.Until + LongestPause * 2)
            {
                _resting.Remove(key);
                if (_resting.Count >= Remembered)
                    _resting.Remove(_resting.MinBy(e => e.Value.FailedAt).Key);
                _resting.Add(key, entry = new Entry { Failure = failure });
            }
            else if (now < entry.FailedAt + LeastPause)
            {
                // Begun beside the attempt that failed just now: the same news, not a second failure.
                return;
            }
            pause = entry.Pause = entry.Pause == TimeSpan.Zero ? FirstPause : TimeSpan.FromTicks(Math.Min(entry.Pause.Ticks * 2, LongestPause.Ticks));
            entry.Failure = failure;
            entry.FailedAt = now;
            entry.Until = now + pause;
        }
        Tell(target, new RelayHostDown(target.Label, failure.Text, pause) { At = events.Now }, $"rests for {pause.TotalSeconds:0} s: {failure.Text}");
    }

    /// <summary>The attempt ended for a reason that says nothing of the host.</summary>
    public void GaveUp(RelayEndPoint target, string action)
    {
        lock (_gate)
            Release(target, action);
    }

    /// <summary>An operator wants attempts now.</summary>
    public void Wake()
    {
        Interlocked.Increment(ref _returns);
        lock (_gate)
        {
            foreach (Entry entry in _resting.Values)
                (entry.Until, entry.FailedAt) = (_clock.Now, default);
        }
    }

    public IReadOnlyList<RestingHost> List()
    {
        lock (_gate)
        {
            return [.. _resting.OrderBy(e => e.Key.Host, StringComparer.Ordinal)
                .Select(e => new RestingHost(e.Key.Action.Length == 0 ? e.Key.Host : e.Key.Host + " action " + e.Key.Action, e.Value.Until, e.Value.Failure.Text))];
        }
    }

    private void Release(RelayEndPoint target, string action)
    {
        foreach (string scope in (ReadOnlySpan<string>)["", action])
        {
            if (_resting.TryGetValue((target.Label, scope), out Entry? entry))
                entry.IsProbed = false;
        }
    }

    private static DeliveryOutcome Remembering(Entry entry) => entry.Failure with
    {
        Text = string.Create(CultureInfo.InvariantCulture, $"{entry.Failure.Text} (at {entry.FailedAt:HH:mm:ss}Z; not tried again before {entry.Until:HH:mm:ss}Z)"),
    };

    private static DateTimeOffset Earlier(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;

    /// <summary>A fixed host's state is news for its administrator; the world's exchangers come and go.</summary>
    private void Tell(RelayEndPoint target, MailEvent news, string words)
    {
        if (target.Fixed)
            events.Publish(news);
        else if (events.Traces("mta"))
            events.Trace("mta", target.Label + " " + words);
    }
}
