using System.Collections.Immutable;
using System.Net;

namespace Estafette.Mail;

/// <summary>BODY= of MAIL FROM (RFC 6152, RFC 3030).</summary>
public enum BodyType : byte { SevenBit, EightBitMime, BinaryMime }

/// <summary>RET= of MAIL FROM (RFC 3461 s4.3).</summary>
public enum DsnReturn : byte { Unspecified, Full, Headers }

/// <summary>NOTIFY= of RCPT TO (RFC 3461 s4.1). <see cref="Unspecified"/> means failure, and delay at the server's discretion.</summary>
[Flags]
public enum DsnNotify : byte { Unspecified = 0, Never = 1, Success = 2, Failure = 4, Delay = 8 }

/// <summary>
/// What is known of one accepted message besides its body. Immutable: what happens to it later is kept as
/// <see cref="RecipientProgress"/> beside it, so that the spool never rewrites an envelope.
/// </summary>
public sealed record Envelope
{
    public required MessageId Id { get; init; }
    public required DateTimeOffset Received { get; init; }
    public required MailAddress ReversePath { get; init; }
    public required ImmutableArray<Recipient> Recipients { get; init; }
    public required ClientInfo Client { get; init; }

    /// <summary>Octets of the stored message: trace fields added at reception included, dot-stuffing removed.</summary>
    public long Size { get; init; }

    public BodyType Body { get; init; }
    public bool SmtpUtf8 { get; init; }
    public DsnReturn Return { get; init; }

    /// <summary>ENVID= still in xtext, as received (RFC 3461 s4.4); null when absent.</summary>
    public string? DsnEnvelopeId { get; init; }

    /// <summary>Marked as junk by a filter.</summary>
    public bool Junk { get; init; }

    /// <summary>The original sender whose failure notification this message is; null for other mail. A notification never causes another.</summary>
    public bool IsNotification { get; init; }

    /// <summary>Held by policy at reception: it waits until an operator releases it.</summary>
    public bool Hold { get; init; }
}

/// <summary>One final recipient, after expansion.</summary>
public sealed record Recipient
{
    /// <summary>The <see cref="Action"/> of an address that an alias has replaced: nothing is delivered to it, but its sender hears of that, as he wished (RFC 3461 s5.2.7.3). No action can have this name.</summary>
    public const string AliasExpanded = "(alias expanded)";

    /// <summary>Random within the message; the second half of OpenSMTPD's envelope id.</summary>
    public required uint Key { get; init; }

    /// <summary>What the client said in RCPT TO, qualified; trace fields and notifications name it.</summary>
    public required MailAddress Original { get; init; }

    /// <summary>The address after expansion: where relayed mail goes, or the local address that was found.</summary>
    public required MailAddress Address { get; init; }

    /// <summary>The action's name. It is looked up again at each attempt, so that a changed route reaches mail that waits.</summary>
    public required string Action { get; init; }

    public required DeliveryTarget Target { get; init; }
    public DsnNotify Notify { get; init; }

    /// <summary>ORCPT= as received, type and xtext (RFC 3461 s4.2); null when absent.</summary>
    public string? DsnOriginalRecipient { get; init; }

    /// <summary>Overrides the envelope's reverse-path for this recipient (<c>owner-list</c>, <c>mail-from</c> of an action); null keeps it.</summary>
    public MailAddress? ReversePath { get; init; }

    /// <summary>The sub-address ("detail" of user+detail); empty when none.</summary>
    public string Detail { get; init; } = "";

    /// <summary>
    /// Where the action takes it: a domain, <c>[host]:port</c>, a socket, or a reason, as transport(5) writes them; empty leaves it to the action. Found anew at each attempt where
    /// maps route; stored only for a route that the message itself was given (a content filter).
    /// </summary>
    public string NextHop { get; init; } = "";
}

/// <summary>What delivery does with a recipient, decided by expansion at RCPT; how it is done stands in the action.</summary>
public abstract record DeliveryTarget
{
    private DeliveryTarget() { }

    /// <summary>Send on to <see cref="Recipient.Address"/>.</summary>
    public sealed record Relay : DeliveryTarget
    {
        public static Relay Instance { get; } = new();
    }

    /// <summary>The action's mailbox, command or LMTP service, as this user of the system or of the action's user table.</summary>
    public sealed record User(string Name) : DeliveryTarget;

    /// <summary>Append to or deliver below a path that an alias file or the user's forward file names.</summary>
    public sealed record File(string Path, string RunAs, TargetSource Source) : DeliveryTarget;

    /// <summary>Feed to a command that an alias file or the user's forward file names.</summary>
    public sealed record Command(string CommandLine, string RunAs, TargetSource Source) : DeliveryTarget;
}

/// <summary>Where a file or command target was written: the privileged side looks there again and trusts nothing else (DESIGN 6).</summary>
public enum TargetSource : byte { AliasTable, ForwardFile, CommandTable }

/// <summary>Who handed the message in, as trace fields, rules and logs tell it.</summary>
public sealed record ClientInfo
{
    /// <summary>Sixteen hex digits that link all lines of one session (O19).</summary>
    public required ulong SessionId { get; init; }

    /// <summary>Null for local submission.</summary>
    public IPAddress? Address { get; init; }
    public int Port { get; init; }

    /// <summary>The verified reverse name; null when there is none.</summary>
    public string? HostName { get; init; }
    public string Helo { get; init; } = "";

    /// <summary>SMTP, ESMTP, ESMTPS, ESMTPA, ESMTPSA, UTF8SMTP...: the protocol word of the Received field (RFC 3848, RFC 6531).</summary>
    public string Protocol { get; init; } = "SMTP";

    /// <summary>The authenticated login; null when none.</summary>
    public string? Login { get; init; }

    /// <summary>The uid of a local submitter, told by the kernel (SO_PEERCRED); null for network clients.</summary>
    public uint? LocalUid { get; init; }

    public string? TlsProtocol { get; init; }
    public string? TlsCipher { get; init; }
    public int TlsBits { get; init; }

    /// <summary>The tag of the listener the client came through; empty when it has none.</summary>
    public string Tag { get; init; } = "";

    public bool IsLocal => Address is null;
}
