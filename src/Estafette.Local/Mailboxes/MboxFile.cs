using Estafette.Mail;

namespace Estafette.Local.Mailboxes;

/// <summary>
/// One mbox during one batch: opened without following a link, checked (a regular file with one name, of this user or of root, E16), locked as Dovecot and mutt
/// lock (fcntl, and a dot file where the folder lets us), written at the end, flushed once. What fails is cut off again.
/// </summary>
internal sealed unsafe class MboxFile : IDisposable
{
    private const int LockAttempts = 100;
    private const int LockPauseMilliseconds = 100;

    /// <summary>A dot file this old belongs to nobody any more: a program that was killed left it.</summary>
    private const int StaleLockSeconds = 600;

    private readonly string? _dotLock;
    private int _fd;

    private MboxFile(int fd, string? dotLock, long size, bool needsLineEnd)
    {
        _fd = fd;
        _dotLock = dotLock;
        Start = Size = size;
        NeedsLineEnd = needsLineEnd;
    }

    /// <summary>Size when the batch began.</summary>
    public long Start { get; }

    /// <summary>Size with what is written whole.</summary>
    public long Size { get; private set; }

    /// <summary>What stands there does not end with a line end.</summary>
    public bool NeedsLineEnd { get; private set; }

    public static MboxFile? Open(string path, uint owner, MailboxManner manner, out LocalReply? refusal)
    {
        int flags = Native.O_RDWR | Native.O_CREAT | Native.O_APPEND | Native.O_NOFOLLOW | Native.O_NONBLOCK | Native.O_CLOEXEC;
        for (int attempt = 0; attempt < LockAttempts; attempt++)
        {
            int fd = Native.openat(Native.AT_FDCWD, path, flags, 0x180 /* 0600 */);
            if (fd < 0)
            {
                refusal = Native.Errno == Native.ELOOP ? Unsafe(manner, path, "it is a symbolic link") : FileTrouble.Reply(manner, "open", path, Native.Errno);
                return null;
            }
            if ((refusal = Check(fd, path, owner, manner, out Native.Statx stat)) is not null)
            {
                Native.close(fd);
                return null;
            }
            string? dotLock = null;
            if (TryLock(fd) && TryDotLock(path + ".lock", out dotLock))
            {
                // A reader may have replaced or removed the file between our opening and our lock.
                if (Native.TryStat(path, follow: false, out Native.Statx named) && named.Inode == stat.Inode && named.Device == stat.Device && Native.TryStat(fd, out stat))
                    return new MboxFile(fd, dotLock, (long)stat.Size, !EndsWithLineEnd(fd, (long)stat.Size));
                Remove(dotLock);
            }
            Native.close(fd);
            Thread.Sleep(LockPauseMilliseconds);
        }
        refusal = LocalReply.Defer(2, 0, $"{manner.Prefix}mailbox is locked: {path}");
        return null;
    }

    /// <summary>False with errno set; what was half written is cut off by <see cref="Rewind"/>.</summary>
    public bool Append(ReadOnlySpan<byte> text) => Native.WriteAll(_fd, text);

    /// <summary>The message that began at <see cref="Size"/> is whole.</summary>
    public void Keep()
    {
        if (Native.TryStat(_fd, out Native.Statx stat))
            Size = (long)stat.Size;
        NeedsLineEnd = false;
    }

    public void Rewind(long size)
    {
        _ = Native.ftruncate(_fd, size);
        Size = size;
    }

    public bool Flush()
    {
        if (Size == Start)
            return true;
        // A new file's name must be durable as well.
        if (Native.fsync(_fd) != 0 || (Start == 0 && Native.syncfs(_fd) != 0))
        {
            Rewind(Start);
            return false;
        }
        return true;
    }

    public void Dispose()
    {
        if (_fd < 0)
            return;
        Remove(_dotLock);
        Native.close(_fd);
        _fd = -1;
    }

    private static LocalReply? Check(int fd, string path, uint owner, MailboxManner manner, out Native.Statx stat)
    {
        if (!Native.TryStat(fd, out stat))
            return FileTrouble.Reply(manner, "examine", path, Native.Errno);
        return !stat.IsRegular ? Unsafe(manner, path, "it is not a regular file")
            : stat.Links != 1 ? Unsafe(manner, path, "it has more than one name")
            : stat.Uid != owner && stat.Uid != 0 ? Unsafe(manner, path, "it belongs to somebody else")
            : null;
    }

    private static LocalReply Unsafe(MailboxManner manner, string path, string why) => manner.Style is MailboxStyle.Postfix
        ? LocalReply.Fail(2, 0, $"{manner.Prefix}will not deliver to {path}: {why}")
        : LocalReply.Defer(7, 0, $"will not deliver to {path}: {why}");

    private static bool TryLock(int fd)
    {
        var wish = new Native.Flock { Type = 1 /* F_WRLCK */ };
        return Native.fcntl(fd, Native.F_SETLK, &wish) == 0;
    }

    /// <summary>True also where no dot file can be made: then the lock on the file itself has to do, as for every program without group mail.</summary>
    private static bool TryDotLock(string path, out string? made)
    {
        made = null;
        int fd = Native.openat(Native.AT_FDCWD, path, Native.O_WRONLY | Native.O_CREAT | Native.O_EXCL | Native.O_NOFOLLOW | Native.O_CLOEXEC, 0x180);
        if (fd >= 0)
        {
            Native.close(fd);
            made = path;
            return true;
        }
        if (Native.Errno != Native.EEXIST)
            return true;
        // The next attempt may have it; without this one crash would keep a user's mail out until it bounces.
        if (Native.TryStat(path, follow: false, out Native.Statx stat) && DateTimeOffset.UtcNow.ToUnixTimeSeconds() - stat.ModifiedSeconds > StaleLockSeconds)
            Remove(path);
        return false;
    }

    private static void Remove(string? dotLock)
    {
        if (dotLock is not null)
            Native.unlinkat(Native.AT_FDCWD, dotLock, 0);
    }

    private static bool EndsWithLineEnd(int fd, long size)
    {
        byte last = (byte)'\n';
        return size == 0 || Native.pread(fd, &last, 1, size - 1) != 1 || last == (byte)'\n';
    }
}
