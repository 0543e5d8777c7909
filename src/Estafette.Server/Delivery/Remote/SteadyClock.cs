namespace Estafette.Delivery.Remote;

/// <summary>The time of day as it was at the start, counted on evenly: what rests until a moment must not be freed, or held for hours, by somebody who sets the machine's clock.</summary>
internal sealed class SteadyClock(TimeProvider clock)
{
    private readonly DateTimeOffset _begin = clock.GetUtcNow();
    private readonly long _start = clock.GetTimestamp();

    public DateTimeOffset Now => _begin + clock.GetElapsedTime(_start);
}
