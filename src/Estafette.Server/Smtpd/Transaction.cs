using Estafette.Mail;
using Estafette.Policy.Restrictions;
using Estafette.Routing.Maps;
using Estafette.Smtp;

namespace Estafette.Smtpd;

/// <summary>One mail transaction, from MAIL to its end (RFC 5321 s3.3). Disposing it drops what was received and not committed.</summary>
internal sealed class Transaction(MailAddress reversePath, MailParameters parameters) : IAsyncDisposable
{
    private readonly List<Recipient> _recipients = [];
    private readonly List<MailAddress> _given = [];
    private readonly List<DraftRecipient> _drafts = [];

    public MailAddress ReversePath { get; } = reversePath;
    public MailParameters Parameters { get; } = parameters;

    /// <summary>Final recipients, after expansion.</summary>
    public IReadOnlyList<Recipient> Recipients => _recipients;

    /// <summary>Recipients as the client named them.</summary>
    public IReadOnlyList<MailAddress> Given => _given;

    /// <summary>Recipients as they were given, where they are expanded when the message is there (cleanup(8)); <see cref="Recipients"/> is empty then.</summary>
    public IReadOnlyList<DraftRecipient> Drafts => _drafts;

    /// <summary>What access tables want done with the message.</summary>
    public List<MessageAction> Actions { get; } = [];
    public bool Junk { get; set; }

    /// <summary>The message while BDAT chunks come in; null before the first.</summary>
    public MessageReception? Chunks { get; set; }

    /// <summary>Goes over the chunks with their message.</summary>
    public DataDecoder? Decoder { get; set; }

    public void Add(MailAddress given, IEnumerable<Recipient> recipients)
    {
        _given.Add(given);
        _recipients.AddRange(recipients);
    }

    public void Add(DraftRecipient recipient)
    {
        _given.Add(recipient.Address);
        _drafts.Add(recipient);
    }

    public ValueTask DisposeAsync() => Chunks?.DisposeAsync() ?? ValueTask.CompletedTask;
}
