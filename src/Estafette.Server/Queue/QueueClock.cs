namespace Estafette.Queue;

/// <summary>
/// Time as the queue needs it (E46). <see cref="Now"/> starts at the wall clock and goes on with the monotonic one, so due times and timers do not
/// move when the wall clock is set. <see cref="AgeOf"/> judges a wall clock stamp by both clocks and believes the younger answer, so that no jump makes
/// mail expire early; it remembers jumps, so that stamps written after one are read rightly.
/// </summary>
internal sealed class QueueClock
{
    /// <summary>The wall clock may differ this much from the monotonic one before the difference counts as a jump.</summary>
    private static readonly TimeSpan s_tolerance = TimeSpan.FromSeconds(30);

    /// <summary>How long after the start a message that came in before it cannot expire: a clock that was wrong at boot is set by then.</summary>
    private static readonly TimeSpan s_grace = TimeSpan.FromMinutes(10);

    private const int MaxJumps = 16;

    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private readonly long _startStamp;
    private readonly DateTimeOffset _start;
    private readonly List<Jump> _jumps = [];
    private TimeSpan _offset;
    private DateTimeOffset _lastWall;

    public QueueClock(TimeProvider clock)
    {
        _clock = clock;
        _startStamp = clock.GetTimestamp();
        _start = _lastWall = clock.GetUtcNow();
    }

    public TimeProvider Source => _clock;

    /// <summary>Steady time: never jumps while the daemon runs.</summary>
    public DateTimeOffset Now => _start + Uptime;

    public DateTimeOffset Wall => _clock.GetUtcNow();

    private TimeSpan Uptime => _clock.GetElapsedTime(_startStamp);

    /// <summary>A due time as people read it.</summary>
    public DateTimeOffset ToWall(DateTimeOffset steady) => steady + (Wall - Now);

    /// <summary>The age of what was stamped by the wall clock; never negative.</summary>
    public TimeSpan AgeOf(DateTimeOffset stamp)
    {
        TimeSpan byWall = Observe() - stamp;
        TimeSpan bySteady = Now - ToSteady(stamp);
        TimeSpan younger = byWall < bySteady ? byWall : bySteady;
        return younger > TimeSpan.Zero ? younger : TimeSpan.Zero;
    }

    /// <summary>True for a stamp from the future: it says nothing of the age.</summary>
    public bool IsSenseless(DateTimeOffset stamp) => stamp > Wall + s_tolerance;

    /// <summary>Whether the clocks are trusted enough to give up mail stamped so.</summary>
    public bool MayExpire(DateTimeOffset stamp, TimeSpan lifetime)
    {
        TimeSpan grace = lifetime < s_grace ? lifetime : s_grace;
        return stamp >= _start || Uptime >= grace;
    }

    private DateTimeOffset ToSteady(DateTimeOffset stamp)
    {
        lock (_gate)
        {
            foreach (Jump jump in _jumps)
            {
                if (stamp >= jump.After)
                    stamp -= jump.By;
            }
            return stamp;
        }
    }

    /// <summary>Reads the wall clock and notes a jump since the last look. It is placed at the earliest moment it can have happened.</summary>
    private DateTimeOffset Observe()
    {
        lock (_gate)
        {
            DateTimeOffset wall = Wall;
            TimeSpan by = wall - (Now + _offset);
            if (by.Duration() > s_tolerance)
            {
                if (_jumps.Count == MaxJumps)
                    _jumps.RemoveAt(1);
                _jumps.Add(new Jump(_lastWall + by, by));
                _offset += by;
            }
            _lastWall = wall;
            return wall;
        }
    }

    private readonly record struct Jump(DateTimeOffset After, TimeSpan By);
}
