using System.Collections.Concurrent;

namespace Estafette.Delivery.Remote;

/// <summary>Tells whether something is said for the first time in a day, so that a log has it once and not with every message. Bounded.</summary>
internal sealed class FirstTime(TimeProvider clock)
{
    private const int Remembered = 4096;
    private static readonly TimeSpan s_memory = TimeSpan.FromDays(1);

    private readonly ConcurrentDictionary<string, DateTimeOffset> _said = new(StringComparer.Ordinal);

    public bool Is(string what)
    {
        DateTimeOffset now = clock.GetUtcNow();
        if (_said.TryGetValue(what, out DateTimeOffset before) && now < before + s_memory)
            return false;
        if (_said.Count >= Remembered)
            _said.Clear();
        _said[what] = now;
        return true;
    }
}
