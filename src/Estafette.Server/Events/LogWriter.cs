using System.Buffers;

namespace Estafette.Events;

/// <summary>
/// The text log: formats each event in the caller's thread and writes from a thread of its own, so that a slow terminal or pipe stops no
/// mail. What waits is bounded: beyond <see cref="MaximumBacklog"/> lines are dropped and the log itself says how many.
/// </summary>
public sealed class LogWriter : IEventReader, IDisposable
{
    /// <summary>Octets that may wait for the log's reader.</summary>
    public const int MaximumBacklog = 16 << 20;

    private readonly Lock _gate = new();
    private readonly ILogOutput _output;
    private readonly LogFormat _format;
    private readonly LogLine _line = new();
    private readonly SemaphoreSlim _work = new(0, 1);
    private readonly Thread _thread;
    private readonly bool _showsDebug;
    private ArrayBufferWriter<byte> _waiting = new(64 << 10);
    private ArrayBufferWriter<byte> _writing = new(64 << 10);
    private long _dropped;
    private bool _stopped;

    /// <param name="showsDebug">False leaves out lines that only a trace shows (scheduler and trace lines).</param>
    public LogWriter(ILogOutput output, LogFormat format, bool showsDebug)
    {
        _output = output;
        _format = format;
        _showsDebug = showsDebug;
        _thread = new Thread(Run) { IsBackground = true, Name = "log" };
        _thread.Start();
    }

    public bool WantsSteps => _format.WantsSteps;

    public void On(MailEvent mailEvent)
    {
        if (!_showsDebug && mailEvent is RecipientScheduled)
            return;
        lock (_gate)
        {
            Format(mailEvent);
            if (_line.IsEmpty)
                return;
            if (_waiting.WrittenCount + _line.Octets.Length > MaximumBacklog)
            {
                _dropped++;
                return;
            }
            _waiting.Write(_line.Octets);
            _waiting.Write("\n"u8);
            Wake();
        }
    }

    /// <summary>Goes on in a new file after a rotation; null when that worked.</summary>
    public string? Reopen() => _output.Reopen();

    /// <summary>A bug in a line's format must not reach who only told what happened to a message.</summary>
    private void Format(MailEvent mailEvent)
    {
        _line.Clear();
        try
        {
            _format.Write(mailEvent, _line);
        }
        catch (Exception e)
        {
            _line.Clear();
            _line.Text("warn: a line about ").Text(mailEvent.GetType().Name).Text(" could not be written: ").Foreign(e.Message);
        }
    }

    private void Wake()
    {
        if (_work.CurrentCount == 0)
            _work.Release();
    }

    private void Run()
    {
        while (true)
        {
            _work.Wait();
            if (!WriteWaiting())
                return;
        }
    }

    private bool WriteWaiting()
    {
        bool last;
        lock (_gate)
        {
            if (_dropped > 0)
            {
                _line.Clear();
                _format.Write(new OperatorWarning("log", $"{_dropped} lines were dropped because the log is read too slowly") { At = DateTimeOffset.UtcNow }, _line);
                _waiting.Write(_line.Octets);
                _waiting.Write("\n"u8);
                _dropped = 0;
            }
            (_waiting, _writing) = (_writing, _waiting);
            last = _stopped;
        }
        try
        {
            _output.Write(_writing.WrittenSpan);
        }
        catch (IOException)
        {
            // The log's reader is gone. Mail goes on; there is nowhere left to say so.
        }
        _writing.ResetWrittenCount();
        return !last;
    }

    /// <summary>Writes what waits, then ends.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_stopped)
                return;
            _stopped = true;
            Wake();
        }
        if (_thread.Join(TimeSpan.FromSeconds(5)))
            _output.Dispose();
        _work.Dispose();
    }
}
