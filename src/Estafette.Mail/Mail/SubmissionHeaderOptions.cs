namespace Estafette.Mail;

/// <summary>What is done to the header of a message that a local user or an authenticated client hands in.</summary>
[Flags]
public enum HeaderCompletions
{
    None = 0,

    /// <summary>A missing From, on top.</summary>
    From = 1,

    /// <summary>A missing Date, on top but below an added From: where sendmail(1) puts it.</summary>
    DateOnTop = 2,

    /// <summary>A missing Date, behind the other fields: where the server puts it.</summary>
    Date = 4,

    /// <summary>A missing Message-ID, behind the other fields.</summary>
    MessageId = 8,
    RemoveBcc = 16,
    RemoveReturnPath = 32,

    /// <summary>A domain for addresses without one in From, To and Cc.</summary>
    QualifyAddresses = 64,

    /// <summary>The same in Sender, Reply-To and the Resent fields.</summary>
    QualifyOtherAddresses = 128,

    /// <summary>What sendmail(1) does before it speaks to the server.</summary>
    BySendmail = From | DateOnTop | RemoveBcc | RemoveReturnPath,

    /// <summary>What the server does for local and authenticated submission.</summary>
    ByServer = Date | MessageId | RemoveBcc | QualifyAddresses,
}

/// <summary>How the field is spelled where it is added.</summary>
public enum MessageIdSpelling : byte { MessageID, MessageId }

public sealed record SubmissionHeaderOptions
{
    public required HeaderCompletions Completions { get; init; }

    /// <summary>Goes into an added From; with <see cref="Masquerade"/> it replaces the address of a present one, too.</summary>
    public required MailAddress Sender { get; init; }

    /// <summary>Completes addresses and stands in Message-ID.</summary>
    public required string HostName { get; init; }
    public required DateTimeOffset Now { get; init; }

    /// <summary>The name in an added From; null or empty when unknown.</summary>
    public string? FullName { get; init; }
    public bool Masquerade { get; init; }
    public MessageIdSpelling Spelling { get; init; }

    /// <summary>Null takes random bits.</summary>
    public string? MessageId { get; init; }
}
