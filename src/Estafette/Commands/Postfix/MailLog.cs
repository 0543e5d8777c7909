using System.Globalization;
using System.Net.Sockets;
using Estafette.Control;
using Estafette.Events;
using Estafette.Program.Daemon;

namespace Estafette.Program.Commands.Postfix;

/// <summary>The mail log for commands: root writes through the daemon, so that its lines stand where the daemon's stand; others, and all while it is down, through syslog(3).</summary>
internal sealed class MailLog(StateFolder state)
{
    public async Task WriteAsync(string tag, string severity, string text)
    {
        string named = string.Create(CultureInfo.InvariantCulture, $"{tag}[{Environment.ProcessId}]");
        if (PostfixTool.IsRoot && await ControlClient.TryAskAsync(state, new ControlRequest("write-log") { Arguments = [named, severity, text] }, static _ => { }, static _ => { }) is { Error: null })
            return;
        try
        {
            using var syslog = new SyslogSocket(SyslogSocket.Mail);
            syslog.Send(SyslogSocket.LevelOf(severity), named, severity == "info" ? text : severity + ": " + text, DateTimeOffset.Now);
        }
        catch (SocketException)
        {
            // There is no log to reach.
        }
    }
}
