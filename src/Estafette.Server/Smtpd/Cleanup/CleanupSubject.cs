using Estafette.Mail;

namespace Estafette.Smtpd.Cleanup;

/// <summary>What is known of a message before its content comes.</summary>
internal sealed record CleanupSubject
{
    public required MessageId Id { get; init; }
    public required DateTimeOffset Arrival { get; init; }
    public required string HostName { get; init; }

    /// <summary>Rewritten as the envelope's will be; goes into a missing From.</summary>
    public required string Sender { get; init; }

    /// <summary>The client as logs name it: <c>name[address]</c> or <c>local</c>.</summary>
    public required string Origin { get; init; }
    public string FirstRecipient { get; init; } = "";

    /// <summary>Null for local programs.</summary>
    public string? Protocol { get; init; }

    /// <summary>Null for local programs.</summary>
    public string? Helo { get; init; }

    /// <summary>The name that goes into a missing From.</summary>
    public string FullName { get; init; } = "";
    public HeaderContext Context { get; init; }

    /// <summary>A refusal becomes a notification: whoever handed the message in is not there any more to be told.</summary>
    public bool Bounces { get; init; }
}
