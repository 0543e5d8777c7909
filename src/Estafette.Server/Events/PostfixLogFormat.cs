using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Events;

/// <summary>
/// Lines as Postfix's programs write them, so that fail2ban, logwatch and pflogsumm read them unchanged (DESIGN 8). Each line names the program that would have written it; what
/// Postfix writes as several lines are several here, each whole, and nothing from outside can begin one (E55).
/// </summary>
public sealed class PostfixLogFormat : LogFormat
{
    private readonly LogConfig _log;
    private readonly string _host;
    private readonly PostfixSessionLines _sessions;

    /// <param name="hostName">Empty where whoever takes the lines adds it.</param>
    public PostfixLogFormat(LogConfig log, string hostName)
    {
        _log = log;
        _host = hostName.Length == 0 ? "" : hostName.Split('.')[0] + " ";
        _sessions = new PostfixSessionLines(log, Head);
    }

    public override void Write(MailEvent mailEvent, LogLine line)
    {
        switch (mailEvent)
        {
            case SessionEvent e: _sessions.Write(e, line); break;
            case MessageBegun e: WriteBegun(e, line); break;
            case MessageAccepted e: Service(e, "cleanup", line).Text(e.Envelope.Id.ToString()).Text(": message-id=<").Foreign(e.HeaderMessageId.Trim('<', '>')).Text(">"); break;
            case DeliveryAttempted e: WriteDelivery(e, line); break;
            case MessageForwarded e: Service(e, "cleanup", line).Text(e.Onward.Id.ToString()).Text(": message-id=<").Foreign(e.HeaderMessageId.Trim('<', '>')).Text(">"); break;
            case RelayTlsStarted e when _log.ClientTls:
                Head(e, Tag(e.Service, "smtp"), line).Text(e.Trust.ToString()).Text(" TLS connection established to ").Foreign(e.Peer).Text(": ").Text(e.Protocol)
                    .Text(" with cipher ").Text(e.Cipher).Text(" (").Number(e.Bits).Text("/").Number(e.Bits).Text(" bits)");
                break;
            case RelayConnectFailed e: Head(e, Tag(e.Service, "smtp"), line).Text("connect to ").Foreign(e.Peer).Text(": ").Visible(e.Reason); break;
            case RelayHostDown or RelayHostReturned when _log.IsOriginal: break;
            case RelayHostDown e:
                Service(e, "smtp", line).Text("relay host ").Foreign(e.Peer).Text(" rests for ").Number((long)e.Pause.TotalSeconds).Text(" s: ").Foreign(e.Reason);
                break;
            case RelayHostReturned e: Service(e, "smtp", line).Text("relay host ").Foreign(e.Peer).Text(" is back"); break;
            case ContentNoted e: WriteContent(e, line); break;
            case OperatorWarning e: Service(e, e.Subsystem, line).Text("warning: ").Visible(e.Text); break;
            case ToolLine e: Start(e, line).Foreign(e.Tag).Text(": ").Text(e.Severity == "info" ? "" : e.Severity + ": ").Visible(e.Text); break;
            case TraceLine e: Service(e, e.Subsystem, line).Visible(e.Text); break;
            default:
                if (!WriteQueue(mailEvent, line))
                    WriteDaemon(mailEvent, line);
                break;
        }
    }

    private bool WriteQueue(MailEvent mailEvent, LogLine line)
    {
        switch (mailEvent)
        {
            case MessageActivated e:
                Queue(e, e.Envelope.Id, line).Text("from=<").Foreign(e.Envelope.ReversePath.ToString()).Text(">, size=").Number(e.Envelope.Size)
                    .Text(", nrcpt=").Number(e.Envelope.Recipients.Length).Text(" (queue active)");
                return true;
            case MessageFinished e: Queue(e, e.Id, line).Text("removed"); return true;
            case MessageExpired e:
                Queue(e, e.Id, line).Text("from=<").Foreign(e.ReversePath.ToString()).Text(e.IsForced ? ">, status=force-expired, returned to sender" : ">, status=expired, returned to sender");
                return true;
            case NotificationQueued e:
                Service(e, "cleanup", line).Text(e.Notification.ToString()).Text(": message-id=<").Foreign(e.HeaderMessageId.Trim('<', '>')).Text(">\n");
                Service(e, "bounce", line).Text(e.Id.ToString()).Text(e.To.LocalPart == "postmaster" ? ": postmaster " : ": sender ")
                    .Text(e.Kind switch { "delayed" => "delay", "failed" => "non-delivery", _ => "delivery status" }).Text(" notification: ").Text(e.Notification.ToString());
                return true;
            case NotificationDropped e: Service(e, "bounce", line).Text(e.Id.ToString()).Text(": no notification: ").Visible(e.Reason); return true;
            case MessageHeld e when e.ByOperator: Service(e, "postsuper", line).Text(e.Id.ToString()).Text(": placed on hold"); return true;
            // The restriction or check that held it has told why.
            case MessageHeld: return true;
            // The queue manager tells that it comes back.
            case MessageOperated { What: "expired" }: return true;
            case MessageOperated e: Service(e, "postsuper", line).Text(e.Id.ToString()).Text(": ").Text(e.What); return true;
            case MessageRemoved e:
                Service(e, e.ByOperator ? "postsuper" : "qmgr", line).Text(e.Id.ToString()).Text(": removed");
                if (e.Reason is not ("" or "done" or "removed by the operator"))
                    line.Text(" (").Foreign(e.Reason).Text(")");
                return true;
            default: return false;
        }
    }

    private void WriteDaemon(MailEvent mailEvent, LogLine line)
    {
        switch (mailEvent)
        {
            case DaemonStarted e: Service(e, "master", line).Text("daemon started -- version ").Text(e.Version).Text(", configuration ").Text(e.Configuration); break;
            case DaemonStopping e: Service(e, "master", line).Text(e.Reason == "SIGTERM" ? "terminating on signal 15" : "terminating: " + e.Reason); break;
            case ConfigurationReloaded e:
                Service(e, "master", line).Text(e.Success ? "reload -- version " + e.Version + ", configuration " : "warning: reload failed, the old configuration stays: ").Text(e.Configuration);
                if (e.Detail.Length > 0)
                    line.Text(": ").Visible(e.Detail);
                break;
            case CertificateChanged e: Service(e, "tlsmgr", line).Foreign(e.Words); break;
        }
    }

    private LogLine Start(MailEvent e, LogLine line)
    {
        DateTimeOffset at = e.At.ToLocalTime();
        return line.Date(at, at.Day < 10 ? "MMM  d HH:mm:ss" : "MMM d HH:mm:ss").Text(" ").Text(_host);
    }

    private LogLine Head(MailEvent e, string tag, LogLine line) => Start(e, line).Text(tag).Text("[").Number(Environment.ProcessId).Text("]: ");

    private LogLine Service(MailEvent e, string program, LogLine line) => Start(e, line).Text(_log.Name).Text("/").Text(program).Text("[").Number(Environment.ProcessId).Text("]: ");

    private LogLine Queue(MailEvent e, MessageId id, LogLine line) => Service(e, "qmgr", line).Text(id.ToString()).Text(": ");

    private string Tag(string service, string program) => service.Length > 0 ? service : _log.Name + "/" + program;

    private void WriteBegun(MessageBegun e, LogLine line)
    {
        string id = e.Id.ToString();
        if (e.Client.IsLocal)
            Service(e, "pickup", line).Text(id).Text(": uid=").Number(e.Client.LocalUid ?? 0).Text(" from=<").Foreign(e.ReversePath.ToString()).Text(">");
        else
            PostfixSessionLines.Peer(Head(e, Tag(e.Service, "smtpd"), line).Text(id).Text(": client="), e.Client.Address, e.Client.HostName);
        if (e.Client.Login is null)
            return;
        if (e.Mechanism is not null)
            line.Text(", sasl_method=").Text(e.Mechanism);
        line.Text(", sasl_username=").Foreign(e.Client.Login);
    }

    private void WriteDelivery(DeliveryAttempted e, LogLine line)
    {
        bool local = e.Method.Length > 0;
        Head(e, Tag(e.Service, local ? "local" : e.Transport), line).Text(e.Envelope.Id.ToString()).Text(": to=<").Foreign(e.Recipient.Address.ToString()).Text(">");
        if (!e.Recipient.Address.Equals(e.Recipient.Original))
            line.Text(", orig_to=<").Foreign(e.Recipient.Original.ToString()).Text(">");
        // Who gave no connection relayed nothing.
        string? peer = e.Outcome.Text.StartsWith("connect to ", StringComparison.Ordinal) ? null : e.Outcome.Peer;
        line.Text(", relay=").Foreign(local && e.Relay == "none" ? "local" : peer ?? e.Relay);
        if (e.ConnectionUses > 1)
            line.Text(", conn_use=").Number(e.ConnectionUses);
        line.Text(", delay=").Seconds(e.Age).Text(", delays=").Seconds(e.Delays.Before).Text("/").Seconds(e.Delays.Queue).Text("/").Seconds(e.Delays.Setup).Text("/").Seconds(e.Delays.Transmission)
            .Text(", dsn=").Text(e.Outcome.Status.ToString()).Text(", status=").Text(e.Outcome.Kind switch
            {
                OutcomeKind.Delivered or OutcomeKind.Relayed => "sent",
                OutcomeKind.Deferred => "deferred",
                _ => "bounced",
            }).Text(" (").Visible(local && e.Service.Length == 0 && e.Outcome.Kind == OutcomeKind.Delivered ? "delivered to " + e.Method : e.Outcome.Told).Text(")");
    }

    /// <summary>A match of header_checks or body_checks, or a broken structure, as cleanup(8) tells it.</summary>
    private void WriteContent(ContentNoted e, LogLine line)
    {
        Service(e, "cleanup", line).Text(e.Id.ToString()).Text(": ").Text(e.Action).Text(": ").Text(e.Context).Text(" ").Visible(e.Content).Text(" from ").Foreign(e.Origin)
            .Text("; from=<").Foreign(e.Sender).Text("> to=<").Foreign(e.Recipient).Text(">");
        if (e.Protocol is not null)
            line.Text(" proto=").Text(e.Protocol);
        if (e.Helo is not null)
            line.Text(" helo=<").Foreign(e.Helo).Text(">");
        if (e.Text.Length > 0)
            line.Text(": ").Visible(e.Text);
    }
}
