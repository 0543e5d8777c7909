using Estafette.Config.Model;
using Estafette.Events;

namespace Estafette.Program.Daemon;

/// <summary>
/// Where the daemon's log goes: the file that the configuration names, else standard error, or syslog(3) for a daemon in the background. Opened before root is given up; a new
/// file is handed to the daemon's user, who goes on in it after <c>postfix logrotate</c>.
/// </summary>
internal static class LogPlace
{
    public static ILogOutput Open(LogConfig log, bool background, DaemonUser? user)
    {
        if (log.File.Length == 0)
            return background ? new SyslogOutput(SyslogSocket.FacilityOf(log.Facility) ?? SyslogSocket.Mail) : new StreamLogOutput(Console.OpenStandardError());
        if (log.File == "/dev/stdout")
            return new StreamLogOutput(Console.OpenStandardOutput());
        try
        {
            var file = new FileLogOutput(log.File);
            if (user is not null && RandomAccess.GetLength(file.Handle) == 0)
                _ = Native.ChangeOwner(file.Handle, user.User, user.Group);
            return file;
        }
        catch (IOException e)
        {
            throw new StartupException($"maillog_file: {e.Message}");
        }
    }

    /// <summary>Lines for syslog(3) carry no name of the machine: its daemon adds it.</summary>
    public static LogFormat Format(MailConfig config, bool background) =>
        LogFormat.Create(config.Log, background && config.Log.File.Length == 0 ? "" : config.HostName);
}
