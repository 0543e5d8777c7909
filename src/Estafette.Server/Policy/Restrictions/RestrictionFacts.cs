using System.Net;
using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Policy.Restrictions;

/// <summary>How the look-up of a client's name ended.</summary>
public enum PeerNameState : byte
{
    Found,

    /// <summary>The name server could not say.</summary>
    Unsure,
    None,

    /// <summary>The address has a name that does not lead back to it.</summary>
    Forged,
}

/// <summary>What a session knows when a restriction list is asked; null for what has not been said yet.</summary>
public sealed record RestrictionFacts
{
    public const string UnknownName = "unknown";

    public required IPAddress Address { get; init; }

    /// <summary>The confirmed name, or <c>unknown</c>.</summary>
    public string ClientName { get; init; } = UnknownName;

    /// <summary>What the reverse zone says, confirmed or not; or <c>unknown</c>.</summary>
    public string ReverseName { get; init; } = UnknownName;
    public PeerNameState NameState { get; init; } = PeerNameState.None;
    public string? Helo { get; init; }
    public string? Login { get; init; }

    /// <summary>The listener offers AUTH.</summary>
    public bool LoginsOffered { get; init; }
    public bool Tls { get; init; }
    public ClientCertificate? Certificate { get; init; }

    /// <summary>The client sent more than it may before it was answered (RFC 2920).</summary>
    public bool SpokeTooEarly { get; init; }
    public MailAddress? Sender { get; init; }
    public MailAddress? Recipient { get; init; }

    /// <summary>Recipients taken so far.</summary>
    public int Recipients { get; init; }

    /// <summary>The domain that ETRN names.</summary>
    public string? EtrnDomain { get; init; }

    /// <summary>As logs and refusals name the client: <c>name[address]</c>.</summary>
    public string NamedAddress => $"{ClientName}[{Address}]";

    /// <summary>An address without the quoting that SMTP asks for, as access(5) compares it and refusals show it.</summary>
    public static string Internal(MailAddress address) => address.Domain.Length == 0 ? address.LocalPart : $"{address.LocalPart}@{address.Domain}";
}

/// <summary>A refusal by a restriction.</summary>
/// <param name="Text">What follows code and status.</param>
/// <param name="Rule">Where the rule that gave it is written.</param>
public sealed record RestrictionRefusal(int Code, EnhancedStatus Status, string Text, SourceSpan Rule)
{
    /// <summary>The session ends (421 and 521, RFC 7504).</summary>
    public bool Closes => Code is 421 or 521;

    public override string ToString() => Status.IsNone ? $"{Code} {Text}" : $"{Code} {Status} {Text}";
}

public enum MessageActionKind : byte { Hold, Discard, Redirect, Bcc, Prepend, Filter, Info, Warn, RejectWarning, Permit }

/// <summary>What a restriction wants done with the message, or only told in the log.</summary>
/// <param name="Text">The argument or the text of the table's entry.</param>
/// <param name="About">What the entry was found for, as in <c>&lt;a@b&gt;: Sender address</c>.</param>
public sealed record MessageAction(MessageActionKind Kind, string Text, string About, SourceSpan Rule);

/// <summary>What the lists of a stage came to. The actions hold even where a later restriction refuses: they are told in the log, and only a message that is accepted is acted on.</summary>
public sealed record StageVerdict(RestrictionRefusal? Refusal, IReadOnlyList<MessageAction> Actions)
{
    public static StageVerdict Clear { get; } = new(null, []);
}
