using System.Collections.Concurrent;
using Estafette.Queue;

namespace Estafette.Delivery.Remote;

/// <summary>Keeps the time that must pass between two messages to one next hop (<c>NAME_destination_rate_delay</c>). Such a next hop has one lane, so nobody overtakes.</summary>
internal sealed class DeliveryPace(TimeProvider clock)
{
    /// <summary>Next hops remembered; all are forgotten when there are more.</summary>
    private const int Remembered = 10_000;

    private readonly ConcurrentDictionary<NextHop, long> _last = new();

    public async ValueTask WaitAsync(NextHop nextHop, TimeSpan delay, CancellationToken cancellationToken)
    {
        if (delay <= TimeSpan.Zero)
            return;
        if (_last.TryGetValue(nextHop, out long last) && delay - clock.GetElapsedTime(last) is { Ticks: > 0 } left)
            await Task.Delay(left, clock, cancellationToken);
        if (_last.Count >= Remembered)
            _last.Clear();
        _last[nextHop] = clock.GetTimestamp();
    }
}
