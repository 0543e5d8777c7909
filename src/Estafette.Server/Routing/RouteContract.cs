using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Routing;

/// <summary>What a rule may look at. Built once a transaction, completed with the recipient.</summary>
public sealed record RouteQuery
{
    public required ClientInfo Client { get; init; }
    public required MailAddress ReversePath { get; init; }
    public required MailAddress Recipient { get; init; }

    /// <summary>True for TLS sessions.</summary>
    public bool Tls { get; init; }

    /// <summary>What the client showed in the handshake; null when nothing.</summary>
    public ClientCertificate? ClientCertificate { get; init; }
    public DsnNotify Notify { get; init; }
    public string? DsnOriginalRecipient { get; init; }
}

/// <summary>What routing says about one RCPT.</summary>
public abstract record RouteResult
{
    private RouteResult() { }

    /// <summary>The final recipients (at least one), and the rule that took them.</summary>
    public sealed record Accepted(ImmutableArray<Recipient> Recipients, SourceSpan Rule) : RouteResult;

    /// <summary>Refused for good or for now, with the reply and the rule (or <see cref="SourceSpan.None"/> when none matched) that gave it (E55, promise 5).</summary>
    public sealed record Refused(RefusalReason Reason, int Code, EnhancedStatus Status, string Text, SourceSpan Rule) : RouteResult
    {
        /// <summary>Why, for the log and for explain; never for the client. Empty when the reason says it all.</summary>
        public string Detail { get; init; } = "";
    }
}

public enum RefusalReason : byte
{
    /// <summary>No rule matched, or a rule rejects.</summary>
    NoRule,
    RejectedByRule,
    UnknownUser,

    /// <summary>An alias loop, too deep or too many (E32).</summary>
    ExpansionProblem,

    /// <summary>An <c>error:</c> target.</summary>
    ErrorTarget,

    /// <summary>A table, the user database or a forward file could not be read: never "not found" (E44).</summary>
    TemporaryFailure,
}

/// <summary>
/// The question expansion asks about a user's own wishes. Routing opens no home directory: the privileged process's client answers
/// (DESIGN 2); tests answer from a dictionary.
/// </summary>
public interface IForwardFiles
{
    ValueTask<ForwardFile> ReadAsync(string user, string detail, CancellationToken cancellationToken);
}

/// <summary>The answer: none, the text (alias-file syntax, at most <see cref="MaximumSize"/>), or why it cannot be used.</summary>
public abstract record ForwardFile
{
    public const int MaximumSize = 64 * 1024;

    private ForwardFile() { }

    public sealed record None : ForwardFile
    {
        public static None Instance { get; } = new();
    }

    public sealed record Text(string Content) : ForwardFile;

    /// <summary>Wrong owner or mode, or too large (E18).</summary>
    public sealed record Unsafe(string Reason) : ForwardFile;

    /// <summary>Cannot be read now: never the same as absent (E18).</summary>
    public sealed record Unavailable(string Reason) : ForwardFile;
}
