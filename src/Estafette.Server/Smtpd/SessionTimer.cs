namespace Estafette.Smtpd;

/// <summary>
/// The one timer of a session: it holds the deadline of the current wait and the end of the session's life, and calls back when the earlier one passes.
/// Setting a deadline is a field write; the system's timer is touched only when it must ring earlier than it would (E47).
/// </summary>
internal sealed class SessionTimer : IDisposable
{
    private readonly TimeProvider _clock;
    private readonly Action _expired;
    private readonly long _start;
    private readonly ITimer _timer;
    private readonly TimeSpan _end;
    private readonly Lock _lock = new();
    private TimeSpan _deadline;
    private TimeSpan _rings;

    public SessionTimer(TimeProvider clock, TimeSpan lifetime, Action expired)
    {
        _clock = clock;
        _expired = expired;
        _start = clock.GetTimestamp();
        _end = lifetime;
        _deadline = lifetime;
        _rings = lifetime;
        _timer = clock.CreateTimer(static state => ((SessionTimer)state!).Ring(), this, lifetime, Timeout.InfiniteTimeSpan);
    }

    public TimeSpan Elapsed => _clock.GetElapsedTime(_start);

    /// <summary>True when the session as a whole has lasted too long.</summary>
    public bool LifetimeIsOver => Elapsed >= _end;

    public bool IsExpired
    {
        get
        {
            lock (_lock)
                return Elapsed >= _deadline;
        }
    }

    /// <summary>Starts a wait that may last this long.</summary>
    public void Arm(TimeSpan wait)
    {
        lock (_lock)
        {
            TimeSpan now = Elapsed;
            TimeSpan deadline = now + wait;
            _deadline = deadline < _end ? deadline : _end;
            if (_deadline >= _rings)
                return;
            _rings = _deadline;
            _timer.Change(Wait(_deadline - now), Timeout.InfiniteTimeSpan);
        }
    }

    private void Ring()
    {
        lock (_lock)
        {
            TimeSpan now = Elapsed;
            if (now < _deadline)
            {
                _rings = _deadline;
                _timer.Change(Wait(_deadline - now), Timeout.InfiniteTimeSpan);
                return;
            }
            // What waits now is told; the next Arm sets the timer anew.
            _rings = TimeSpan.MaxValue;
        }
        _expired();
    }

    private static TimeSpan Wait(TimeSpan wait) => wait < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : wait;

    public void Dispose() => _timer.Dispose();
}
