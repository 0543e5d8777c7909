namespace Estafette.Smtpd.Auth;

/// <summary>
/// Counts by key over a window that slides: two halves, of which the older one fades out. Bounded: when full, the half with the smaller counts is forgotten, so that a
/// flood of new keys does not wash out those that matter. Not safe for several threads at once.
/// </summary>
internal sealed class SlidingCounts<TKey>(int capacity)
    where TKey : notnull
{
    private readonly Dictionary<TKey, (long Window, int Now, int Before)> _counts = [];

    public int Keys => _counts.Count;

    public double Get(TKey key, DateTimeOffset time, TimeSpan window) =>
        _counts.TryGetValue(key, out var seen) ? Weigh(seen, time, window) : 0;

    public void Add(TKey key, DateTimeOffset time, TimeSpan window)
    {
        long index = time.Ticks / window.Ticks;
        if (!_counts.TryGetValue(key, out var seen))
        {
            if (_counts.Count >= capacity)
                Forget(time, window);
            seen = (index, 0, 0);
        }
        else if (index != seen.Window)
            seen = (index, 0, index == seen.Window + 1 ? seen.Now : 0);
        _counts[key] = seen with { Now = seen.Now + 1 };
    }

    public void Remove(TKey key) => _counts.Remove(key);

    private static double Weigh((long Window, int Now, int Before) seen, DateTimeOffset time, TimeSpan window)
    {
        (long index, long into) = Math.DivRem(time.Ticks, window.Ticks);
        double fading = 1 - ((double)into / window.Ticks);
        if (index == seen.Window)
            return seen.Now + (seen.Before * fading);
        return index == seen.Window + 1 ? seen.Now * fading : 0;
    }

    private void Forget(DateTimeOffset time, TimeSpan window)
    {
        foreach (TKey least in _counts.OrderBy(c => Weigh(c.Value, time, window)).Take(capacity / 2).Select(c => c.Key).ToArray())
            _counts.Remove(least);
    }
}
