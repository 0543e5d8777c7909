using Estafette.Mail;

namespace Estafette.Events;

/// <summary>
/// The content of a message gave reason for something: a row of header_checks or body_checks matched, or its structure is refused. <paramref name="Action"/> is <c>reject</c>, <c>warning</c>, <c>discard</c>...,
/// <paramref name="Context"/> <c>header</c>, <c>body</c>, <c>content</c> or <c>mime-error</c> with its words.
/// </summary>
public sealed record ContentNoted(MessageId Id, string Action, string Context, string Content) : MailEvent
{
    /// <summary><c>name[address]</c>, or <c>local</c>.</summary>
    public required string Origin { get; init; }
    public string Sender { get; init; } = "";
    public string Recipient { get; init; } = "";

    /// <summary>Null for local programs.</summary>
    public string? Protocol { get; init; }
    public string? Helo { get; init; }

    /// <summary>What the row says behind its action; the reason of a rejection.</summary>
    public string Text { get; init; } = "";
}
