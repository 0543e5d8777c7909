namespace Estafette.Dns;

/// <summary>Answers until their time is over, on the monotonic clock (E46). Bounded: the oldest entry goes first.</summary>
internal sealed class DnsCache(int maximumEntries, TimeProvider clock)
{
    /// <summary>Larger record sets are not kept.</summary>
    private const int MaximumRecords = 100;

    private readonly Lock _lock = new();
    private readonly Dictionary<DnsKey, Entry> _entries = [];
    private readonly Queue<(DnsKey Key, Entry Entry)> _order = new();

    private sealed record Entry(DnsResult Result, long Stored);

    public int Count
    {
        get
        {
            lock (_lock)
                return _entries.Count;
        }
    }

    public DnsResult? Find(DnsKey key)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out Entry? entry))
                return null;
            if (clock.GetElapsedTime(entry.Stored) < entry.Result.Ttl)
                return entry.Result;
            _entries.Remove(key);
            return null;
        }
    }

    public void Store(DnsKey key, DnsResult result)
    {
        if (result.Ttl <= TimeSpan.Zero || result.Values.Length > MaximumRecords)
            return;
        var entry = new Entry(result, clock.GetTimestamp());
        lock (_lock)
        {
            _entries[key] = entry;
            _order.Enqueue((key, entry));
            // The queue may name entries that were replaced since; those go without a trace.
            while (_order.Count > maximumEntries)
            {
                (DnsKey oldKey, Entry old) = _order.Dequeue();
                if (_entries.TryGetValue(oldKey, out Entry? current) && ReferenceEquals(current, old))
                    _entries.Remove(oldKey);
            }
        }
    }

    public void Clear()
    {
        lock (_lock)
        {
            _entries.Clear();
            _order.Clear();
        }
    }
}
