namespace Estafette.Differ.Cases;

/// <summary>Checks of header and body, and what is told to whom.</summary>
internal static class Contents
{
    private static readonly string[] s_actions = ["REJECT", "REJECT 5.7.1 not wanted", "DISCARD", "HOLD", "IGNORE", "WARN", "PREPEND X-Checked: yes", "REPLACE X-Replaced: $1", "REDIRECT dave@here.test", "BCC carol@here.test", "DUNNO", "FILTER smtp:[198.51.100.22]",
        "INFO seen", "STRIP gone", "550 5.7.1 by code", "OK"];

    public static void HeaderChecks(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("header checks");
        string Action() => dice.One(s_actions);
        string[] rows =
        [
            $"/^Subject: (.*message 1.*)/ {Action()}", $"/^X-Spam: (yes)/ {Action()}", $"/^From:(.*client)/ {Action()}", $"if /^X-/\n/^X-Mailer: (.*)/ {Action()}\nendif", $"!/^(Subject|From|To|Date|Message-Id|Received|X-.*|Cc|Mime-.*|Content-.*):/ {Action()}",
            $"/^Received: (.*)/ {dice.One("IGNORE", "DUNNO", "WARN")}", $"/(folded) *line/ {Action()}", $"/^Message-ID: <(.*)@/ {Action()}",
        ];
        made.Set("header_checks", "regexp:" + made.File("/etc/postfix/header-checks", "# header_checks(5)\n" + string.Join('\n', dice.Some(1, 4, rows)) + "\n"));
        if (dice.Chance(40))
            made.Set("mime_header_checks", "regexp:" + made.File("/etc/postfix/mime-checks", $"/name=\"?(.*\\.exe)/ {Action()}\n"));
        if (dice.Chance(25))
            made.Set("nested_header_checks", dice.One("", "regexp:/etc/postfix/header-checks"));
        if (dice.Chance(25))
            made.Set("smtp_header_checks", "regexp:" + made.File("/etc/postfix/smtp-checks", "/^X-Mailer: (.*)/ REPLACE X-Was: $1\n/^X-Spam:/ IGNORE\n"));
        made.HeaderLines.AddRange(["X-Spam: yes", "X-Mailer: Rocket 1.0", "X-Odd: a folded\n line of words", "X-Spam: YES, surely", "List-Id: <a.test>", "Mime-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"cut\""]);
        made.BodyLines.Add("--cut\nContent-Type: application/x; name=\"run.exe\"\n\nbinary\n--cut--");
    }

    public static void BodyChecks(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("body checks");
        made.Set("body_checks", dice.One("regexp:", "regexp:", "pcre:") + made.File("/etc/postfix/body-checks", $"/buy (now)/ {dice.One(s_actions)}\n/^secret/ {dice.One(s_actions)}\n"));
        if (dice.Chance(30))
            made.Set("body_checks_size_limit", "20");
        made.BodyLines.AddRange(["Please buy now.", "secret line", "nothing", "BUY NOW", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nbuy now at the end"]);
    }

    public static void Notices(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("notices");
        if (dice.Chance(50))
            made.Set("notify_classes", dice.One("bounce, 2bounce", "policy, protocol", "resource, software, delay, bounce", ""));
        if (dice.Chance(30))
            made.Set(dice.One("bounce_notice_recipient", "2bounce_notice_recipient", "error_notice_recipient"), "carol");
        if (dice.Chance(25))
            made.Set("bounce_size_limit", "200");
        if (dice.Chance(20))
            made.Set("double_bounce_sender", "twice");
        if (dice.Chance(20))
            made.Set("bounce_queue_lifetime", "0");
        if (dice.Chance(20))
            made.Set("maximal_queue_lifetime", "0");
        made.Senders.AddRange(["", "nosuch@here.test", "nosuch@picky.test", "alice@here.test", "bob+bounces@here.test"]);
        made.Recipients.AddRange(["nosuch@picky.test", "plain@picky.test", "full@picky.test", "nosuch@picky.test", "x@nomail.test", "x@gone.test"]);
        made.Clients.Add("127.0.0.1");
    }
}
