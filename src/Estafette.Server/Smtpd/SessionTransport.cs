using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Estafette.Smtp;

namespace Estafette.Smtpd;

/// <summary>Why a wait for the client ended without what was waited for.</summary>
internal enum WaitEnd : byte { None, Closed, Timeout, Lifetime, Stopping, TooLong }

/// <summary>One line of the client, or why there is none. The memory is valid until the next line is read.</summary>
internal readonly record struct LineRead(WaitEnd End, ReadOnlyMemory<byte> Line);

/// <summary>
/// The octets of one session: lines in, replies out, with the session's timer over every wait. Replies are flushed when the client must be waited for, so
/// that a pipelined group is answered in one write (RFC 2920). The pipes are replaced when TLS starts; nothing of the plaintext survives that (E5).
/// </summary>
internal sealed class SessionTransport : IDisposable
{
    /// <summary>Octets of replies that may wait while the client pipelines.</summary>
    private const int MaximumUnflushed = 16 << 10;

    /// <summary>Octets of an overlong line that are read and dropped before the session is given up.</summary>
    private const long MaximumSkipped = 1 << 20;

    /// <summary>Octets and time given to a client that is still sending when it is hung up on, so that it reads the reply.</summary>
    private const long MaximumLinger = 1 << 20;
    private static readonly TimeSpan s_linger = TimeSpan.FromSeconds(1);

    private readonly SessionTimer _timer;
    private volatile PipeReader _input;
    private volatile PipeWriter _output;
    private byte[] _line = [];
    private volatile bool _stopping;
    private long _unflushed;

    public SessionTransport(IDuplexPipe pipe, TimeProvider clock, TimeSpan lifetime)
    {
        _input = pipe.Input;
        _output = pipe.Output;
        _timer = new SessionTimer(clock, lifetime, Wake);
    }

    public TimeSpan Elapsed => _timer.Elapsed;

    /// <summary>The wait that was last begun has lasted too long.</summary>
    public bool IsTimeOver => _timer.IsExpired;

    /// <summary>Begins a wait on the pipes themselves: when it lasts too long, the read or write that waits is cancelled.</summary>
    public void Arm(TimeSpan wait) => _timer.Arm(wait);

    /// <summary>Asks the session to end at the next wait for a command (drain).</summary>
    public void RequestStop()
    {
        _stopping = true;
        _input.CancelPendingRead();
    }

    /// <summary>True where the client has already sent more.</summary>
    public bool HasBufferedInput()
    {
        if (!_input.TryRead(out ReadResult result))
            return false;
        bool more = !result.Buffer.IsEmpty;
        _input.AdvanceTo(result.Buffer.Start);
        return more;
    }

    /// <summary>Throws away what the client has already sent; true where there was something.</summary>
    public bool DiscardInput()
    {
        bool any = false;
        while (_input.TryRead(out ReadResult result))
        {
            any |= !result.Buffer.IsEmpty;
            _input.AdvanceTo(result.Buffer.End);
            if (result.Buffer.IsEmpty)
                break;
        }
        return any;
    }

    public void Send(Reply reply)
    {
        _output.Write(reply.Wire.Span);
        _unflushed += reply.Wire.Length;
    }

    /// <summary>Writes out what was sent; false where the client is gone or does not read.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> FlushAsync()
    {
        if (_unflushed == 0)
            return true;
        _unflushed = 0;
        FlushResult result = await _output.FlushAsync();
        return !result.IsCompleted && !(result.IsCanceled && _timer.IsExpired);
    }

    /// <summary>Reads one line. While <paramref name="command"/> is true a requested stop ends the wait.</summary>
    /// <param name="limit">Octets with the line end; the rest of a longer line is dropped and <see cref="WaitEnd.TooLong"/> told.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<LineRead> ReadLineAsync(int limit, TimeSpan wait, bool command)
    {
        if (_line.Length < limit)
            _line = new byte[limit];
        bool waiting = false;
        while (true)
        {
            if (command && _stopping)
                return new LineRead(WaitEnd.Stopping, default);
            if (!waiting)
                _timer.Arm(wait);
            waiting = true;
            ReadResult result = await NextAsync();
            ReadOnlySequence<byte> buffer = result.Buffer;
            switch (LineFraming.TryTake(buffer, limit, out ReadOnlySequence<byte> line, out SequencePosition next))
            {
                case LineStatus.Line:
                    int length = (int)line.Length;
                    line.CopyTo(_line);
                    _input.AdvanceTo(next);
                    return new LineRead(WaitEnd.None, _line.AsMemory(0, length));
                case LineStatus.TooLong:
                    _input.AdvanceTo(buffer.Start);
                    return new LineRead(await SkipLineAsync() ? WaitEnd.TooLong : WaitEnd.Closed, default);
                default:
                    _input.AdvanceTo(buffer.Start, buffer.End);
                    break;
            }
            if (result.IsCompleted)
                return new LineRead(WaitEnd.Closed, default);
            if (result.IsCanceled && EndOfWait() is var end and not WaitEnd.None)
                return new LineRead(end, default);
        }
    }

    /// <summary>Reads whatever there is; the caller advances. <see cref="WaitEnd.None"/> where there is something.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<(WaitEnd End, ReadOnlySequence<byte> Octets)> ReadAsync(TimeSpan wait)
    {
        _timer.Arm(wait);
        while (true)
        {
            ReadResult result = await NextAsync();
            if (!result.Buffer.IsEmpty)
                return (WaitEnd.None, result.Buffer);
            _input.AdvanceTo(result.Buffer.Start);
            if (result.IsCompleted)
                return (WaitEnd.Closed, default);
            if (result.IsCanceled && EndOfWait() is var end and not WaitEnd.None)
                return (end, default);
        }
    }

    public void AdvanceTo(SequencePosition consumed) => _input.AdvanceTo(consumed);

    public void AdvanceTo(SequencePosition consumed, SequencePosition examined) => _input.AdvanceTo(consumed, examined);

    /// <summary>The raw pipes, for the TLS handshake.</summary>
    public (PipeReader Input, PipeWriter Output) Pipes => (_input, _output);

    public void Replace(PipeReader input, PipeWriter output)
    {
        _input = input;
        _output = output;
    }

    /// <summary>Writes the last reply out and reads on for a moment: a connection closed with unread input is reset, and the reply lost with it.</summary>
    public async ValueTask CloseAsync(bool linger)
    {
        _timer.Arm(s_linger);
        if (!await FlushAsync() || !linger)
            return;
        long read = 0;
        while (read < MaximumLinger)
        {
            ReadResult result = await _input.ReadAsync();
            read += result.Buffer.Length;
            _input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted || (result.IsCanceled && _timer.IsExpired))
                return;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> NextAsync()
    {
        if (_unflushed < MaximumUnflushed && _input.TryRead(out ReadResult ready))
            return ready;
        await FlushAsync();
        return await _input.ReadAsync();
    }

    private async ValueTask<bool> SkipLineAsync()
    {
        long skipped = 0;
        while (skipped < MaximumSkipped)
        {
            ReadResult result = await NextAsync();
            ReadOnlySequence<byte> buffer = result.Buffer;
            if (buffer.PositionOf((byte)'\n') is { } end)
            {
                _input.AdvanceTo(buffer.GetPosition(1, end));
                return true;
            }
            skipped += buffer.Length;
            _input.AdvanceTo(buffer.End);
            if (result.IsCompleted || (result.IsCanceled && EndOfWait() is not WaitEnd.None))
                return false;
        }
        return false;
    }

    private WaitEnd EndOfWait()
    {
        if (_timer.LifetimeIsOver)
            return WaitEnd.Lifetime;
        return _timer.IsExpired ? WaitEnd.Timeout : WaitEnd.None;
    }

    private void Wake()
    {
        _input.CancelPendingRead();
        _output.CancelPendingFlush();
    }

    public void Dispose() => _timer.Dispose();
}
