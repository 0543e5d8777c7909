using System.Collections.Frozen;
using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>What smtpd(8) takes from main.cf and the options of its service: restriction lists, words, limits, rates. TLS and AUTH have lowerings of their own.</summary>
internal sealed class SmtpdLowering(ReadingContext context)
{
    /// <summary>What Postfix 2.10 and later do where nobody says otherwise.</summary>
    private const string UsualRelayRestrictions = "permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination";

    private readonly SmtpdTlsLowering _tls = new(context);

    public ImmutableDictionary<string, IdentityConfig> Identities => _tls.Identities;

    public ImmutableDictionary<string, string> TrustAnchors => _tls.TrustAnchors;

    public ListenerConfig Lower(ParameterReader reader, ListenerConfig listener)
    {
        SmtpdConfig config = Restrictions(reader) with { Dialog = Dialog(reader), Limits = Limits(reader), Rates = Rates(reader) };
        var safety = new RelaySafety(context);
        if (config.Relay.IsEmpty && !reader.IsSet("smtpd_relay_restrictions") && !safety.Stops(config, config.Recipient))
        {
            // Postfix 3.7 with a main.cf of 2.9 and before: its smtpd stops at the first client. This serves them, and relays for nobody.
            SourceSpan at = reader.Place("smtpd_relay_restrictions");
            context.Findings.Warning(at, "service " + listener.Spec + ": nothing in this main.cf says who may relay; `" + UsualRelayRestrictions + "` holds", "write smtpd_relay_restrictions, or compatibility_level = 3.6");
            config = config with { Relay = new RestrictionLowering(context, reader).Read(UsualRelayRestrictions, at, RestrictionStage.Relay) };
        }
        safety.Check(config, listener, reader);
        ListenerConfig lowered = new SmtpdLoginLowering(context).Lower(reader, _tls.Lower(reader, listener with { Smtpd = config }));
        return lowered with { MendedSources = null };
    }

    private SmtpdConfig Restrictions(ParameterReader reader)
    {
        var lists = new RestrictionLowering(context, reader);
        ImmutableArray<string> parents = reader.Words("parent_domain_matches_subdomains");
        return new SmtpdConfig
        {
            Client = lists.Read("smtpd_client_restrictions", RestrictionStage.Client),
            Helo = lists.Read("smtpd_helo_restrictions", RestrictionStage.Helo),
            Sender = lists.Read("smtpd_sender_restrictions", RestrictionStage.Sender),
            Relay = lists.Read("smtpd_relay_restrictions", RestrictionStage.Relay),
            Recipient = lists.Read("smtpd_recipient_restrictions", RestrictionStage.Recipient),
            Data = lists.Read("smtpd_data_restrictions", RestrictionStage.Data),
            EndOfData = lists.Read("smtpd_end_of_data_restrictions", RestrictionStage.EndOfData),
            Etrn = lists.Read("smtpd_etrn_restrictions", RestrictionStage.Etrn),
            Classes = lists.Classes(),
            DelayReject = reader.Flag("smtpd_delay_reject"),
            RelayBeforeRecipient = reader.Flag("smtpd_relay_before_recipient_restrictions"),
            RejectUnlistedRecipient = reader.Flag("smtpd_reject_unlisted_recipient"),
            RejectUnlistedSender = reader.Flag("smtpd_reject_unlisted_sender"),
            Networks = reader.MatchList("mynetworks", "mynetworks"),
            MxBackupNetworks = reader.MatchList("permit_mx_backup_networks", "permit_mx_backup_networks"),
            RelayClientCertificates = reader.Maps("relay_clientcerts"),
            SenderLogins = reader.Maps("smtpd_sender_login_maps"),
            NullAccessKey = reader.Text("smtpd_null_access_lookup_key"),
            AccessParentsMatch = parents.Contains("smtpd_access_maps", StringComparer.OrdinalIgnoreCase),
            Codes = RejectCodeLowering.Lower(reader),
            UnknownAddressTempfail = Tempfail(reader, "unknown_address_tempfail_action"),
            UnknownHeloTempfail = Tempfail(reader, "unknown_helo_hostname_tempfail_action"),
            ShowUnknownTable = reader.Flag("show_user_unknown_table_name"),
            RblReply = reader.Raw("default_rbl_reply"),
            RblReplies = reader.Maps("rbl_reply_maps"),
            RecipientDelimiters = reader.Text("recipient_delimiter"),
        };
    }

    private static TempfailAction Tempfail(ParameterReader reader, string name)
    {
        string text = reader.Text(name).ToLowerInvariant();
        if (text is not ("defer" or "defer_if_permit"))
            reader.Fail(name, "bad value: " + name + " = " + text, "write defer_if_permit or defer");
        return text == "defer" ? TempfailAction.Defer : TempfailAction.DeferIfPermit;
    }

    private static SmtpdDialog Dialog(ParameterReader reader) => new()
    {
        Banner = reader.Text("smtpd_banner"),
        DiscardedKeywords = reader.Words("smtpd_discard_ehlo_keywords").ToFrozenSet(StringComparer.OrdinalIgnoreCase),
        DiscardedKeywordMaps = reader.Maps("smtpd_discard_ehlo_keyword_address_maps"),
        HeloRequired = reader.Flag("smtpd_helo_required"),
        VrfyDisabled = reader.Flag("disable_vrfy_command"),
        StrictEnvelopes = reader.Flag("strict_rfc821_envelopes"),
        SmtpUtf8 = reader.Flag("smtputf8_enable"),
        StrictSmtpUtf8 = reader.Flag("strict_smtputf8"),
        ForbiddenCommands = reader.IsSet("smtpd_forbidden_commands") ? reader.MatchList("smtpd_forbidden_commands") : SmtpdDialog.Default.ForbiddenCommands,
        ForbidsOddCommands = !reader.IsSet("smtpd_forbidden_commands"),
        NoopCommands = reader.Words("smtpd_noop_commands").ToFrozenSet(StringComparer.OrdinalIgnoreCase),
        CommandFilter = reader.Maps("smtpd_command_filter"),
        PeerNameLookup = reader.Flag("smtpd_peername_lookup"),
        ForbidsEarlyTalk = reader.Flag("smtpd_forbid_unauth_pipelining"),
        MailName = reader.Text("mail_name"),
    };

    private static SmtpdLimits Limits(ParameterReader reader) => new()
    {
        ErrorSleep = reader.Time("smtpd_error_sleep_time"),
        SoftErrors = reader.Count("smtpd_soft_error_limit"),
        HardErrors = reader.Count("smtpd_hard_error_limit"),
        JunkCommands = reader.Count("smtpd_junk_command_limit"),
        Recipients = reader.Count("smtpd_recipient_limit"),
        RecipientOvershoot = reader.Count("smtpd_recipient_overshoot_limit"),
        MessageSize = reader.Number("message_size_limit"),
        CommandLine = reader.Count("line_length_limit"),
        Timeout = reader.Time("smtpd_timeout"),
        StartTlsTimeout = reader.Time("smtpd_starttls_timeout"),
    };

    private static ClientRates Rates(ParameterReader reader) => new()
    {
        Window = reader.Time("anvil_rate_time_unit"),
        Connections = reader.Count("smtpd_client_connection_count_limit"),
        NewConnections = reader.Count("smtpd_client_connection_rate_limit"),
        Messages = reader.Count("smtpd_client_message_rate_limit"),
        Recipients = reader.Count("smtpd_client_recipient_rate_limit"),
        TlsSessions = reader.Count("smtpd_client_new_tls_session_rate_limit"),
        Logins = reader.Count("smtpd_client_auth_rate_limit"),
        Exceptions = reader.MatchList("smtpd_client_event_limit_exceptions"),
    };
}
