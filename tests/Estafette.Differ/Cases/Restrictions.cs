namespace Estafette.Differ.Cases;

/// <summary>smtpd(8): who may do what, and what the answer is.</summary>
internal static class Restrictions
{
    private static readonly string[] s_results = ["REJECT", "OK", "DUNNO", "REJECT not you", "550 5.7.9 go away", "450 4.7.1 later", "DEFER", "DEFER_IF_PERMIT wait", "DISCARD", "HOLD", "PREPEND X-Access: seen", "REDIRECT dave@here.test", "BCC carol@here.test",
        "WARN look", "reject_unauth_destination", "permit_mynetworks, reject", "reject_unknown_sender_domain", "strict", "defer_if_reject", "FILTER smtp:[198.51.100.22]", "554 no", "INFO noted", "DEFER_IF_REJECT", "reject_unverified_nothing"];

    public static void Access(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("access maps");
        string[] stages = ["client", "helo", "sender", "recipient", "data", "end_of_data", "relay"];
        foreach (string stage in dice.Some(1, 3, stages))
            made.Set($"smtpd_{stage}_restrictions", string.Join(dice.One(", ", " ", ",\n    "), List(made, stage)));
        made.Set("smtpd_restriction_classes", "strict");
        made.Set("strict", dice.One("reject_unknown_sender_domain, reject_non_fqdn_recipient", "permit_mynetworks, reject", "reject_unlisted_sender"));
        if (dice.Chance(25))
            made.Set("smtpd_delay_reject", "no");
        if (dice.Chance(15))
            made.Set("access_map_reject_code", dice.One("550", "450"));
        made.Clients.AddRange(["203.0.113.10", "203.0.113.11", "203.0.113.9"]);
        made.Senders.AddRange(["x@gone.test", "b@client.test", "alice@here.test", "user@sub.client.test"]);
        made.Hellos.AddRange(["evil.test", "mail.far.test", "localhost", "x"]);
    }

    private static IEnumerable<string> List(Case made, string stage)
    {
        Dice dice = made.Dice;
        string Result() => dice.One(s_results[..^1]);
        (string, string)[] addresses = [("a@client.test", Result()), ("client.test", Result()), ("alice@", Result()), ("here.test", Result()), ("far.test", Result()), ("<>", Result()), (".client.test", Result())];
        (string, string)[] hosts = [("client.test", Result()), ("203.0.113.9", Result()), ("203.0.113", dice.One("DUNNO", "OK", Result())), ("unknown", Result()), ("far.test", Result()), ("evil.test", Result())];
        string[] any =
        [
            $"check_sender_access {made.Table(stage + "-senders", dice.Some(1, 3, addresses))}",
            $"check_client_access {made.Table(stage + "-clients", dice.Some(1, 3, hosts))}",
            $"check_client_access cidr:{made.File($"/etc/postfix/{stage}-cidr", $"203.0.113.9/32 {Result()}\n203.0.113.10 {Result()}\n!203.0.113.0/28 WARN\n")}",
            $"check_helo_access {made.Table(stage + "-helos", dice.Some(1, 3, hosts))}",
            "permit_mynetworks", "reject_unknown_sender_domain", "reject_non_fqdn_sender", "warn_if_reject reject_unknown_client_hostname", "reject_unlisted_sender", "reject_invalid_helo_hostname", "reject_non_fqdn_helo_hostname",
            "reject_unknown_helo_hostname", "reject_unknown_reverse_client_hostname", "reject_unknown_client_hostname", "reject_rbl_client bl.test", "reject_rhsbl_sender dbl.test", "permit_sasl_authenticated", "reject_plaintext_session",
            "permit_inet_interfaces", "warn_if_reject reject", "defer_if_permit", "sleep 0", "reject_unauth_pipelining", "reject_multi_recipient_bounce", "permit_naked_ip_address",
            "check_sender_mx_access cidr:" + made.File("/etc/postfix/mx-cidr", "198.51.100.20 REJECT bad mx\n"), "check_client_a_access static:DUNNO",
        ];
        string[] ofRecipient =
        [
            $"check_recipient_access {made.Table(stage + "-recipients", dice.Some(1, 4, ("alice@here.test", Result()), ("here.test", Result()), ("postmaster@", "OK"), ("nosuch@here.test", Result()), ("far.test", Result()), ("alice", Result())))}",
            "reject_unauth_destination", "permit_mx_backup", "reject_unknown_recipient_domain", "reject_non_fqdn_recipient", "reject_unlisted_recipient", "permit_auth_destination", "defer_unauth_destination",
        ];
        bool recipient = stage is "recipient" or "relay";
        IReadOnlyList<string> list = dice.Some(1, 4, recipient ? [.. any, .. ofRecipient, .. ofRecipient] : any);
        // A list that relays for the world is refused at the start by one and not by the other, on purpose.
        return stage == "relay" ? [.. list.Where(l => !l.StartsWith("permit_naked", StringComparison.Ordinal)), "reject_unauth_destination"] : list;
    }

    /// <summary>The names of clients, hellos and senders in the DNS.</summary>
    public static void Dns(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("dns checks");
        made.Set("smtpd_client_restrictions", string.Join(", ", dice.Some(1, 3, "permit_mynetworks", "reject_unknown_client_hostname", "reject_unknown_reverse_client_hostname", "reject_rbl_client bl.test", "reject_rbl_client bl.test=127.0.0.2",
            "reject_rbl_client bl.test=127.0.0.[3..4]", "permit_dnswl_client bl.test", "reject_rhsbl_client dbl.test")));
        made.Set("smtpd_helo_restrictions", string.Join(", ", dice.Some(1, 3, "reject_invalid_helo_hostname", "reject_non_fqdn_helo_hostname", "reject_unknown_helo_hostname", "permit_mynetworks", "reject_rhsbl_helo dbl.test")));
        made.Set("smtpd_sender_restrictions", string.Join(", ", dice.Some(1, 3, "reject_unknown_sender_domain", "reject_non_fqdn_sender", "permit_mynetworks", "reject_rhsbl_sender dbl.test", "reject_unlisted_sender")));
        made.Set("smtpd_recipient_restrictions", string.Join(", ", dice.Some(0, 2, "reject_unknown_recipient_domain", "reject_non_fqdn_recipient", "reject_rhsbl_recipient dbl.test").Append("permit_mynetworks")));
        if (dice.Chance(50))
            made.Set("smtpd_helo_required", "yes");
        if (dice.Chance(20))
            made.Set("smtpd_delay_reject", "no");
        if (dice.Chance(20))
            made.Set(dice.One("unknown_address_reject_code", "unknown_client_reject_code", "unknown_hostname_reject_code", "maps_rbl_reject_code", "invalid_hostname_reject_code", "non_fqdn_reject_code"), dice.One("550", "450", "554"));
        if (dice.Chance(15))
            made.Set("unknown_address_tempfail_action", "defer");
        if (dice.Chance(20))
            made.Set("default_rbl_reply", "$rbl_code Service unavailable; $rbl_class [$rbl_what] blocked using $rbl_domain${rbl_reason?; $rbl_reason}, sorry");
        made.Clients.AddRange(["203.0.113.10", "203.0.113.11", "203.0.113.9", "203.0.113.9"]);
        made.Senders.AddRange(["x@gone.test", "x@broken.test", "x@nomail.test", "x@nodots", "nosuch@here.test", "news@far.test"]);
        made.Hellos.AddRange(["mail.far.test", "gone.test", "localhost", "[203.0.113.9]", "bad_name", "-x-", "broken.test", "203.0.113.9", "far.test"]);
        made.Recipients.AddRange(["x@gone.test", "x@nodots"]);
    }

    public static void Limits(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("limits");
        if (dice.Chance(40))
            made.Set("message_size_limit", dice.One("300", "2000", "0"));
        if (dice.Chance(40))
            made.Set("smtpd_recipient_limit", dice.One("1", "2"));
        if (dice.Chance(30))
            made.Set("smtpd_hard_error_limit", dice.One("1", "2", "3"));
        if (dice.Chance(20))
            made.Set("smtpd_recipient_overshoot_limit", "1");
        if (dice.Chance(20))
            made.Set("smtpd_junk_command_limit", "1");
        if (dice.Chance(20))
            made.Set("hopcount_limit", "2");
        if (dice.Chance(20))
            made.Set("default_destination_recipient_limit", "1");
        if (dice.Chance(15))
            made.Set("header_size_limit", "200");
        if (dice.Chance(15))
            made.Set("line_length_limit", "120");
        if (made.IsSet("message_size_limit"))
            made.Set("mailbox_size_limit", "0");
        made.HeaderLines.AddRange(["Received: from one by two; Mon, 01 Jan 2024 10:00:00 +0000\nReceived: from zero by one; Mon, 01 Jan 2024 10:00:00 +0000\nReceived: from nil by zero; Mon, 01 Jan 2024 09:00:00 +0000",
            "X-Long: " + string.Concat(Enumerable.Repeat("words and ", 40)).Trim()]);
        made.BodyLines.Add(string.Concat(Enumerable.Repeat("a rather long line ", 30)).Trim());
    }

    /// <summary>What the server says of itself and what it lets be.</summary>
    public static void Replies(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("replies");
        (string, string)[] settings =
        [
            ("smtpd_banner", "$myhostname ESMTP $mail_name (Debian/GNU)"), ("disable_vrfy_command", "yes"), ("smtpd_discard_ehlo_keywords", "chunking, silent-discard"), ("smtputf8_enable", "no"), ("smtpd_helo_required", "yes"),
            ("show_user_unknown_table_name", "no"), ("soft_bounce", "yes"), ("smtpd_noop_commands", "XFOO"), ("smtpd_reject_footer", "\\c. Ask $client_address"), ("smtpd_forbidden_commands", "CONNECT NOOP"), ("strict_rfc821_envelopes", "yes"),
            ("smtpd_reject_unlisted_sender", "yes"), ("relay_domains_reject_code", "550"), ("reject_code", "550"), ("smtpd_command_filter", "pcre:/dev/null"), ("mail_name", "Mailer"), ("smtpd_etrn_restrictions", "reject"), ("defer_code", "421"),
            ("multi_recipient_bounce_reject_code", "551"), ("smtpd_peername_lookup", "no"), ("address_verify_sender", ""), ("enable_long_queue_ids", "yes"), ("smtpd_discard_ehlo_keyword_address_maps", "cidr:/etc/postfix/ehlo-cidr"),
        ];
        made.File("/etc/postfix/ehlo-cidr", "203.0.113.9/32 pipelining, dsn\n");
        foreach ((string name, string value) in dice.Some(2, 5, settings.Where(s => s.Item1 is not ("smtpd_command_filter" or "relay_domains_reject_code"))))
            made.Set(name, value);
        made.Feature("extra commands");
    }
}
