using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Estafette.Mail;

namespace Estafette.Local;

/// <summary>
/// The parent: root where it can be, no network, no threads of its own. It accepts connections of the daemon's uid only (SO_PEERCRED), reads one line that
/// names an identity, looks the user up and starts the helper with the connection as its standard input and output; or that asks for the compile step
/// (<see cref="CompileProtocol"/>). It sees no mail and no configuration. It leaves when the daemon does (end of its standard input); a hostile peer can only
/// fill its bounded places, for a bounded time (E13).
/// </summary>
internal sealed unsafe class Gatekeeper
{
    private const int MaximumHelpers = 128;
    private const int MaximumLoginHelpers = 8;
    private const int MaximumWaiting = 256;
    private const int Backlog = 512;

    /// <summary>How long a connection may take for its first line, or wait for a free place.</summary>
    private const int PatienceMilliseconds = 30_000;

    /// <summary>How soon an ended child is noticed.</summary>
    private const int BusyPollMilliseconds = 500;

    private readonly int _listener;
    private readonly uint _daemonUid;
    private readonly uint _ownUid = Native.geteuid();
    private readonly string _actionsFile;
    private readonly string _self = Environment.ProcessPath ?? "";
    private readonly string[] _helperEnvironment;
    private readonly HashSet<int> _helpers = [];

    /// <summary>Those of <see cref="_helpers"/> that check logins.</summary>
    private readonly HashSet<int> _loginHelpers = [];
    private readonly List<(int Fd, long Deadline)> _waiting = [];

    /// <summary>Null where the daemon runs as this process does and needs nobody to read for it.</summary>
    private readonly ConfigurationWatch? _watch;
    private readonly CompileStarter? _compile;

    /// <param name="listener">The listening socket.</param>
    /// <param name="daemonUid">Who may connect.</param>
    /// <param name="actionsFile">The compiled actions.</param>
    /// <param name="compile"><c>--watch LIST --compile PROGRAM ARGUMENT...</c>, or nothing.</param>
    private Gatekeeper(int listener, uint daemonUid, string actionsFile, string[] compile)
    {
        _listener = listener;
        _daemonUid = daemonUid;
        _actionsFile = actionsFile;
        string[] kept = ["DOTNET_ROOT", "TZ"];
        // The diagnostics port would be a socket in /tmp that a user could find; what is started here is too short-lived to profit from profiles.
        string[] environment =
        [
            "PATH=/usr/local/bin:/usr/bin:/bin", "DOTNET_EnableDiagnostics=0", "DOTNET_TieredPGO=0",
            .. kept.Where(k => Environment.GetEnvironmentVariable(k) is not null).Select(k => k + "=" + Environment.GetEnvironmentVariable(k)),
        ];
        _helperEnvironment =
        [
            // Hexadecimal octets: a heap of at most 64 MiB whose youngest part is 2 MiB; a message leaves only a few small objects behind.
            "DOTNET_GCHeapHardLimit=4000000", "DOTNET_GCgen0size=200000",
            .. environment,
        ];
        if (compile is ["--watch", var list, "--compile", var program, .. var arguments] && _ownUid == 0)
            (_watch, _compile) = (new ConfigurationWatch(list, _ownUid), new CompileStarter(program, ["estafette", .. arguments], environment));
    }

    /// <summary>Usage: <c>--socket PATH --actions FILE --daemon UID [--watch LIST --compile PROGRAM ARGUMENT...]</c>. Prints "ready" when it listens.</summary>
    public static int Run(string[] args)
    {
        if (args is not ["--socket", var path, "--actions", var actions, "--daemon", var uidText, .. var compile] || compile is not ([] or ["--watch", _, "--compile", _, ..])
            || !uint.TryParse(uidText, NumberStyles.None, CultureInfo.InvariantCulture, out uint uid))
        {
            Console.Error.WriteLine("estafette-local is started by the daemon: estafette-local --socket PATH --actions FILE --daemon UID");
            return 64;
        }
        // A terminal's Ctrl-C or a stop of the service reaches the daemon, which drains first; then its pipe to us ends.
        Native.setsid();
        Native.signal(Native.SIGINT, 1);
        Native.signal(Native.SIGTERM, 1);
        int listener = Listen(path);
        if (listener < 0)
        {
            Console.Error.WriteLine($"estafette-local: cannot listen on {path}: {Native.ErrorText(-listener)}");
            return 71;
        }
        Console.Out.WriteLine("ready");
        Console.Out.Flush();
        new Gatekeeper(listener, uid, actions, compile).Loop();
        return 0;
    }

    /// <summary>The descriptor or minus errno. Anybody may connect, the peer's uid decides; the mode comes from the umask, because a chmod could be led astray.</summary>
    private static int Listen(string path)
    {
        if (Native.TryStat(path, follow: false, out Native.Statx old) && (old.Mode & Native.S_IFMT) == Native.S_IFSOCK)
            Native.unlinkat(Native.AT_FDCWD, path, 0);
        byte[] octets = Encoding.UTF8.GetBytes(path);
        byte* address = stackalloc byte[110];
        new Span<byte>(address, 110).Clear();
        if (octets.Length > 107)
            return -Native.EINVAL;
        *(ushort*)address = Native.AF_UNIX;
        octets.CopyTo(new Span<byte>(address + 2, 107));
        int fd = Native.socket(Native.AF_UNIX, Native.SOCK_STREAM | Native.SOCK_CLOEXEC | Native.SOCK_NONBLOCK, 0);
        Native.umask(0x49 /* 0111 */);
        bool ok = fd >= 0 && Native.bind(fd, address, 110) == 0 && Native.listen(fd, Backlog) == 0;
        int error = Native.Errno;
        Native.umask(0x3f /* 0077 */);
        return ok ? fd : -error;
    }

    private void Loop()
    {
        while (true)
        {
            var entries = new List<Native.PollFd> { new() { Fd = 0, Events = Native.POLLIN }, new() { Fd = _waiting.Count < MaximumWaiting ? _listener : -1, Events = Native.POLLIN } };
            bool room = _helpers.Count < MaximumHelpers;
            foreach ((int fd, _) in _waiting)
                entries.Add(new() { Fd = room ? fd : -1, Events = Native.POLLIN });
            int watched = entries.Count;
            entries.Add(new() { Fd = _watch?.Fd ?? -1, Events = Native.POLLIN });
            fixed (Native.PollFd* start = CollectionsMarshal.AsSpan(entries))
                Native.poll(start, (nuint)entries.Count, Timeout());
            Reap();
            if (entries[0].Revents != 0 && DaemonIsGone())
                return;
            long now = Environment.TickCount64;
            _compile?.Limit(now);
            if (entries[watched].Revents != 0)
                _watch?.Close();
            _watch?.Look(now);
            for (int i = _waiting.Count - 1; i >= 0; i--)
            {
                if (entries[i + 2].Revents != 0 && _helpers.Count < MaximumHelpers && Introduce(_waiting[i].Fd))
                    _waiting.RemoveAt(i);
                else if (now > _waiting[i].Deadline)
                {
                    Refuse(_waiting[i].Fd, LocalReply.Defer(3, 2, "too many local deliveries at once"));
                    _waiting.RemoveAt(i);
                }
            }
            if (entries[1].Revents != 0)
                Accept(now);
        }
    }

    private int Timeout()
    {
        int next = _watch?.Timeout(Environment.TickCount64) ?? -1;
        bool busy = _helpers.Count + _waiting.Count > 0 || _compile is { IsRunning: true };
        return !busy ? next : next < 0 ? BusyPollMilliseconds : Math.Min(next, BusyPollMilliseconds);
    }

    private static bool DaemonIsGone()
    {
        byte octet;
        return Native.read(0, &octet, 1) <= 0;
    }

    private void Reap()
    {
        int status, pid;
        while ((pid = Native.waitpid(-1, &status, Native.WNOHANG)) > 0)
        {
            _helpers.Remove(pid);
            _compile?.Ended(pid);
            _loginHelpers.Remove(pid);
        }
    }

    private void Accept(long now)
    {
        while (_waiting.Count < MaximumWaiting)
        {
            int fd = Native.accept4(_listener, null, null, Native.SOCK_CLOEXEC);
            if (fd < 0)
                return;
            Native.PeerCredentials peer;
            uint length = (uint)sizeof(Native.PeerCredentials);
            if (Native.getsockopt(fd, Native.SOL_SOCKET, Native.SO_PEERCRED, &peer, &length) == 0 && (peer.Uid == _daemonUid || peer.Uid == 0))
                _waiting.Add((fd, now + PatienceMilliseconds));
            else
                Refuse(fd, LocalReply.Fail(7, 1, "only the mail daemon may talk to local delivery"));
        }
    }

    /// <summary>True when the connection is dealt with: handed to a helper, refused, or closed by its peer.</summary>
    private bool Introduce(int fd)
    {
        byte* buffer = stackalloc byte[LocalProtocol.MaximumLine];
        nint seen = Native.recv(fd, buffer, LocalProtocol.MaximumLine, Native.MSG_PEEK | 0x40 /* MSG_DONTWAIT */);
        if (seen < 0 && Native.Errno is Native.EAGAIN or Native.EINTR)
            return false;
        int end = seen <= 0 ? -1 : new ReadOnlySpan<byte>(buffer, (int)seen).IndexOf((byte)'\n');
        if (end < 0)
        {
            if (seen > 0 && seen < LocalProtocol.MaximumLine)
                return false;
            Native.close(fd);
            return true;
        }
        // Only the line itself is taken; what follows belongs to the helper.
        Native.recv(fd, buffer, (nuint)end + 1, 0);
        ReadOnlySpan<byte> line = new ReadOnlySpan<byte>(buffer, end).TrimEnd((byte)'\r');
        if (_watch is not null && Ascii.Equals(line, CompileProtocol.Watch))
        {
            _watch.Serve(fd, Environment.TickCount64);
            return true;
        }
        LocalReply? refusal = line.StartsWith("XCOMPILE"u8) || line.StartsWith("XWATCH"u8) ? StartCompile(fd, line)
            : LocalIdentity.Parse(line) is { } identity ? StartHelper(fd, identity)
            : LocalReply.Fail(5, 2, "the first line must name an identity");
        if (refusal is null)
            Native.close(fd);
        else
            Refuse(fd, refusal);
        return true;
    }

    private LocalReply? StartCompile(int fd, ReadOnlySpan<byte> line) =>
        _compile is null ? LocalReply.Fail(5, 1, "the daemon reads its configuration itself")
        : Ascii.Equals(line, CompileProtocol.Reload) ? _compile.Start(fd, renew: false, Environment.TickCount64)
        : Ascii.Equals(line, CompileProtocol.Renew) ? _compile.Start(fd, renew: true, Environment.TickCount64)
        : LocalReply.Fail(5, 2, "no such request");

    private LocalReply? StartHelper(int fd, LocalIdentity identity)
    {
        int file = Native.openat(Native.AT_FDCWD, _actionsFile, Native.O_RDONLY | Native.O_CLOEXEC | Native.O_NOFOLLOW, 0);
        try
        {
            LocalActions? actions = file < 0 ? null : ActionsFile.Read(file, _ownUid);
            if (actions is null)
                return LocalReply.Defer(3, 5, "the compiled actions of local delivery cannot be read");
            if (identity.Kind is LocalIdentityKind.Login)
                return StartLoginHelper(fd, identity.Action, actions);
            (LocalUser? user, LocalReply? refusal) = Identity.Resolve(identity, actions, _ownUid);
            if (user is null)
                return refusal;
            if (_ownUid == 0 && identity.Kind is LocalIdentityKind.User or LocalIdentityKind.Table)
                MailSpool.EnsureMailboxes(user, actions);
            string groups = _ownUid == 0 ? string.Join(',', UserDatabase.GroupsOf(user)) : "";
            string[] arguments =
            [
                "estafette-local", "--serve", user.Uid.ToString(CultureInfo.InvariantCulture), user.Gid.ToString(CultureInfo.InvariantCulture), groups, user.Name, user.Home,
            ];
            int pid = Spawn.Start(_self, arguments, _helperEnvironment, [fd, fd, 2, file]);
            if (pid < 0)
                return LocalReply.Defer(3, 0, $"cannot start a delivery process: {Native.ErrorText(-pid)}");
            _helpers.Add(pid);
            return null;
        }
        finally
        {
            if (file >= 0)
                Native.close(file);
        }
    }

    /// <summary>Root stays root here, where PAM needs it; what it may ask with, the compiled actions say.</summary>
    private LocalReply? StartLoginHelper(int fd, string service, LocalActions actions)
    {
        if (!actions.LoginServices.Contains(service) || !LocalActions.IsLoginService(service))
            return LocalReply.Defer(7, 0, $"logins with the PAM service \"{service}\" are not in the configuration");
        if (_loginHelpers.Count >= MaximumLoginHelpers)
            return LocalReply.Defer(3, 2, "too many logins at once");
        int pid = Spawn.Start(_self, ["estafette-local", "--login", service], _helperEnvironment, [fd, fd, 2]);
        if (pid < 0)
            return LocalReply.Defer(3, 0, $"cannot start a login process: {Native.ErrorText(-pid)}");
        _helpers.Add(pid);
        _loginHelpers.Add(pid);
        return null;
    }

    private static void Refuse(int fd, LocalReply reply)
    {
        byte[] line = Encoding.UTF8.GetBytes(reply.ToLine());
        fixed (byte* start = line)
            Native.send(fd, start, (nuint)line.Length, Native.MSG_NOSIGNAL | 0x40);
        Native.close(fd);
    }
}
