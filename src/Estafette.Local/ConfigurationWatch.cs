using System.Text;
using Estafette.Mail;

namespace Estafette.Local;

/// <summary>
/// Looks, for a daemon that may not, at the files that the configuration names, and tells it when one changed. What is looked at stands in a list that the compile step
/// wrote and only root may write; no file but that list is opened. One daemon at a time; a newer connection takes the place of the old one.
/// </summary>
internal sealed unsafe class ConfigurationWatch(string listFile, uint owner)
{
    private FileWatch? _watch;
    private WatchStamp _list;
    private long _next;

    /// <summary>The daemon's connection; -1 while there is none.</summary>
    public int Fd { get; private set; } = -1;

    public void Serve(int fd, long now)
    {
        Close();
        Fd = fd;
        // What was told to the one before may have been lost with it.
        (_watch, _list, _next) = (null, default, now);
        Send("220 2.0.0 watching\r\n"u8);
    }

    /// <summary>Milliseconds to the next look; -1 while nobody is told.</summary>
    public int Timeout(long now) => Fd < 0 ? -1 : (int)Math.Clamp(_next - now, 0, int.MaxValue);

    public void Look(long now)
    {
        if (Fd < 0 || now < _next)
            return;
        ReadList();
        if (_watch?.Look(StampOf) == true)
            Send(Encoding.ASCII.GetBytes(CompileProtocol.Changed + "\r\n"));
        _next = now + (long)(_watch?.Pause ?? FileWatch.Interval).TotalMilliseconds;
    }

    /// <summary>The daemon has nothing to say here: it went away.</summary>
    public void Close()
    {
        if (Fd >= 0)
            Native.close(Fd);
        Fd = -1;
    }

    private void ReadList()
    {
        int file = Native.openat(Native.AT_FDCWD, listFile, Native.O_RDONLY | Native.O_CLOEXEC | Native.O_NOFOLLOW | Native.O_NONBLOCK, 0);
        if (file < 0)
            return;
        if (Native.TryStat(file, out Native.Statx stat) && Stamp(stat) is var stamp && stamp != _list)
        {
            _list = stamp;
            _watch = OwnedFile.Read(file, owner, WatchList.MaximumSize) is { } octets && WatchList.TryDecode(octets, out var files) ? new FileWatch(files) : null;
        }
        Native.close(file);
    }

    private static WatchStamp StampOf(string path) => Native.TryStat(path, follow: true, out Native.Statx stat) ? Stamp(stat) : default;

    private static WatchStamp Stamp(in Native.Statx stat) => new(
        stat.Device, stat.Inode, (long)stat.Size, Ticks(stat.ModifiedSeconds, stat.ModifiedNanoseconds), Ticks(stat.ChangedSeconds, stat.ChangedNanoseconds));

    private static long Ticks(long seconds, uint nanoseconds) => seconds * TimeSpan.TicksPerSecond + nanoseconds / 100;

    /// <summary>A daemon that does not read what it is told is as good as gone.</summary>
    private void Send(ReadOnlySpan<byte> line)
    {
        fixed (byte* start = line)
        {
            if (Native.send(Fd, start, (nuint)line.Length, Native.MSG_NOSIGNAL | 0x40 /* MSG_DONTWAIT */) != line.Length)
                Close();
        }
    }
}
