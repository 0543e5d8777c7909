using System.Buffers;
using System.Text.Json;
using Estafette.Mail;

namespace Estafette.Events;

/// <summary>One JSON object a line, for machines: <c>time</c>, <c>event</c>, then the event's own fields, ids always under the same names.</summary>
public sealed class JsonLogFormat : LogFormat
{
    private readonly ArrayBufferWriter<byte> _buffer = new(512);

    public override void Write(MailEvent mailEvent, LogLine line)
    {
        _buffer.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(_buffer))
        {
            json.WriteStartObject();
            json.WriteString("time", mailEvent.At.UtcDateTime);
            json.WriteString("event", JsonNamingPolicy.SnakeCaseLower.ConvertName(mailEvent.GetType().Name));
            if (mailEvent is SessionEvent session)
                json.WriteString("session", session.Session.ToString("x16", System.Globalization.CultureInfo.InvariantCulture));
            Fields(mailEvent, json);
            json.WriteEndObject();
        }
        line.Text(System.Text.Encoding.UTF8.GetString(_buffer.WrittenSpan));
    }

    private static void Fields(MailEvent mailEvent, Utf8JsonWriter json)
    {
        switch (mailEvent)
        {
            case SessionOpened e:
                Client(json, e.Address, e.HostName);
                json.WriteString("listener", e.Listener);
                if (e.LocalUid is uint uid)
                    json.WriteNumber("uid", uid);
                break;
            case SessionClosed e:
                Client(json, e.Address, e.HostName);
                json.WriteString("reason", e.Reason);
                json.WriteNumber("messages", e.Messages);
                json.WriteNumber("errors", e.Errors);
                json.WriteNumber("seconds", Math.Round(e.Duration.TotalSeconds, 3));
                break;
            case TlsStarted e:
                Client(json, e.Address, e.HostName);
                json.WriteString("protocol", e.Protocol);
                json.WriteString("cipher", e.Cipher);
                json.WriteNumber("bits", e.Bits);
                if (e.Client is { } certificate)
                    Certificate(json, certificate);
                break;
            case TlsFailed e:
                Client(json, e.Address, e.HostName);
                json.WriteString("reason", e.Reason);
                break;
            case AuthenticationResult e:
                Client(json, e.Address, e.HostName);
                json.WriteString("mechanism", e.Mechanism);
                json.WriteString("login", e.Login);
                json.WriteBoolean("success", e.Success);
                break;
            case AuthenticationUnavailable e:
                Client(json, e.Address, e.HostName);
                json.WriteString("mechanism", e.Mechanism);
                json.WriteString("reason", e.Reason);
                break;
            case CommandRefused e:
                Client(json, e.Address, e.HostName);
                json.WriteString("command", e.Command);
                json.WriteString("reply", e.Reply);
                json.WriteString("rule", e.Rule);
                break;
            case ProtocolAbuse e:
                Client(json, e.Address, e.HostName);
                json.WriteString("what", e.What);
                break;
            case MessageAccepted e: Accepted(e, json); break;
            case RecipientScheduled e:
                Ids(json, e.Id, e.RecipientKey);
                json.WriteString("transport", e.Transport);
                break;
            case ContentNoted e:
                Ids(json, e.Id, null);
                json.WriteString("action", e.Action);
                json.WriteString("context", e.Context);
                json.WriteString("content", e.Content);
                json.WriteString("origin", e.Origin);
                json.WriteString("from", e.Sender);
                json.WriteString("to", e.Recipient);
                json.WriteString("text", e.Text);
                break;
            case DeliveryAttempted e: Delivery(e, json); break;
            case RelayTlsStarted e:
                json.WriteString("peer", e.Peer);
                json.WriteString("trust", e.Trust.ToString().ToLowerInvariant());
                json.WriteString("protocol", e.Protocol);
                json.WriteString("cipher", e.Cipher);
                json.WriteNumber("bits", e.Bits);
                break;
            case RelayHostDown e:
                json.WriteString("peer", e.Peer);
                json.WriteString("reason", e.Reason);
                json.WriteNumber("pause", (long)e.Pause.TotalSeconds);
                break;
            case RelayHostReturned e: json.WriteString("peer", e.Peer); break;
            case MessageForwarded e:
                json.WriteString("id", e.Id.ToString());
                json.WriteString("onward", e.Onward.Id.ToString());
                break;
            case NotificationQueued e:
                Ids(json, e.Id, null);
                json.WriteString("notification", e.Notification.ToString());
                json.WriteString("kind", e.Kind);
                json.WriteString("to", e.To.ToString());
                break;
            case NotificationDropped e: Reason(json, e.Id, e.Reason); break;
            case MessageBegun e:
                Ids(json, e.Id, null);
                Client(json, e.Client.Address, e.Client.HostName);
                break;
            case MessageActivated e: Ids(json, e.Envelope.Id, null); break;
            case MessageFinished e: Ids(json, e.Id, null); break;
            case MessageOperated e: Reason(json, e.Id, e.What); break;
            case RelayConnectFailed e:
                json.WriteString("peer", e.Peer);
                json.WriteString("reason", e.Reason);
                break;
            case CommandNoted e:
                Client(json, e.Address, e.HostName);
                json.WriteString("action", e.Action);
                json.WriteString("stage", e.Stage);
                json.WriteString("text", e.Text);
                break;
            case MessageExpired e: Reason(json, e.Id, "expired"); break;
            case MessageHeld e: Reason(json, e.Id, e.Reason); break;
            case MessageRemoved e: Reason(json, e.Id, e.Reason); break;
            case DaemonStarted e:
                json.WriteString("version", e.Version);
                json.WriteString("configuration", e.Configuration);
                break;
            case DaemonStopping e: json.WriteString("reason", e.Reason); break;
            case ConfigurationReloaded e:
                json.WriteString("configuration", e.Configuration);
                json.WriteBoolean("success", e.Success);
                json.WriteString("detail", e.Detail);
                break;
            case CertificateChanged e:
                json.WriteString("name", e.Name);
                json.WriteString("subject", e.Subject);
                json.WriteString("not_after", e.NotAfter);
                json.WriteString("fingerprint", e.Fingerprint);
                break;
            case OperatorWarning e:
                json.WriteString("subsystem", e.Subsystem);
                json.WriteString("text", e.Text);
                break;
            case ToolLine e:
                json.WriteString("tag", e.Tag);
                json.WriteString("severity", e.Severity);
                json.WriteString("text", e.Text);
                break;
            case TraceLine e:
                json.WriteString("subsystem", e.Subsystem);
                json.WriteString("text", e.Text);
                break;
        }
    }

    private static void Ids(Utf8JsonWriter json, MessageId id, uint? recipient)
    {
        json.WriteString("id", id.ToString());
        json.WriteString("msgid", id.Short);
        if (recipient is uint key)
            json.WriteString("evpid", id.EnvelopeId(key));
    }

    private static void Reason(Utf8JsonWriter json, MessageId id, string reason)
    {
        Ids(json, id, null);
        json.WriteString("reason", reason);
    }

    private static void Client(Utf8JsonWriter json, System.Net.IPAddress? address, string? name)
    {
        json.WriteString("client", address?.ToString() ?? "local");
        if (name is not null)
            json.WriteString("client_name", name);
    }

    private static void Certificate(Utf8JsonWriter json, ClientCertificate certificate)
    {
        json.WriteStartObject("client_certificate");
        json.WriteBoolean("verified", certificate.IsVerified);
        if (certificate.IsVerified)
            json.WriteString("anchor", certificate.Anchor);
        else
            json.WriteString("reason", certificate.Distrust);
        json.WriteString("subject", certificate.Subject);
        json.WriteString("issuer", certificate.Issuer);
        json.WriteString("not_after", certificate.NotAfter.UtcDateTime);
        json.WriteString("sha256", certificate.Fingerprint);
        json.WriteString("key_sha256", certificate.KeyFingerprint);
        json.WriteEndObject();
    }

    private static void Accepted(MessageAccepted e, Utf8JsonWriter json)
    {
        Ids(json, e.Envelope.Id, null);
        json.WriteString("session", e.Envelope.Client.SessionId.ToString("x16", System.Globalization.CultureInfo.InvariantCulture));
        Client(json, e.Envelope.Client.Address, e.Envelope.Client.HostName);
        json.WriteString("from", e.Envelope.ReversePath.ToString());
        json.WriteStartArray("to");
        foreach (MailAddress recipient in e.GivenRecipients)
            json.WriteStringValue(recipient.ToString());
        json.WriteEndArray();
        json.WriteNumber("size", e.Envelope.Size);
        json.WriteNumber("recipients", e.Envelope.Recipients.Length);
        json.WriteString("protocol", e.Envelope.Client.Protocol);
        json.WriteString("message_id", e.HeaderMessageId);
        if (e.Envelope.Client.Login is string login)
            json.WriteString("login", login);
    }

    private static void Delivery(DeliveryAttempted e, Utf8JsonWriter json)
    {
        Ids(json, e.Envelope.Id, e.Recipient.Key);
        json.WriteString("from", (e.Recipient.ReversePath ?? e.Envelope.ReversePath).ToString());
        json.WriteString("to", e.Recipient.Original.ToString());
        json.WriteString("recipient", e.Recipient.Address.ToString());
        json.WriteString("transport", e.Transport);
        json.WriteString("next_hop", e.NextHop);
        if (e.Method.Length > 0)
        {
            json.WriteString("method", e.Method);
            json.WriteString("user", e.User);
        }
        json.WriteString("result", JsonNamingPolicy.SnakeCaseLower.ConvertName(e.Outcome.Kind.ToString()));
        json.WriteString("status", e.Outcome.Status.ToString());
        json.WriteString("text", e.Outcome.Text);
        if (e.Outcome.Peer is string peer)
            json.WriteString("peer", peer);
        json.WriteNumber("age", Math.Round(e.Age.TotalSeconds, 3));
        if (e.NextAttempt is DateTimeOffset next)
            json.WriteString("next_attempt", next.UtcDateTime);
    }
}
