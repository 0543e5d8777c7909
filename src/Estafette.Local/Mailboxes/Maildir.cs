using Estafette.Mail;

namespace Estafette.Local.Mailboxes;

/// <summary>
/// One Maildir during one batch: <c>tmp</c> and <c>new</c> are held open, so that everything of the batch happens in the same two folders. What is missing is
/// created, 0700. The folder of junk is opened when the first junk comes.
/// </summary>
internal sealed class Maildir : IDisposable
{
    private readonly string _path;
    private int _junk = -1;

    private Maildir(string path, int tmp, int fresh, Native.Statx stat)
    {
        _path = path;
        Tmp = tmp;
        New = fresh;
        Device = stat.Device;
    }

    public int Tmp { get; }
    public int New { get; }
    public ulong Device { get; }

    /// <summary>A folder was created: its own entry must become durable, too.</summary>
    public bool Grew { get; private init; }

    /// <summary>Names were added to this folder's <c>new</c>.</summary>
    public bool Touched { get; set; }
    public bool JunkTouched { get; set; }

    public int JunkNew
    {
        get
        {
            if (_junk < 0)
                _junk = OpenFolder(_path + "/.Junk/new");
            return _junk;
        }
    }

    public static Maildir? Open(string path, bool junkFolder, MailboxManner manner, out LocalReply? refusal)
    {
        bool grew = false;
        int tmp = OpenFolder(path + "/tmp"), fresh = tmp < 0 ? -1 : OpenFolder(path + "/new");
        if (tmp < 0 || fresh < 0)
        {
            Close(tmp, fresh);
            if ((refusal = Create(path, manner)) is not null)
                return null;
            grew = true;
            tmp = OpenFolder(path + "/tmp");
            fresh = OpenFolder(path + "/new");
        }
        if (junkFolder && !Native.TryStat(path + "/.Junk/new", follow: true, out _))
        {
            if ((refusal = Create(path + "/.Junk", manner)) is not null)
            {
                Close(tmp, fresh);
                return null;
            }
            grew = true;
        }
        Native.Statx stat = default;
        if (tmp < 0 || fresh < 0 || !Native.TryStat(tmp, out stat))
        {
            refusal = FileTrouble.Reply(manner, "open", path, Native.Errno);
            Close(tmp, fresh);
            return null;
        }
        refusal = null;
        return new Maildir(path, tmp, fresh, stat) { Grew = grew };
    }

    private static int OpenFolder(string path) => Native.openat(Native.AT_FDCWD, path, Native.O_RDONLY | Native.O_DIRECTORY | Native.O_CLOEXEC, 0);

    private static LocalReply? Create(string path, MailboxManner manner)
    {
        for (int slash = path.IndexOf('/', 1); ; slash = path.IndexOf('/', slash + 1))
        {
            string step = slash < 0 ? path : path[..slash];
            if (!Make(step))
                return FileTrouble.Reply(manner, "create", step, Native.Errno);
            if (slash < 0)
                break;
        }
        foreach (string leaf in (ReadOnlySpan<string>)["/cur", "/tmp", "/new"])
        {
            if (!Make(path + leaf))
                return FileTrouble.Reply(manner, "create", path + leaf, Native.Errno);
        }
        return null;
    }

    /// <summary>An existing folder may stand where creating would be forbidden (a read-only parent), so it is looked at first.</summary>
    private static bool Make(string folder) =>
        Native.TryStat(folder, follow: true, out _) || Native.mkdirat(Native.AT_FDCWD, folder, 0x1c0 /* 0700 */) == 0 || Native.Errno == Native.EEXIST;

    public void Dispose() => Close(Tmp, New, _junk);

    private static void Close(params ReadOnlySpan<int> descriptors)
    {
        foreach (int fd in descriptors)
        {
            if (fd >= 0)
                Native.close(fd);
        }
    }
}
