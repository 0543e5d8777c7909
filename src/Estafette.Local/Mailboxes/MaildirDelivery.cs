using Estafette.Mail;

namespace Estafette.Local.Mailboxes;

/// <summary>One message into a Maildir: written in <c>tmp</c>; after the flush that the batch shares, renamed to <c>new</c> without ever overwriting (P20, E58).</summary>
internal sealed class MaildirDelivery : Delivery
{
    private const int NameAttempts = 10;

    private readonly Maildir _box;
    private readonly MailboxManner _manner;
    private long _written;
    private readonly string _name = "";
    private readonly string _finalName = "";
    private readonly JunkMark? _junk;
    private int _fd = -1;
    private LocalReply? _failure;

    public MaildirDelivery(Maildir box, MailboxManner manner, string host, DateTimeOffset now, bool junkFolder)
    {
        MailboxStyle style = manner.Style;
        _manner = manner;
        _box = box;
        _junk = junkFolder ? new JunkMark() : null;
        for (int i = 0; i < NameAttempts && _fd < 0; i++)
        {
            _name = MaildirName.Draft(style, now, host);
            _fd = Native.openat(box.Tmp, _name, Native.O_WRONLY | Native.O_CREAT | Native.O_EXCL | Native.O_NOFOLLOW | Native.O_CLOEXEC, 0x180 /* 0600 */);
            if (_fd < 0 && Native.Errno != Native.EEXIST)
                break;
        }
        Native.Statx stat = default;
        if (_fd < 0)
            _failure = FileTrouble.Reply(_manner, "create", "a file in the Maildir", Native.Errno);
        else if (style is MailboxStyle.Postfix && !Native.TryStat(_fd, out stat))
            _failure = FileTrouble.Reply(_manner, "examine", "a file in the Maildir", Native.Errno);
        _finalName = MaildirName.Final(style, _name, now, host, stat.Device, stat.Inode);
    }

    public int Descriptor => _failure is null ? _fd : -1;
    public Maildir Box => _box;

    public override void Write(ReadOnlySpan<byte> text)
    {
        _junk?.Look(text);
        _written += text.Length;
        if (_failure is null && _manner.Limit > 0 && _written > _manner.Limit)
            _failure = FileTrouble.Reply(_manner, "write", "to the Maildir", FileTrouble.EFBIG);
        if (_failure is null && !Native.WriteAll(_fd, text))
            _failure = FileTrouble.Reply(_manner, "write", "to the Maildir", Native.Errno);
    }

    public override LocalReply? End(bool atLineStart)
    {
        if (!atLineStart)
            Write("\n"u8);
        return null;
    }

    public override void Abort()
    {
        if (_fd < 0)
            return;
        Native.unlinkat(_box.Tmp, _name, 0);
        Native.close(_fd);
        _fd = -1;
    }

    /// <summary>Makes the message visible. Its name is durable only after the batch's second flush.</summary>
    public void Publish(bool durable)
    {
        if (!durable)
            _failure ??= LocalReply.Defer(3, 0, "cannot make the message durable in the Maildir");
        if (_failure is null)
            Rename();
        if (_failure is not null)
            Native.unlinkat(_box.Tmp, _name, 0);
        if (_fd >= 0)
            Native.close(_fd);
        _fd = -1;
    }

    public override LocalReply Settle(bool durable) =>
        _failure ?? (durable ? LocalReply.Delivered : LocalReply.Defer(3, 0, "cannot make the message's name durable in the Maildir"));

    private void Rename()
    {
        bool junk = _junk is { IsJunk: true };
        int target = junk ? _box.JunkNew : _box.New;
        string name = _finalName;
        for (int i = 1; i <= NameAttempts; i++)
        {
            if (MoveWithoutOverwriting(target, name))
            {
                _box.Touched |= !junk;
                _box.JunkTouched |= junk;
                return;
            }
            if (Native.Errno != Native.EEXIST)
                break;
            name = $"{_finalName}.{i}";
        }
        _failure = FileTrouble.Reply(_manner, "rename", "a message into the Maildir", Native.Errno);
    }

    private bool MoveWithoutOverwriting(int folder, string name)
    {
        if (Native.renameat2(_box.Tmp, _name, folder, name, Native.RENAME_NOREPLACE) == 0)
            return true;
        // File systems without that flag (NFS) know link.
        if (Native.Errno is not (Native.EINVAL or Native.ENOSYS) || Native.linkat(_box.Tmp, _name, folder, name, 0) != 0)
            return false;
        Native.unlinkat(_box.Tmp, _name, 0);
        return true;
    }
}
