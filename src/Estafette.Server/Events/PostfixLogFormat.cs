using Estafette.Mail;

namespace Estafette.Events;

/// <summary>Lines as Postfix's programs write them, so that fail2ban, logwatch and pflogsumm read them unchanged (DESIGN 8).</summary>
public sealed class PostfixLogFormat(string hostName, string name) : LogFormat
{
    private readonly string _host = hostName.Length == 0 ? "" : hostName.Split('.')[0] + " ";

    public override void Write(MailEvent mailEvent, LogLine line)
    {
        switch (mailEvent)
        {
            case SessionEvent e: WriteSession(e, line); break;
            case MessageAccepted e: WriteAccepted(e, line); break;
            case ContentNoted e: WriteContent(e, line); break;
            case DeliveryAttempted e: WriteDelivery(e, line); break;
            case MessageForwarded e: Head(e, "cleanup", line).Text(e.Onward.Id.ToString()).Text(": message-id=<").Foreign(e.HeaderMessageId.Trim('<', '>')).Text(">"); break;
            case NotificationQueued e:
                Head(e, "bounce", line).Text(e.Id.ToString()).Text(": sender ").Text(e.Kind switch { "delay" => "delay", "success" => "delivery status", _ => "non-delivery" })
                    .Text(" notification: ").Text(e.Notification.ToString());
                break;
            case NotificationDropped e: Head(e, "bounce", line).Text(e.Id.ToString()).Text(": no notification: ").Foreign(e.Reason); break;
            case MessageExpired e:
                Head(e, "qmgr", line).Text(e.Id.ToString()).Text(": from=<").Foreign(e.ReversePath.ToString()).Text(">, status=expired, returned to sender");
                break;
            case MessageHeld e: Head(e, "qmgr", line).Text(e.Id.ToString()).Text(": hold: ").Foreign(e.Reason); break;
            case MessageRemoved e:
                Head(e, "qmgr", line).Text(e.Id.ToString()).Text(": removed");
                if (e.Reason is not ("" or "done"))
                    line.Text(" (").Foreign(e.Reason).Text(")");
                break;
            case DaemonStarted e: Head(e, "master", line).Text("daemon started -- version ").Text(e.Version).Text(", configuration ").Text(e.Configuration); break;
            case DaemonStopping e: Head(e, "master", line).Text("terminating: ").Text(e.Reason); break;
            case ConfigurationReloaded e:
                Head(e, "master", line).Text(e.Success ? "reload -- configuration " : "warning: reload failed, the old configuration stays: ").Text(e.Configuration);
                if (e.Detail.Length > 0)
                    line.Text(": ").Foreign(e.Detail);
                break;
            case CertificateChanged e: Head(e, "tlsmgr", line).Foreign(e.Words); break;
            case RelayTlsStarted e:
                Head(e, "smtp", line).Text(e.Trust.ToString()).Text(" TLS connection established to ").Foreign(e.Peer).Text(": ").Text(e.Protocol)
                    .Text(" with cipher ").Text(e.Cipher).Text(" (").Number(e.Bits).Text("/").Number(e.Bits).Text(" bits)");
                break;
            case RelayHostDown e:
                Head(e, "smtp", line).Text("relay host ").Foreign(e.Peer).Text(" rests for ").Number((long)e.Pause.TotalSeconds).Text(" s: ").Foreign(e.Reason);
                break;
            case RelayHostReturned e: Head(e, "smtp", line).Text("relay host ").Foreign(e.Peer).Text(" is back"); break;
            case OperatorWarning e: Head(e, e.Subsystem, line).Text("warning: ").Foreign(e.Text); break;
            case ToolLine e: Start(e, line).Foreign(e.Tag).Text(": ").Text(e.Severity == "info" ? "" : e.Severity + ": ").Foreign(e.Text); break;
            case TraceLine e: Head(e, e.Subsystem, line).Visible(e.Text); break;
        }
    }

    private LogLine Head(MailEvent e, string service, LogLine line) =>
        Start(e, line).Text(name).Text("/").Text(service).Text("[").Number(Environment.ProcessId).Text("]: ");

    private LogLine Start(MailEvent e, LogLine line)
    {
        DateTimeOffset at = e.At.ToLocalTime();
        return line.Date(at, at.Day < 10 ? "MMM  d HH:mm:ss" : "MMM d HH:mm:ss").Text(" ").Text(_host);
    }

    private static LogLine Peer(LogLine line, System.Net.IPAddress? address, string? name) =>
        address is null ? line.Text("localhost[local]") : line.Foreign(name ?? "unknown").Text("[").Text(address.ToString()).Text("]");

    private void WriteSession(SessionEvent mailEvent, LogLine line)
    {
        switch (mailEvent)
        {
            case SessionOpened e: Peer(Head(e, "smtpd", line).Text("connect from "), e.Address, e.HostName); break;
            case SessionClosed e:
                if (e.Reason != "quit")
                {
                    Peer(Head(e, "smtpd", line).Text("lost connection (").Foreign(e.Reason).Text(") from "), e.Address, e.HostName);
                    break;
                }
                Peer(Head(e, "smtpd", line).Text("disconnect from "), e.Address, e.HostName).Text(" messages=").Number(e.Messages).Text(" errors=").Number(e.Errors);
                break;
            case TlsStarted e:
                Peer(Head(e, "smtpd", line).Text(e.Client is null ? "Anonymous" : e.Client.IsVerified ? "Trusted" : "Untrusted").Text(" TLS connection established from "), e.Address, e.HostName)
                    .Text(": ").Text(e.Protocol).Text(" with cipher ").Text(e.Cipher).Text(" (").Number(e.Bits).Text("/").Number(e.Bits).Text(" bits)");
                if (e.Client is { } client)
                {
                    line.Text("\n");
                    Peer(Head(e, "smtpd", line), e.Address, e.HostName).Text(": subject_CN=").Foreign(client.CommonName).Text(", issuer=").Foreign(client.IssuerName).Text(", fingerprint=").Text(client.Fingerprint)
                        .Text(", pkey_fingerprint=").Text(client.KeyFingerprint).Text(", valid until ").Date(client.NotAfter, "yyyy-MM-dd");
                    if (!client.IsVerified)
                        line.Text(", not verified: ").Foreign(client.Distrust);
                }
                break;
            case TlsFailed e: Peer(Head(e, "smtpd", line).Text("SSL_accept error from "), e.Address, e.HostName).Text(": ").Foreign(e.Reason); break;
            case AuthenticationResult e when !e.Success:
                Peer(Head(e, "smtpd", line).Text("warning: "), e.Address, e.HostName).Text(": SASL ").Text(e.Mechanism)
                    .Text(" authentication failed: authentication failure, sasl_username=").Foreign(e.Login);
                break;
            case AuthenticationUnavailable e:
                Peer(Head(e, "smtpd", line).Text("warning: SASL ").Text(e.Mechanism).Text(" authentication undecided for "), e.Address, e.HostName).Text(": ").Foreign(e.Reason);
                break;
            case CommandRefused e when e.Rule.Length > 0 || e.Recipient is not null:
                Peer(Head(e, "smtpd", line).Text("NOQUEUE: reject: ").Foreign(e.Command.Split(' ', ':')[0].ToUpperInvariant()).Text(" from "), e.Address, e.HostName).Text(": ");
                Refusal(e, line).Text("; from=<").Foreign(e.ReversePath).Text("> to=<").Foreign(e.Recipient).Text("> proto=").Text(e.Protocol)
                    .Text(" helo=<").Foreign(e.Helo).Text(">").Text(Rule(e.Rule));
                break;
            case CommandRefused e:
                Peer(Head(e, "smtpd", line).Text("improper command from "), e.Address, e.HostName).Text(": ").Quoted(e.Command).Text(": ").Visible(e.Reply);
                break;
            case ProtocolAbuse e: Peer(Head(e, "smtpd", line).Text("warning: abuse from "), e.Address, e.HostName).Text(": ").Foreign(e.What); break;
        }
    }

    private void WriteAccepted(MessageAccepted e, LogLine line)
    {
        ClientInfo client = e.Envelope.Client;
        string id = e.Envelope.Id.ToString();
        if (client.IsLocal)
            Head(e, "pickup", line).Text(id).Text(": uid=").Number(client.LocalUid ?? 0).Text(" from=<").Foreign(e.Envelope.ReversePath.ToString()).Text(">");
        else
            Peer(Head(e, "smtpd", line).Text(id).Text(": client="), client.Address, client.HostName);
        if (client.Login is not null)
            line.Text(", sasl_username=").Foreign(client.Login);
        line.Text("\n");
        Head(e, "cleanup", line).Text(id).Text(": message-id=").Text("<").Foreign(e.HeaderMessageId.Trim('<', '>')).Text(">\n");
        Head(e, "qmgr", line).Text(id).Text(": from=<").Foreign(e.Envelope.ReversePath.ToString()).Text(">, size=").Number(e.Envelope.Size)
            .Text(", nrcpt=").Number(e.Envelope.Recipients.Length).Text(" (queue active)");
    }

    /// <summary>A match of header_checks or body_checks, or a broken structure, as cleanup(8) tells it.</summary>
    private void WriteContent(ContentNoted e, LogLine line)
    {
        Head(e, "cleanup", line).Text(e.Id.ToString()).Text(": ").Text(e.Action).Text(": ").Text(e.Context).Text(" ").Foreign(e.Content).Text(" from ").Foreign(e.Origin)
            .Text("; from=<").Foreign(e.Sender).Text("> to=<").Foreign(e.Recipient).Text(">");
        if (e.Protocol is not null)
            line.Text(" proto=").Text(e.Protocol).Text(" helo=<").Foreign(e.Helo).Text(">");
        if (e.Text.Length > 0)
            line.Text(": ").Foreign(e.Text);
    }

    private void WriteDelivery(DeliveryAttempted e, LogLine line)
    {
        bool local = e.Method.Length > 0;
        Head(e, local ? "local" : e.Transport, line).Text(e.Envelope.Id.ToString()).Text(": to=<").Foreign(e.Recipient.Address.ToString()).Text(">");
        if (!e.Recipient.Address.Equals(e.Recipient.Original))
            line.Text(", orig_to=<").Foreign(e.Recipient.Original.ToString()).Text(">");
        line.Text(", relay=").Foreign(local ? "local" : e.Outcome.Peer ?? "none").Text(", delay=").Seconds(e.Age)
            .Text(", dsn=").Text(e.Outcome.Status.ToString()).Text(", status=").Text(e.Outcome.Kind switch
            {
                OutcomeKind.Delivered or OutcomeKind.Relayed => "sent",
                OutcomeKind.Deferred => "deferred",
                _ => "bounced",
            }).Text(" (").Foreign(e.Outcome.Kind == OutcomeKind.Delivered && e.Method.Length > 0 ? "delivered to " + e.Method : e.Outcome.Text).Text(")");
    }

    /// <summary>An unknown recipient gets the words before ours that fail2ban's filter <c>postfix</c> (1.0) counts; it passes over a bare code.</summary>
    private static LogLine Refusal(CommandRefused e, LogLine line)
    {
        const string unknown = "550 5.1.1 ";
        if (e.Recipient is null || !e.Reply.StartsWith(unknown, StringComparison.Ordinal))
            return line.Visible(e.Reply);
        return line.Text(unknown).Text("<").Foreign(e.Recipient).Text(">: Recipient address rejected: User unknown: ").Visible(e.Reply[unknown.Length..]);
    }
}
