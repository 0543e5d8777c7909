namespace Estafette.Events;

/// <summary>A reader of events: a log, a trace store, counters. Must not block and must not throw.</summary>
public interface IEventReader
{
    void On(MailEvent mailEvent);

    /// <summary>Whether it wants events about each step of the queue, too; without such a reader nobody makes them.</summary>
    bool WantsSteps => true;
}

/// <summary>
/// Where the rooms tell what happened. It hands each event to its readers in the caller's thread, in order; a reader that writes somewhere slow
/// keeps its own queue.
/// </summary>
public sealed class EventSink(TimeProvider clock, params IEnumerable<IEventReader> readers)
{
    private readonly IEventReader[] _readers = [.. readers];
    private readonly bool _tellsSteps = readers.Any(reader => reader.WantsSteps);
    private volatile System.Collections.Immutable.ImmutableHashSet<string> _trace = [];

    /// <summary>For rooms under test that nobody listens to.</summary>
    public static EventSink Silent { get; } = new(TimeProvider.System);

    public DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>Whether anybody wants steps of the queue; ask before building one.</summary>
    public bool TellsSteps => _tellsSteps;

    public void Publish(MailEvent mailEvent)
    {
        foreach (IEventReader reader in _readers)
            reader.On(mailEvent);
    }

    /// <summary>Whether a subsystem's trace is wanted; ask before building the line.</summary>
    public bool Traces(string subsystem) => _trace.Count > 0 && (_trace.Contains(subsystem) || _trace.Contains("all"));

    public void Trace(string subsystem, string text)
    {
        if (Traces(subsystem))
            Publish(new TraceLine(subsystem, text) { At = Now });
    }

    /// <summary>Switches subsystems on and off at run time (O20).</summary>
    public void SetTrace(IEnumerable<string> subsystems) => _trace = [.. subsystems];
}
