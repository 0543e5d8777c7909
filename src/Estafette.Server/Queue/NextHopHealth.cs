using Estafette.Mail;

namespace Estafette.Queue;

/// <summary>
/// How many lanes a next hop gets, and whether it is alive. The window opens by one for each window of successes and halves with each failed
/// connection; when it is used up while nothing works, the next hop is dead: it rests, longer each time, and then one lane may probe it.
/// Not safe for several threads: the ready queues' lock guards it.
/// </summary>
internal sealed class NextHopHealth(int limit)
{
    private const double Initial = 5;

    /// <summary>How long a failure that was not the end is remembered without traffic.</summary>
    private static readonly TimeSpan s_memory = TimeSpan.FromMinutes(5);

    public static TimeSpan FirstPause { get; } = TimeSpan.FromSeconds(30);
    public static TimeSpan LongestPause { get; } = TimeSpan.FromMinutes(30);

    private double _window = Math.Min(Initial, limit);
    private TimeSpan _pause;
    private DateTimeOffset _failedAt;

    /// <summary>Steady time until which nothing is tried; default while alive.</summary>
    public DateTimeOffset DeadUntil { get; private set; }

    /// <summary>What the last failed connection said; what waits is deferred with it.</summary>
    public DeliveryOutcome? LastFailure { get; private set; }

    /// <summary>True from the first death until something works again.</summary>
    public bool IsDoubtful => _pause > TimeSpan.Zero;

    public int Lanes => IsDoubtful ? 1 : Math.Max(1, (int)_window);

    public bool IsDead(DateTimeOffset now) => now < DeadUntil;

    /// <summary>Nothing learned is worth keeping after a while without failures.</summary>
    public bool IsForgettable(DateTimeOffset now) => LastFailure is null || now > _failedAt + (IsDoubtful ? _pause * 2 : s_memory);

    public void Succeeded()
    {
        if (IsDoubtful)
        {
            _pause = TimeSpan.Zero;
            DeadUntil = default;
            LastFailure = null;
            _window = Math.Min(Initial, limit);
            return;
        }
        LastFailure = null;
        _window = Math.Min(limit, _window + 1 / _window);
    }

    /// <summary>True when this failure made the next hop dead. <paramref name="someLaneWorks"/>: another connection is open and has served, so it is busy, not dead.</summary>
    public bool Failed(DeliveryOutcome failure, DateTimeOffset now, bool someLaneWorks)
    {
        LastFailure = failure;
        _failedAt = now;
        if (IsDead(now))
            return false;
        if (!IsDoubtful)
        {
            _window = Math.Min(_window - 1, _window / 2);
            if (_window >= 1)
                return false;
            if (someLaneWorks)
            {
                _window = 1;
                return false;
            }
        }
        Die(now);
        return true;
    }

    /// <summary>An operator asks for an attempt now.</summary>
    public void Wake(DateTimeOffset now)
    {
        if (IsDead(now))
            DeadUntil = now;
    }

    private void Die(DateTimeOffset now)
    {
        _pause = _pause == TimeSpan.Zero ? FirstPause : TimeSpan.FromTicks(Math.Min(_pause.Ticks * 2, LongestPause.Ticks));
        DeadUntil = now + _pause;
        _window = 1;
    }
}
