using System.Collections.Immutable;

namespace Estafette.Config.Model;

/// <summary>
/// How one service of smtpd(8) treats its clients: the restriction lists of all stages and its limits. Belongs to a listener, since master.cf may say something else for each.
/// Each member names its parameter of postconf(5).
/// </summary>
public sealed record SmtpdConfig
{
    /// <summary><c>smtpd_client_restrictions</c>.</summary>
    public ImmutableArray<Restriction> Client { get; init; } = [];

    /// <summary><c>smtpd_helo_restrictions</c>.</summary>
    public ImmutableArray<Restriction> Helo { get; init; } = [];

    /// <summary><c>smtpd_sender_restrictions</c>.</summary>
    public ImmutableArray<Restriction> Sender { get; init; } = [];

    /// <summary><c>smtpd_relay_restrictions</c>.</summary>
    public ImmutableArray<Restriction> Relay { get; init; } = [];

    /// <summary><c>smtpd_recipient_restrictions</c>.</summary>
    public ImmutableArray<Restriction> Recipient { get; init; } = [];

    /// <summary><c>smtpd_data_restrictions</c>.</summary>
    public ImmutableArray<Restriction> Data { get; init; } = [];

    /// <summary><c>smtpd_end_of_data_restrictions</c>.</summary>
    public ImmutableArray<Restriction> EndOfData { get; init; } = [];

    /// <summary><c>smtpd_delay_reject</c>.</summary>
    public bool DelayReject { get; init; } = true;

    /// <summary><c>mynetworks</c>.</summary>
    public MatchList Networks { get; init; } = MatchList.Empty;
}

/// <summary>One word of a restriction list with its arguments, such as <c>check_sender_access hash:/etc/postfix/access</c> or <c>reject_rbl_client zone=127.0.0.2</c>.</summary>
/// <param name="Name">The word, in lower case.</param>
/// <param name="Argument">The table, zone, class or text behind it; empty where the word takes none.</param>
/// <param name="At">Where it is written.</param>
public sealed record Restriction(string Name, string Argument, SourceSpan At);
