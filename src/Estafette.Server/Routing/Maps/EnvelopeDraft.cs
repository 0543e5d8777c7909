using System.Collections.Immutable;
using Estafette.Mail;

namespace Estafette.Routing.Maps;

/// <summary>The envelope of a message that comes in, as it was given: from a session, a local program, a notification, or on from another message.</summary>
public sealed record EnvelopeDraft
{
    public required MailAddress ReversePath { get; init; }
    public required ImmutableArray<DraftRecipient> Recipients { get; init; }

    /// <summary>False for <c>receive_override_options = no_address_mappings</c>: nothing but the form of addresses changes.</summary>
    public bool IsMapped { get; init; } = true;

    /// <summary>Copies by <c>always_bcc</c> and its kin; none of what the server itself sends.</summary>
    public bool IsCopied { get; init; } = true;

    /// <summary>Further recipients that the content asked for (<c>BCC</c> in header_checks(5)), in the written form; nobody hears of them.</summary>
    public ImmutableArray<string> Copies { get; init; } = [];

    /// <summary>The only recipient, whoever was given (<c>REDIRECT</c> in header_checks(5)), in the written form; it is no alias any more. Empty for none.</summary>
    public string Redirect { get; init; } = "";
}

/// <summary>One recipient as it was given.</summary>
/// <param name="Address">In semantic form; parts may be missing.</param>
/// <param name="Original">What <c>X-Original-To</c> and notifications shall name instead of it; null for the address itself.</param>
public readonly record struct DraftRecipient(MailAddress Address, DsnNotify Notify = DsnNotify.Unspecified, string? DsnOriginalRecipient = null, MailAddress? Original = null);

/// <summary>What an envelope becomes on its way into the queue.</summary>
public abstract record EnvelopeRewriting
{
    private EnvelopeRewriting() { }

    /// <param name="Recipients">
    /// Each with its address of the queue and without an action: where it goes is asked at each attempt. One whose sender wants to hear of success is there besides what it became
    /// (<see cref="Recipient.AliasExpanded"/>).
    /// </param>
    public sealed record Rewritten(MailAddress ReversePath, ImmutableArray<Recipient> Recipients) : EnvelopeRewriting;

    /// <summary>Not now: a table cannot be read, or aliases grow beyond a limit. The client is told to come again, nothing is lost.</summary>
    /// <param name="Detail">For the log; never for the client.</param>
    public sealed record Refused(EnhancedStatus Status, string Text, string Detail) : EnvelopeRewriting;
}
