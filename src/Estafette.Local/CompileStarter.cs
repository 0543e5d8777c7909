using Estafette.Mail;

namespace Estafette.Local;

/// <summary>
/// Starts the compile step for a daemon that asks for it: always the command line that was fixed when this process was started, one at a time, not too often, and for a
/// bounded time. What it hands over goes through the asker's connection, which this process never reads.
/// </summary>
internal sealed class CompileStarter(string program, IReadOnlyList<string> arguments, IReadOnlyList<string> environment)
{
    private int _pid = -1;
    private long _started = long.MinValue / 2;

    public bool IsRunning => _pid >= 0;

    /// <summary>Null when it started with the connection as its input and output.</summary>
    public LocalReply? Start(int fd, bool renew, long now)
    {
        if (IsRunning || now - _started < (long)CompileProtocol.MinimumPause.TotalMilliseconds)
            return LocalReply.Defer(3, 2, "the configuration is being compiled, or was a moment ago");
        int pid = Spawn.Start(program, [.. arguments, .. renew ? ["--renew"] : Array.Empty<string>()], environment, [fd, fd, 2]);
        if (pid < 0)
            return LocalReply.Defer(3, 0, $"cannot start {program}: {Native.ErrorText(-pid)}");
        (_pid, _started) = (pid, now);
        return null;
    }

    public void Ended(int pid)
    {
        if (pid == _pid)
            _pid = -1;
    }

    /// <summary>Ends one that takes too long: a daemon that does not read must not hold the place for ever.</summary>
    public void Limit(long now)
    {
        if (IsRunning && now - _started > (long)CompileProtocol.MaximumRun.TotalMilliseconds)
            Native.kill(_pid, Native.SIGKILL);
    }
}
