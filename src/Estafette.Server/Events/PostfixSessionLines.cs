using Estafette.Config.Model;

namespace Estafette.Events;

/// <summary>The lines of smtpd(8) about sessions. A local program's session has none: pickup(8) takes such mail without a word but for the message.</summary>
internal sealed class PostfixSessionLines(LogConfig log, Func<MailEvent, string, LogLine, LogLine> head)
{
    public void Write(SessionEvent mailEvent, LogLine line)
    {
        switch (mailEvent)
        {
            case SessionOpened { Address: not null } e: Peer(Head(e, line).Text("connect from "), e.Address, e.HostName); break;
            case SessionClosed { Address: not null } e: WriteEnd(e, line); break;
            case TlsStarted e when log.ServerTls: WriteTls(e, line); break;
            case TlsFailed e: Peer(Head(e, line).Text("SSL_accept error from "), e.Address, e.HostName).Text(": ").Visible(e.Reason); break;
            case AuthenticationResult e when !e.Success:
                Peer(Head(e, line).Text("warning: "), e.Address, e.HostName).Text(": SASL ").Text(e.Mechanism).Text(" authentication failed: authentication failure");
                if (e.Login.Length > 0)
                    line.Text(", sasl_username=").Foreign(e.Login);
                break;
            case AuthenticationUnavailable e:
                Peer(Head(e, line).Text("warning: SASL ").Text(e.Mechanism).Text(" authentication undecided for "), e.Address, e.HostName).Text(": ").Visible(e.Reason);
                break;
            case CommandRefused e: WriteRefusal(e, line); break;
            case CommandNoted e:
                Peer(Head(e, line).Text("NOQUEUE: ").Text(e.Action).Text(": ").Text(e.Stage).Text(" from "), e.Address, e.HostName).Text(": ").Visible(e.Text);
                Envelope(line, e.ReversePath, e.Recipient, e.Protocol, e.Helo);
                break;
            case ProtocolAbuse e: WriteAbuse(e, line); break;
        }
    }

    public static LogLine Peer(LogLine line, System.Net.IPAddress? address, string? name) =>
        address is null ? line.Text("localhost[local]") : line.Foreign(name ?? "unknown").Text("[").Text(address.ToString()).Text("]");

    private LogLine Head(SessionEvent e, LogLine line) => head(e, e.Service.Length > 0 ? e.Service : log.Name + "/smtpd", line);

    private void WriteEnd(SessionClosed e, LogLine line)
    {
        string? how = e.Reason switch { "disconnect" or "tls-failed" => "lost connection", "timeout" => "timeout", "too-many-errors" => "too many errors", _ => null };
        if (how is not null)
        {
            Head(e, line).Text(how).Text(" after ").Text(e.Stage);
            if (e.Unfinished is long octets)
                line.Text(" (").Number(octets).Text(" bytes)");
            Peer(line.Text(" from "), e.Address, e.HostName).Text("\n");
        }
        Peer(Head(e, line).Text("disconnect from "), e.Address, e.HostName);
        foreach (CommandCount count in e.Commands)
        {
            line.Text(" ").Text(count.Verb).Text("=").Number(count.Done);
            if (count.Done != count.All || count.All == 0)
                line.Text("/").Number(count.All);
        }
    }

    private void WriteTls(TlsStarted e, LogLine line)
    {
        Peer(Head(e, line).Text(e.Client is null ? "Anonymous" : e.Client.IsVerified ? "Trusted" : "Untrusted").Text(" TLS connection established from "), e.Address, e.HostName)
            .Text(": ").Text(e.Protocol).Text(" with cipher ").Text(e.Cipher).Text(" (").Number(e.Bits).Text("/").Number(e.Bits).Text(" bits)");
        if (e.Client is not { } client)
            return;
        line.Text("\n");
        Peer(Head(e, line), e.Address, e.HostName).Text(": subject_CN=").Foreign(client.CommonName).Text(", issuer=").Foreign(client.IssuerName).Text(", fingerprint=").Text(client.Fingerprint)
            .Text(", pkey_fingerprint=").Text(client.KeyFingerprint).Text(", valid until ").Date(client.NotAfter, "yyyy-MM-dd");
        if (!client.IsVerified)
            line.Text(", not verified: ").Foreign(client.Distrust);
    }

    /// <summary>Errors of syntax or order have no line, as with smtpd(8); what ends the session for them has one.</summary>
    private void WriteRefusal(CommandRefused e, LogLine line)
    {
        string stage = e.Stage ?? e.Command.Split(' ', ':')[0].ToUpperInvariant();
        if (e.Rule.Length == 0 && stage == "END-OF-MESSAGE")
        {
            // Content is told by its check; a size is found out only here.
            if (e.Reply.StartsWith("552 ", StringComparison.Ordinal))
                Head(e, line).Text("warning: NOQUEUE: queue file size limit exceeded");
            return;
        }
        if (e.Rule.Length == 0 && !IsVerdict(e.Reply))
            return;
        Peer(Head(e, line).Text("NOQUEUE: reject: ").Text(stage).Text(" from "), e.Address, e.HostName).Text(": ");
        Reply(e, line);
        Envelope(line, e.ReversePath, e.Recipient, e.Protocol, e.Helo);
        line.Text(e.Rule.Length == 0 || log.IsOriginal ? "" : "; rule=" + e.Rule);
    }

    private static bool IsVerdict(string reply) =>
        reply.Length > 4 && reply[..3] is "450" or "451" or "452" or "454" or "550" or "552" or "553" or "554" or "556" && !reply.AsSpan(4).StartsWith("5.5.1 ", StringComparison.Ordinal)
        && !reply.AsSpan(4).StartsWith("4.5.3 ", StringComparison.Ordinal);

    private static void Envelope(LogLine line, string? sender, string? recipient, string protocol, string helo)
    {
        line.Text(";");
        if (sender is not null)
            line.Text(" from=<").Foreign(sender).Text(">");
        if (recipient is not null)
            line.Text(" to=<").Foreign(recipient).Text(">");
        line.Text(" proto=").Text(protocol);
        if (helo.Length > 0)
            line.Text(" helo=<").Foreign(helo).Text(">");
    }

    private void WriteAbuse(ProtocolAbuse e, LogLine line)
    {
        if (e.What == ProtocolAbuse.Pipelining)
            Peer(Head(e, line).Text("improper command pipelining after ").Text(e.Said).Text(" from "), e.Address, e.HostName);
        else if (e.Said.Length > 0)
            Peer(Head(e, line).Text("warning: non-SMTP command from "), e.Address, e.HostName).Text(": ").Visible(e.Said);
        else
            Peer(Head(e, line).Text("warning: abuse from "), e.Address, e.HostName).Text(": ").Visible(e.What);
    }

    /// <summary>An unknown recipient gets the words before ours that fail2ban's filter <c>postfix</c> (1.0) counts; it passes over a bare code.</summary>
    private static void Reply(CommandRefused e, LogLine line)
    {
        const string unknown = "550 5.1.1 ";
        if (e.Recipient is null || !e.Reply.StartsWith(unknown, StringComparison.Ordinal) || e.Reply.AsSpan(unknown.Length).StartsWith("<", StringComparison.Ordinal))
            line.Visible(e.Reply);
        else
            line.Text(unknown).Text("<").Foreign(e.Recipient).Text(">: Recipient address rejected: User unknown: ").Visible(e.Reply[unknown.Length..]);
    }
}
