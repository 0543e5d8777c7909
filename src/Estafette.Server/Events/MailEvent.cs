using System.Collections.Immutable;
using System.Net;
using Estafette.Mail;

namespace Estafette.Events;

/// <summary>Something that happened to mail, as a value. Text from outside is raw here; each log style escapes it (E55).</summary>
public abstract record MailEvent
{
    public required DateTimeOffset At { get; init; }
}

/// <summary>Events of one SMTP session; <paramref name="Session"/> links its lines (O19).</summary>
public abstract record SessionEvent(ulong Session) : MailEvent
{
    /// <summary>What lines of the Postfix style begin with: <c>postfix/submission/smtpd</c>; empty for the usual.</summary>
    public string Service { get; init; } = "";
}

public sealed record SessionOpened(ulong Session, IPAddress? Address, int Port, string? HostName, uint? LocalUid, string Listener) : SessionEvent(Session);

/// <summary>How often a client said a command, and how often that was answered well.</summary>
public readonly record struct CommandCount(string Verb, int Done, int All);

public sealed record SessionClosed(ulong Session, string Reason, int Messages, int Errors, TimeSpan Duration) : SessionEvent(Session)
{
    /// <summary>What the client said last: a command's verb, CONNECT, UNKNOWN or END-OF-MESSAGE.</summary>
    public string Stage { get; init; } = "CONNECT";

    /// <summary>Octets of a message that was not finished; null outside of one.</summary>
    public long? Unfinished { get; init; }
    public ImmutableArray<CommandCount> Commands { get; init; } = [];
    public IPAddress? Address { get; init; }
    public string? HostName { get; init; }
}

public sealed record TlsStarted(ulong Session, string Protocol, string Cipher, int Bits) : SessionEvent(Session)
{
    public IPAddress? Address { get; init; }
    public string? HostName { get; init; }

    /// <summary>Null where none was shown.</summary>
    public ClientCertificate? Client { get; init; }
}

public sealed record TlsFailed(ulong Session, string Reason) : SessionEvent(Session)
{
    public IPAddress? Address { get; init; }
    public string? HostName { get; init; }
}

public sealed record AuthenticationResult(ulong Session, string Mechanism, string Login, bool Success) : SessionEvent(Session)
{
    public IPAddress? Address { get; init; }
    public string? HostName { get; init; }
}

/// <summary>A login that nobody could decide on: no fault of the client's, so it is not counted against it.</summary>
public sealed record AuthenticationUnavailable(ulong Session, string Mechanism, string Reason) : SessionEvent(Session)
{
    public IPAddress? Address { get; init; }
    public string? HostName { get; init; }
}

/// <summary>A command that was refused; <paramref name="Rule"/> is file:line of what refused it, empty for protocol errors.</summary>
public sealed record CommandRefused(ulong Session, string Command, string Reply, string Rule) : SessionEvent(Session)
{
    public IPAddress? Address { get; init; }
    public string? HostName { get; init; }
    public string Helo { get; init; } = "";
    public string? ReversePath { get; init; }
    public string? Recipient { get; init; }
    public string Protocol { get; init; } = "SMTP";

    /// <summary>Where in the dialogue, if the command does not tell it: END-OF-MESSAGE.</summary>
    public string? Stage { get; init; }
}

/// <summary>What a restriction found about a command without refusing it: <paramref name="Action"/> is warn, hold, discard, filter, redirect, reject_warning ... (access(5)).</summary>
/// <param name="Stage">Where in the dialogue: CONNECT, HELO, MAIL, RCPT, DATA, END-OF-MESSAGE.</param>
/// <param name="Text">What Postfix's smtpd(8) says there.</param>
public sealed record CommandNoted(ulong Session, string Action, string Stage, string Text) : SessionEvent(Session)
{
    public IPAddress? Address { get; init; }
    public string? HostName { get; init; }
    public string Helo { get; init; } = "";
    public string? ReversePath { get; init; }
    public string? Recipient { get; init; }
    public string Protocol { get; init; } = "SMTP";
}

/// <summary>An attack or a broken client: pipelined plaintext after STARTTLS, a smuggling attempt, junk (E1-E7).</summary>
public sealed record ProtocolAbuse(ulong Session, string What) : SessionEvent(Session)
{
    /// <summary>The client goes on before the answer to a command that must be the last of its group (RFC 2920 s3.1); <see cref="Said"/> is that command's verb.</summary>
    public const string Pipelining = "improper command pipelining";

    /// <summary>The client's words, where the event keeps them.</summary>
    public string Said { get; init; } = "";
    public IPAddress? Address { get; init; }
    public string? HostName { get; init; }
}

public sealed record MessageAccepted(Envelope Envelope, string HeaderMessageId) : MailEvent
{
    /// <summary>Recipients as the client named them, before expansion.</summary>
    public ImmutableArray<MailAddress> GivenRecipients { get; init; } = [];
}

/// <summary>A message begins to come in under this id; whether it is accepted is told later. Told only to readers that want steps of the queue.</summary>
public sealed record MessageBegun(MessageId Id, ClientInfo Client, MailAddress ReversePath) : MailEvent
{
    /// <summary>As in <see cref="SessionEvent.Service"/>.</summary>
    public string Service { get; init; } = "";

    /// <summary>The SASL mechanism of the login; null without one.</summary>
    public string? Mechanism { get; init; }
}

/// <summary>A message was sent on as a new one, where an alias or a forward file leads away.</summary>
public sealed record MessageForwarded(MessageId Id, Envelope Onward, string HeaderMessageId) : MailEvent;

/// <summary>A round of attempts begins for a message. Told only to readers that want steps of the queue.</summary>
public sealed record MessageActivated(Envelope Envelope) : MailEvent;

/// <summary>Nothing of a message waits any more. Told only to readers that want steps of the queue.</summary>
public sealed record MessageFinished(MessageId Id) : MailEvent;

/// <summary>Where the time of an attempt went, as Postfix's <c>delays=a/b/c/d</c>: before the queue, in it, until the peer was ready, and transmission.</summary>
public readonly record struct DeliveryDelays(TimeSpan Before, TimeSpan Queue, TimeSpan Setup, TimeSpan Transmission);

/// <summary>The message waits for a delivery of this recipient (scheduler line of O20); <paramref name="Transport"/> is mda, mta or bounce.</summary>
public sealed record RecipientScheduled(MessageId Id, uint RecipientKey, string Transport) : MailEvent;

/// <summary>One attempt ended for one recipient: the line that everybody greps for (O22).</summary>
public sealed record DeliveryAttempted(Envelope Envelope, Recipient Recipient, DeliveryOutcome Outcome, string Transport, string NextHop) : MailEvent
{
    /// <summary>Since the message was received.</summary>
    public required TimeSpan Age { get; init; }
    public DateTimeOffset? NextAttempt { get; init; }

    /// <summary>maildir, mbox, mda, lmtp, file, command; empty for relaying.</summary>
    public string Method { get; init; } = "";
    public string User { get; init; } = "";

    /// <summary>What lines of the Postfix style begin with: <c>postfix/relay/smtp</c>; empty for the usual.</summary>
    public string Service { get; init; } = "";

    /// <summary>What stands for the peer where there is none: <c>local</c>, <c>virtual</c>, a pipe's name, <c>none</c>.</summary>
    public string Relay { get; init; } = "none";
    public DeliveryDelays Delays { get; init; }

    /// <summary>The how-manieth message of its connection this is.</summary>
    public int ConnectionUses { get; init; } = 1;
}

/// <summary>How well a next hop's certificate is known, in the words of Postfix's logs.</summary>
public enum PeerTrust : byte
{
    /// <summary>None was shown.</summary>
    Anonymous,

    /// <summary>Its authority is not trusted.</summary>
    Untrusted,

    /// <summary>Its authority is trusted; the name was not asked about.</summary>
    Trusted,

    /// <summary>It is what the configuration asks for.</summary>
    Verified,
}

/// <summary>A connection to a next hop is encrypted now.</summary>
public sealed record RelayTlsStarted(string Peer, PeerTrust Trust) : MailEvent
{
    public required string Protocol { get; init; }
    public required string Cipher { get; init; }
    public required int Bits { get; init; }
    public string Service { get; init; } = "";
}

/// <summary>A host of a next hop gave no connection, or hung up before it greeted.</summary>
public sealed record RelayConnectFailed(string Peer, string Reason) : MailEvent
{
    public string Service { get; init; } = "";
}

/// <summary>A relay host of the configuration failed and rests; mail takes the next one meanwhile.</summary>
public sealed record RelayHostDown(string Peer, string Reason, TimeSpan Pause) : MailEvent;

/// <summary>A relay host that rested works again.</summary>
public sealed record RelayHostReturned(string Peer) : MailEvent;

public sealed record NotificationQueued(MessageId Id, MessageId Notification, string Kind, MailAddress To) : MailEvent
{
    /// <summary>Of its header, with angle brackets.</summary>
    public string HeaderMessageId { get; init; } = "";
}

/// <summary>A notification that nobody can be sent: a double bounce, dropped with this line (E33).</summary>
public sealed record NotificationDropped(MessageId Id, string Reason) : MailEvent;

public sealed record MessageExpired(MessageId Id, MailAddress ReversePath) : MailEvent
{
    /// <summary>An operator wanted it so (postsuper -e).</summary>
    public bool IsForced { get; init; }
}

public sealed record MessageHeld(MessageId Id, string Reason) : MailEvent
{
    public bool ByOperator { get; init; }
}

/// <summary>An operator did something to a message; <paramref name="What"/> is postsuper(1)'s word: released from hold, requeued, expired.</summary>
public sealed record MessageOperated(MessageId Id, string What) : MailEvent;

public sealed record MessageRemoved(MessageId Id, string Reason) : MailEvent
{
    public bool ByOperator { get; init; }
}

public sealed record DaemonStarted(string Version, string Configuration) : MailEvent;

public sealed record DaemonStopping(string Reason) : MailEvent;

public sealed record ConfigurationReloaded(string Configuration, bool Success, string Detail) : MailEvent
{
    public string Version { get; init; } = "";
}

/// <summary>A certificate is shown from now on in the place of another one.</summary>
public sealed record CertificateChanged(string Name, string Subject, DateTime NotAfter, string Fingerprint) : MailEvent
{
    public string Words => string.Create(
        System.Globalization.CultureInfo.InvariantCulture, $"certificate {Name} is in force: {Subject}, valid until {NotAfter:yyyy-MM-dd HH:mm} UTC, sha256 {Fingerprint}");
}

/// <summary>Something an operator must know: the spool is unhealthy, a table unreadable, a certificate old.</summary>
public sealed record OperatorWarning(string Subsystem, string Text) : MailEvent;

/// <summary>A line that a command of the machine's administrator writes (postlog(1)): its tag with the process number, the severity's word, the text.</summary>
public sealed record ToolLine(string Tag, string Severity, string Text) : MailEvent;

/// <summary>A trace line of one subsystem (O20), published only while that subsystem's trace is on.</summary>
public sealed record TraceLine(string Subsystem, string Text) : MailEvent;
