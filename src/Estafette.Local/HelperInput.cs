namespace Estafette.Local;

/// <summary>
/// The connection's bytes as the helper reads them. Plain blocking calls on purpose: one connection, one process, no thread and no scheduler to start. Before it
/// would wait it says so through <paramref name="beforeWaiting"/>, which is the moment to commit and answer.
/// </summary>
internal sealed unsafe class HelperInput(int fd, Action beforeWaiting)
{
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(256 * 1024);
    private int _start;
    private int _end;

    public ReadOnlySpan<byte> Available => _buffer.AsSpan(_start, _end - _start);

    public void Advance(int count) => _start += count;

    /// <summary>Reads more; false at the end of the connection, or when nothing came in time, or when the buffer is full.</summary>
    public bool Fill(int timeoutMilliseconds)
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }
        if (_end == _buffer.Length)
            return false;
        if (!IsReadable(0))
        {
            beforeWaiting();
            if (!IsReadable(timeoutMilliseconds))
                return false;
        }
        while (true)
        {
            nint count;
            fixed (byte* start = &_buffer[_end])
                count = Native.read(fd, start, (nuint)(_buffer.Length - _end));
            if (count < 0 && Native.Errno == Native.EINTR)
                continue;
            if (count <= 0)
                return false;
            _end += (int)count;
            return true;
        }
    }

    private bool IsReadable(int timeoutMilliseconds)
    {
        var entry = new Native.PollFd { Fd = fd, Events = Native.POLLIN };
        int ready;
        do
            ready = Native.poll(&entry, 1, timeoutMilliseconds);
        while (ready < 0 && Native.Errno == Native.EINTR);
        return ready > 0;
    }
}
