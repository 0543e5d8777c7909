namespace Estafette.Events;

/// <summary>Where lines of the log go. Called from the log's own thread only; a place that is gone loses lines and says so by an <see cref="IOException"/>, which nobody minds.</summary>
public interface ILogOutput : IDisposable
{
    /// <summary>Whole lines, each with its end.</summary>
    void Write(ReadOnlySpan<byte> lines);

    /// <summary>Goes on in a new file where the old one was moved away. Null when that worked or there is nothing to do.</summary>
    string? Reopen();
}

/// <summary>Standard error, or whatever a test reads.</summary>
public sealed class StreamLogOutput(Stream stream) : ILogOutput
{
    public void Write(ReadOnlySpan<byte> lines)
    {
        stream.Write(lines);
        stream.Flush();
    }

    public string? Reopen() => null;

    public void Dispose() => stream.Dispose();
}
