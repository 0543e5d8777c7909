using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Estafette.Config.Model;

/// <summary>
/// How one service of smtpd(8) treats its clients: the restriction lists of all stages, its words and its limits. Belongs to a listener, since master.cf may say something else for
/// each. Each member names its parameter of postconf(5) and defaults as Postfix 3.7 does with a current <c>compatibility_level</c>.
/// </summary>
public sealed record SmtpdConfig
{
    public static SmtpdConfig Default { get; } = new();

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

    /// <summary><c>smtpd_etrn_restrictions</c>.</summary>
    public ImmutableArray<Restriction> Etrn { get; init; } = [];

    /// <summary><c>smtpd_restriction_classes</c> and the list of each.</summary>
    public ImmutableDictionary<string, ImmutableArray<Restriction>> Classes { get; init; } = ImmutableDictionary<string, ImmutableArray<Restriction>>.Empty;

    /// <summary><c>smtpd_delay_reject</c>.</summary>
    public bool DelayReject { get; init; } = true;

    /// <summary><c>smtpd_relay_before_recipient_restrictions</c>.</summary>
    public bool RelayBeforeRecipient { get; init; } = true;

    /// <summary><c>smtpd_reject_unlisted_recipient</c>.</summary>
    public bool RejectUnlistedRecipient { get; init; } = true;

    /// <summary><c>smtpd_reject_unlisted_sender</c>.</summary>
    public bool RejectUnlistedSender { get; init; }

    /// <summary><c>mynetworks</c>.</summary>
    public MatchList Networks { get; init; } = MatchList.Empty;

    /// <summary><c>permit_mx_backup_networks</c>.</summary>
    public MatchList MxBackupNetworks { get; init; } = MatchList.Empty;

    /// <summary><c>relay_clientcerts</c>.</summary>
    public ImmutableArray<string> RelayClientCertificates { get; init; } = [];

    /// <summary><c>smtpd_sender_login_maps</c>.</summary>
    public ImmutableArray<string> SenderLogins { get; init; } = [];

    /// <summary><c>smtpd_null_access_lookup_key</c>.</summary>
    public string NullAccessKey { get; init; } = "<>";

    /// <summary><c>smtpd_access_maps</c> in <c>parent_domain_matches_subdomains</c>: a domain's entry holds for its subdomains, too; else only that of <c>.domain</c> does.</summary>
    public bool AccessParentsMatch { get; init; } = true;

    public RejectCodes Codes { get; init; } = RejectCodes.Default;

    /// <summary><c>unknown_address_tempfail_action</c>.</summary>
    public TempfailAction UnknownAddressTempfail { get; init; }

    /// <summary><c>unknown_helo_hostname_tempfail_action</c>.</summary>
    public TempfailAction UnknownHeloTempfail { get; init; }

    /// <summary><c>show_user_unknown_table_name</c>.</summary>
    public bool ShowUnknownTable { get; init; } = true;

    /// <summary><c>default_rbl_reply</c>.</summary>
    public string RblReply { get; init; } = "$rbl_code Service unavailable; $rbl_class [$rbl_what] blocked using $rbl_domain${rbl_reason?; $rbl_reason}";

    /// <summary><c>rbl_reply_maps</c>.</summary>
    public ImmutableArray<string> RblReplies { get; init; } = [];

    /// <summary><c>smtpd_reject_footer</c>.</summary>
    public string RejectFooter { get; init; } = "";

    /// <summary><c>recipient_delimiter</c>, as access(5) uses it.</summary>
    public string RecipientDelimiters { get; init; } = "";

    /// <summary>The words of the session.</summary>
    public SmtpdDialog Dialog { get; init; } = SmtpdDialog.Default;

    public SmtpdLimits Limits { get; init; } = SmtpdLimits.Default;

    public ClientRates Rates { get; init; } = ClientRates.Default;

    public SmtpdLogins Logins { get; init; } = SmtpdLogins.Default;
}

/// <summary>What smtpd(8) says and understands in a session.</summary>
public sealed record SmtpdDialog
{
    public static SmtpdDialog Default { get; } = new();

    /// <summary><c>smtpd_banner</c>; empty for the host name, <c>ESMTP</c> and <c>mail_name</c>.</summary>
    public string Banner { get; init; } = "";

    /// <summary><c>smtpd_discard_ehlo_keywords</c>, in lower case.</summary>
    public FrozenSet<string> DiscardedKeywords { get; init; } = FrozenSet<string>.Empty;

    /// <summary><c>smtpd_discard_ehlo_keyword_address_maps</c>.</summary>
    public ImmutableArray<string> DiscardedKeywordMaps { get; init; } = [];

    /// <summary><c>smtpd_helo_required</c>.</summary>
    public bool HeloRequired { get; init; }

    /// <summary><c>disable_vrfy_command</c>.</summary>
    public bool VrfyDisabled { get; init; }

    /// <summary><c>strict_rfc821_envelopes</c>.</summary>
    public bool StrictEnvelopes { get; init; }

    /// <summary><c>smtputf8_enable</c>.</summary>
    public bool SmtpUtf8 { get; init; } = true;

    /// <summary><c>strict_smtputf8</c>.</summary>
    public bool StrictSmtpUtf8 { get; init; }

    /// <summary><c>smtpd_forbidden_commands</c>: verbs, in upper case, and tables of them.</summary>
    public MatchList ForbiddenCommands { get; init; } = new([new MatchPattern("CONNECT"), new MatchPattern("GET"), new MatchPattern("POST")]);

    /// <summary>A command that does not begin with a letter ends the session, as the default of <c>smtpd_forbidden_commands</c> has it.</summary>
    public bool ForbidsOddCommands { get; init; } = true;

    /// <summary><c>smtpd_noop_commands</c>, in upper case.</summary>
    public FrozenSet<string> NoopCommands { get; init; } = FrozenSet<string>.Empty;

    /// <summary><c>smtpd_command_filter</c>.</summary>
    public ImmutableArray<string> CommandFilter { get; init; } = [];

    /// <summary><c>smtpd_peername_lookup</c>.</summary>
    public bool PeerNameLookup { get; init; } = true;

    /// <summary><c>smtpd_forbid_unauth_pipelining</c>.</summary>
    public bool ForbidsEarlyTalk { get; init; }

    /// <summary><c>mail_name</c>.</summary>
    public string MailName { get; init; } = "Postfix";
}

/// <summary>The limits of one session and one message.</summary>
public sealed record SmtpdLimits
{
    public static SmtpdLimits Default { get; } = new();

    /// <summary><c>smtpd_error_sleep_time</c>.</summary>
    public TimeSpan ErrorSleep { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary><c>smtpd_soft_error_limit</c>.</summary>
    public int SoftErrors { get; init; } = 10;

    /// <summary><c>smtpd_hard_error_limit</c>.</summary>
    public int HardErrors { get; init; } = 20;

    /// <summary><c>smtpd_junk_command_limit</c>.</summary>
    public int JunkCommands { get; init; } = 100;

    /// <summary><c>smtpd_recipient_limit</c>.</summary>
    public int Recipients { get; init; } = 1000;

    /// <summary><c>smtpd_recipient_overshoot_limit</c>.</summary>
    public int RecipientOvershoot { get; init; } = 1000;

    /// <summary><c>message_size_limit</c>; 0 for none.</summary>
    public long MessageSize { get; init; } = 10_240_000;

    /// <summary><c>line_length_limit</c>: of a command line.</summary>
    public int CommandLine { get; init; } = 2048;

    /// <summary><c>smtpd_timeout</c>.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary><c>smtpd_starttls_timeout</c>.</summary>
    public TimeSpan StartTlsTimeout { get; init; } = TimeSpan.FromMinutes(5);
}

/// <summary>How often one client may do things (anvil(8)), counted in <see cref="Window"/>; 0 for no limit.</summary>
public sealed record ClientRates
{
    public static ClientRates Default { get; } = new();

    /// <summary><c>anvil_rate_time_unit</c>.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary><c>smtpd_client_connection_count_limit</c>: at the same time.</summary>
    public int Connections { get; init; } = 50;

    /// <summary><c>smtpd_client_connection_rate_limit</c>.</summary>
    public int NewConnections { get; init; }

    /// <summary><c>smtpd_client_message_rate_limit</c>.</summary>
    public int Messages { get; init; }

    /// <summary><c>smtpd_client_recipient_rate_limit</c>.</summary>
    public int Recipients { get; init; }

    /// <summary><c>smtpd_client_new_tls_session_rate_limit</c>.</summary>
    public int TlsSessions { get; init; }

    /// <summary><c>smtpd_client_auth_rate_limit</c>.</summary>
    public int Logins { get; init; }

    /// <summary><c>smtpd_client_event_limit_exceptions</c>.</summary>
    public MatchList Exceptions { get; init; } = MatchList.Empty;
}

/// <summary>AUTH as smtpd(8) offers it; whether and over what is the listener's.</summary>
public sealed record SmtpdLogins
{
    public static SmtpdLogins Default { get; } = new();

    /// <summary><c>broken_sasl_auth_clients</c>: announces <c>AUTH=</c>, too.</summary>
    public bool BrokenClients { get; init; }

    /// <summary><c>smtpd_sasl_exceptions_networks</c>: who is not offered AUTH.</summary>
    public MatchList Exceptions { get; init; } = MatchList.Empty;

    /// <summary><c>smtpd_sasl_local_domain</c>: what a login without a realm gets for it.</summary>
    public string LocalDomain { get; init; } = "";

    /// <summary><c>smtpd_sasl_auth_enable</c>.</summary>
    public bool Enabled { get; init; }

    /// <summary>Mechanisms that <c>smtpd_sasl_security_options</c> does not allow without TLS.</summary>
    public FrozenSet<string> Forbidden { get; init; } = FrozenSet<string>.Empty;

    /// <summary>Mechanisms that <c>smtpd_sasl_tls_security_options</c> does not allow with TLS.</summary>
    public FrozenSet<string> ForbiddenWithTls { get; init; } = FrozenSet<string>.Empty;
}
