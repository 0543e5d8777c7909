using Estafette.Mail;

namespace Estafette.Events;

/// <summary>The lines of OpenSMTPD as rows O19 to O22 show them: session and envelope ids link all lines of one message.</summary>
public sealed class OpenSmtpdLogFormat : LogFormat
{
    public override bool WantsSteps => false;

    public override void Write(MailEvent mailEvent, LogLine line)
    {
        switch (mailEvent)
        {
            case SessionEvent e: WriteSession(e, line); break;
            case MessageAccepted e: WriteAccepted(e, line); break;
            case DeliveryAttempted e: WriteDelivery(e, line); break;
            case RecipientScheduled e:
                line.Text("debug: scheduler: evp:").Text(e.Id.EnvelopeId(e.RecipientKey)).Text(" scheduled (").Text(e.Transport).Text(")");
                break;
            case NotificationQueued e:
                line.Text("bounce: ").Text(e.Kind).Text(" notification ").Text(e.Notification.Short).Text(" for ").Text(e.Id.Short)
                    .Text(" to <").Foreign(e.To.ToString()).Text(">");
                break;
            case NotificationDropped e:
                line.Text("bounce: no notification for ").Text(e.Id.Short).Text(": ").Foreign(e.Reason);
                break;
            case MessageExpired e:
                line.Text("scheduler: message ").Text(e.Id.Short).Text(" expired: from=<").Foreign(e.ReversePath.ToString()).Text(">");
                break;
            case MessageHeld e: line.Text("scheduler: message ").Text(e.Id.Short).Text(" held: ").Foreign(e.Reason); break;
            case MessageOperated e: line.Text("scheduler: message ").Text(e.Id.Short).Text(" ").Text(e.What); break;
            case MessageRemoved e: line.Text("scheduler: message ").Text(e.Id.Short).Text(" removed: ").Foreign(e.Reason); break;
            case DaemonStarted e: line.Text("info: Estafette ").Text(e.Version).Text(" starting, configuration ").Text(e.Configuration); break;
            case DaemonStopping e: line.Text("info: stopping: ").Text(e.Reason); break;
            case ConfigurationReloaded e:
                line.Text(e.Success ? "info: configuration reloaded from " : "warn: configuration NOT reloaded from ").Text(e.Configuration);
                if (e.Detail.Length > 0)
                    line.Text(": ").Foreign(e.Detail);
                break;
            case CertificateChanged e: line.Text("info: ").Foreign(e.Words); break;
            case RelayTlsStarted e:
                line.Text("smtp-out: ").Text(e.Trust.ToString()).Text(" TLS connection established to ").Foreign(e.Peer).Text(": version=").Text(e.Protocol)
                    .Text(", cipher=").Text(e.Cipher).Text(", bits=").Number(e.Bits);
                break;
            case RelayHostDown e:
                line.Text("smtp-out: relay host ").Foreign(e.Peer).Text(" rests for ").Number((long)e.Pause.TotalSeconds).Text(" s: ").Foreign(e.Reason);
                break;
            case RelayHostReturned e: line.Text("smtp-out: relay host ").Foreign(e.Peer).Text(" is back"); break;
            case OperatorWarning e: line.Text("warn: ").Text(e.Subsystem).Text(": ").Foreign(e.Text); break;
            case ToolLine e: line.Foreign(e.Tag).Text(": ").Text(e.Severity == "info" ? "" : e.Severity + ": ").Foreign(e.Text); break;
            case TraceLine e: line.Text(e.Text.StartsWith("debug: ", StringComparison.Ordinal) ? "" : "debug: ").Visible(e.Text); break;
        }
    }

    private static void WriteSession(SessionEvent mailEvent, LogLine line)
    {
        switch (mailEvent)
        {
            case SessionOpened e:
                line.Text("smtp-in: New session ").Hex16(e.Session).Text(" from host ");
                if (e.Address is null)
                    line.Number(e.LocalUid ?? 0).Text("@localhost [local]");
                else
                    (e.HostName is null ? line.Text("<unknown>") : line.Foreign(e.HostName)).Text(" [").Text(e.Address.ToString()).Text("]");
                break;
            case SessionClosed e:
                line.Text("smtp-in: Closing session ").Hex16(e.Session);
                if (e.Reason != "quit")
                    line.Text(": ").Foreign(e.Reason);
                break;
            case TlsStarted e:
                line.Text("smtp-in: Started TLS on session ").Hex16(e.Session).Text(": version=").Text(e.Protocol).Text(", cipher=").Text(e.Cipher)
                    .Text(", bits=").Number(e.Bits);
                if (e.Client is { } client)
                {
                    line.Text(", client-certificate=").Text(client.IsVerified ? "verified" : "unverified");
                    if (client.Anchor.Length > 0)
                        line.Text(" by ").Foreign(client.Anchor);
                    line.Text(" subject=").Quoted(client.Subject).Text(" issuer=").Quoted(client.Issuer).Text(" until=").Date(client.NotAfter, "yyyy-MM-dd").Text(" sha256=").Text(client.Fingerprint);
                    if (!client.IsVerified)
                        line.Text(" reason=").Quoted(client.Distrust);
                }
                break;
            case TlsFailed e:
                line.Text("smtp-in: TLS failed on session ").Hex16(e.Session);
                if (e.Address is not null)
                    line.Text(" from host ").Foreign(e.HostName ?? "<unknown>").Text(" [").Text(e.Address.ToString()).Text("]");
                line.Text(": ").Foreign(e.Reason);
                break;
            case AuthenticationResult e:
                line.Text(e.Success ? "smtp-in: Accepted" : "smtp-in: Failed").Text(" authentication for user \"").Foreign(e.Login).Text("\" on session ").Hex16(e.Session)
                    .Text(" by ").Text(e.Mechanism);
                if (e.Address is not null)
                    line.Text(" from host [").Text(e.Address.ToString()).Text("]");
                break;
            case AuthenticationUnavailable e:
                line.Text("smtp-in: Undecided authentication on session ").Hex16(e.Session).Text(" by ").Text(e.Mechanism).Text(": ").Foreign(e.Reason);
                if (e.Address is not null)
                    line.Text("; host=[").Text(e.Address.ToString()).Text("]");
                break;
            case CommandRefused e:
                line.Text("smtp-in: Failed command on session ").Hex16(e.Session).Text(": ").Quoted(e.Command).Text(" => ").Visible(e.Reply);
                if (e.Address is not null)
                    line.Text("; host=[").Text(e.Address.ToString()).Text("]");
                line.Text(Rule(e.Rule));
                break;
            case ProtocolAbuse e:
                line.Text("smtp-in: Abuse on session ").Hex16(e.Session).Text(": ").Foreign(e.What);
                if (e.Address is not null)
                    line.Text("; host=[").Text(e.Address.ToString()).Text("]");
                break;
        }
    }

    private static void WriteAccepted(MessageAccepted e, LogLine line)
    {
        Envelope envelope = e.Envelope;
        line.Text("smtp-in: Accepted message ").Text(envelope.Id.Short).Text(" on session ").Hex16(envelope.Client.SessionId)
            .Text(": from=<").Foreign(envelope.ReversePath.ToString()).Text(">");
        if (e.GivenRecipients.Length == 1)
            line.Text(", to=<").Foreign(e.GivenRecipients[0].ToString()).Text(">");
        line.Text(", size=").Number(envelope.Size).Text(", ndest=").Number(e.GivenRecipients.Length).Text(", proto=").Text(envelope.Client.Protocol);
    }

    private static void WriteDelivery(DeliveryAttempted e, LogLine line)
    {
        (string verb, string stat) = e.Outcome.Kind switch
        {
            OutcomeKind.Delivered => ("Ok", "Delivered"),
            OutcomeKind.Relayed => ("Ok", e.Outcome.Text),
            OutcomeKind.Deferred => ("TempFail", e.Outcome.Text),
            _ => ("PermFail", e.Outcome.Text),
        };
        line.Text(e.Outcome.Kind == OutcomeKind.Relayed ? "relay: " : "delivery: ").Text(verb).Text(" for ").Text(e.Envelope.Id.EnvelopeId(e.Recipient.Key))
            .Text(": from=<").Foreign((e.Recipient.ReversePath ?? e.Envelope.ReversePath).ToString()).Text(">, to=<").Foreign(e.Recipient.Original.ToString()).Text(">, ");
        if (e.Recipient.Target is DeliveryTarget.Relay && !e.Recipient.Address.Equals(e.Recipient.Original))
            line.Text("rcpt=<").Foreign(e.Recipient.Address.ToString()).Text(">, ");
        if (e.Method.Length > 0)
            line.Text("user=").Foreign(e.User).Text(", method=").Text(e.Method);
        else
            line.Text("relay=").Foreign(e.Outcome.Peer ?? e.NextHop);
        line.Text(", delay=").Number((long)Math.Max(0, e.Age.TotalSeconds)).Text("s, stat=").Visible(stat);
    }
}
