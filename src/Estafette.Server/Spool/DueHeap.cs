namespace Estafette.Spool;

/// <summary>What a <see cref="DueHeap{T}"/> orders: a waiting message by the time of its next attempt.</summary>
internal abstract class DueEntry
{
    public ulong Id { get; init; }

    /// <summary>UTC ticks of the next attempt.</summary>
    public long DueTicks { get; set; }

    /// <summary>Place in the heap; -1 while outside (leased or held).</summary>
    public int HeapIndex { get; set; } = -1;
}

/// <summary>
/// A four-way heap that knows where each entry sits, so that any of a million messages can be taken out or moved in logarithmic time. Oldest
/// due time first; equal times go by id, whose high half is the clock: first come, first served. Not synchronised.
/// </summary>
internal sealed class DueHeap<T> where T : DueEntry
{
    private const int Arity = 4;
    private readonly List<T> _items = [];

    public int Count => _items.Count;
    public T? First => _items.Count == 0 ? null : _items[0];

    public void Add(T entry)
    {
        if (entry.HeapIndex >= 0)
            throw new InvalidOperationException("The entry is in the heap already.");
        _items.Add(entry);
        entry.HeapIndex = _items.Count - 1;
        MoveUp(entry.HeapIndex);
    }

    /// <summary>Takes the entry out; nothing happens when it is not in.</summary>
    public void Remove(T entry)
    {
        int index = entry.HeapIndex;
        if (index < 0)
            return;
        entry.HeapIndex = -1;
        T last = _items[^1];
        _items.RemoveAt(_items.Count - 1);
        if (ReferenceEquals(last, entry))
            return;
        Place(last, index);
        MoveUp(index);
        MoveDown(last.HeapIndex);
    }

    private void MoveUp(int index)
    {
        T entry = _items[index];
        while (index > 0)
        {
            int parent = (index - 1) / Arity;
            if (!IsBefore(entry, _items[parent]))
                break;
            Place(_items[parent], index);
            index = parent;
        }
        Place(entry, index);
    }

    private void MoveDown(int index)
    {
        T entry = _items[index];
        while (true)
        {
            int first = index * Arity + 1;
            if (first >= _items.Count)
                break;
            int best = first;
            int end = Math.Min(first + Arity, _items.Count);
            for (int child = first + 1; child < end; child++)
            {
                if (IsBefore(_items[child], _items[best]))
                    best = child;
            }
            if (!IsBefore(_items[best], entry))
                break;
            Place(_items[best], index);
            index = best;
        }
        Place(entry, index);
    }

    private void Place(T entry, int index)
    {
        _items[index] = entry;
        entry.HeapIndex = index;
    }

    private static bool IsBefore(T a, T b) => a.DueTicks < b.DueTicks || (a.DueTicks == b.DueTicks && a.Id < b.Id);
}
