using System.Threading.Channels;
using Estafette.Config.Model;
using Estafette.Spool;

namespace Estafette.Queue;

/// <summary>
/// The scheduled queue: "when?". The spool's index holds the due times; this leases what is due and sleeps until the next, on one timer. While an
/// operation holds <see cref="Leasing"/> nothing is leased, so it can change waiting messages safely.
/// </summary>
internal sealed class Schedule : IDisposable
{
    private static readonly TimeSpan s_troublePause = TimeSpan.FromSeconds(30);


    /// <summary>The thread may rest between reading the clock and setting the timer; a longer rest than this sets it anew.</summary>
    private static readonly TimeSpan s_armTolerance = TimeSpan.FromMilliseconds(100);

    private readonly ISpool _spool;
    private readonly QueueClock _clock;
    private readonly Func<MailConfig> _config;
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly ITimer _timer;
    private long _armedFor = long.MaxValue;
    private volatile bool _starved;

    public Schedule(ISpool spool, QueueClock clock, Func<MailConfig> config)
    {
        _spool = spool;
        _clock = clock;
        _config = config;
        _timer = clock.Source.CreateTimer(static schedule => ((Schedule)schedule!).Signal(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public SemaphoreSlim Leasing { get; } = new(1, 1);

    /// <summary>Wakes the loop.</summary>
    public void Signal() => _signal.Writer.TryWrite(true);

    /// <summary>A message left memory: there is room, and it may be due before all others.</summary>
    public void Returned()
    {
        if (_starved || (_spool.NextDue is { } due && due.UtcTicks < Volatile.Read(ref _armedFor)))
            Signal();
    }

    /// <summary>Leases what is due, and says by which time. A due time that no schedule can have given comes from a wrong clock, and counts as due (E46).</summary>
    public async ValueTask<(IReadOnlyList<SpooledMessage> Due, DateTimeOffset By)> LeaseAsync(int room)
    {
        DateTimeOffset by = _clock.Now;
        if (room <= 0 || IsBroken || _spool.NextDue is not { } first)
            return ([], by);
        if (first > by + RetryPolicy.LongestWait(_config()))
            by = first;
        if (first > by)
            return ([], by);
        await Leasing.WaitAsync();
        try
        {
            return (await _spool.LeaseDueAsync(by, room, CancellationToken.None), by);
        }
        finally
        {
            Leasing.Release();
        }
    }

    /// <summary>Sleeps until something may be due or is signalled.</summary>
    public async ValueTask WaitAsync(bool hasRoom)
    {
        _starved = !hasRoom;
        // From here on every message that comes back signals; only then the index is read, so that no wake-up is lost.
        Volatile.Write(ref _armedFor, long.MaxValue);
        if (_spool.NextDue is { } due && hasRoom)
        {
            if (due <= _clock.Now && !IsBroken)
                return;
            Volatile.Write(ref _armedFor, due.UtcTicks);
            DateTimeOffset from;
            do
                Arm((from = _clock.Now), due);
            while (_clock.Now - from > s_armTolerance);
        }
        await _signal.Reader.ReadAsync();
        _starved = false;
    }

    private void Arm(DateTimeOffset now, DateTimeOffset due)
    {
        TimeSpan wait = IsBroken ? s_troublePause : due - now;
        TimeSpan longest = RetryPolicy.LongestWait(_config());
        wait = wait < longest ? wait : longest;
        _timer.Change(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        if (wait <= TimeSpan.Zero)
            Signal();
    }

    public void Dispose()
    {
        _timer.Dispose();
        Leasing.Dispose();
    }

    private bool IsBroken => _spool.Trouble is { Status: SpoolStatus.Unhealthy };
}
