namespace Estafette.Differ.Cases;

/// <summary>local(8): where mail for users of the system goes.</summary>
internal static class Places
{
    public static void Aliases(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("aliases");
        string[] rows =
        [
            "sales: alice, bob", "Info:   carol", "team: sales, dave@here.test,\n    carol", "away: someone@far.test", "gone: nosuch@picky.test", "everyone: :include:/etc/postfix/everyone",
            "archive: /var/written/archive", "robot: \"|/usr/local/bin/keep robot\"", "robot-args: \"|/usr/local/bin/keep robot one 'two three'\"", "fails: \"|exit 69\"", "later: \"|exit 75\"", "says: \"|echo no way; exit 67\"",
            "nothing: nosuchuser", "alice: alice, dave", "bob: carol", "loop-a: loop-b", "loop-b: loop-a", "quiet: /dev/null", "\"Quoted One\": carol", "dots.in.name: bob", "bob+tag: dave", "empty-includes: :include:/etc/postfix/none",
            "self: \\alice", "tagged: alice+box", "list: alice, nosuch@picky.test", "owner-list: bob", "list-two: someone@picky.test, full@picky.test\nowner-list-two: carol, dave", "postmaster-too: postmaster",
            "atname: alice@localhost", "bare: carol@", "err: nosuch@here.test",
        ];
        IReadOnlyList<string> chosen = dice.Some(5, 12, rows);
        made.File("/etc/aliases", "# aliases(5)\npostmaster: root\nroot: alice\n" + string.Concat(chosen.Select(r => r + "\n")));
        made.File("/etc/postfix/everyone", "alice\n# not now: dave\nbob@here.test, carol\n");
        made.Recipients.AddRange(chosen.Select(r => r[..r.IndexOf(':', StringComparison.Ordinal)] + "@here.test"));
        foreach (string row in chosen.Where(r => r.Contains("\nowner-", StringComparison.Ordinal) || r.StartsWith("list", StringComparison.Ordinal)))
            made.Recipients.Add("owner-" + row[..row.IndexOf(':', StringComparison.Ordinal)] + "@mx.here.test");
        if (dice.Chance(20))
            made.Set("allow_mail_to_commands", dice.One("alias", "forward", "alias,forward,include"));
        if (dice.Chance(20))
            made.Set("allow_mail_to_files", dice.One("alias", "forward", ""));
        if (dice.Chance(20))
            made.Set("expand_owner_alias", "yes");
        if (dice.Chance(20))
            made.Set("owner_request_special", "no");
        if (dice.Chance(15))
            made.Set("default_privs", "vmail");
        if (dice.Chance(15))
            made.Set("reset_owner_alias", "yes");
        if (dice.Chance(20))
            made.Set("propagate_unmatched_extensions", dice.One("canonical, virtual, alias", "", "alias, forward, include"));
        if (dice.Chance(20))
        {
            made.Set("alias_maps", "hash:/etc/aliases, texthash:/etc/postfix/more-aliases");
            made.File("/etc/postfix/more-aliases", "second: bob, carol\nsales: dave\n");
            made.Recipients.Add("second@here.test");
        }
    }

    public static void Forwards(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("forward files");
        foreach (string user in dice.Some(1, 3, World.Users))
        {
            made.File($"/home/{user}/.forward", string.Join('\n', dice.Some(1, 3,
                "\\" + user, dice.One(World.Users), "someone@far.test", "nosuch@picky.test", $"/home/{user}/kept", "|/usr/local/bin/keep forward", "\"|/usr/local/bin/keep forward two\"", user + "@here.test", "# nothing",
                "relative/path", "|exit 75", "|exit 1", "Full Name <carol@here.test>", "nosuchuser", $"/home/{user}/box/", "bob, carol")) + "\n");
            made.Recipients.AddRange([user + "@here.test", user + "+tag@here.test"]);
        }
        if (dice.Chance(30))
        {
            made.File("/home/dave/.forward+tag", "carol\n");
            made.Recipients.AddRange(["dave+tag@here.test", "dave+other@here.test"]);
        }
        if (dice.Chance(20))
            made.Set("forward_path", dice.One("$home/.forward${recipient_delimiter}${extension}, $home/.forward", "/var/written/none/$user, $home/.forward", ""));
    }

    public static void Mailboxes(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("mailboxes");
        switch (dice.Number(0, 3))
        {
            case 0:
                made.Set("home_mailbox", dice.One("Maildir/", "Mail/inbox", ".maildir/", "mbox"));
                break;
            case 1:
                made.Set("mail_spool_directory", dice.One("/var/mail/", "/var/spool/mail", "/var/mail"));
                break;
            case 2:
                made.Set("home_mailbox", "Maildir/");
                made.Set("mail_spool_directory", "/var/mail/");
                break;
            default:
                made.Set("mailbox_size_limit", dice.One("0", "11000000"));
                made.Set("message_size_limit", "10240000");
                break;
        }
        if (dice.Chance(25))
            made.Set("prepend_delivered_header", dice.One("command, file", "command, file, forward", "forward"));
        if (dice.Chance(20))
            made.Set("enable_original_recipient", "no");
        made.Recipients.AddRange(["alice@here.test", "bob+x@here.test", "dave@mx.here.test", "carol@localhost"]);
    }

    public static void Commands(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("mailbox command");
        made.Set("mailbox_command", dice.One("/usr/local/bin/keep mda", "/usr/local/bin/keep mda -a \"$EXTENSION\" -d \"$USER\"", "/usr/local/bin/keep mda ${recipient} $domain", "exit 75", "/usr/local/bin/keep mda \"$SENDER\" $LOCAL $DOMAIN"));
        if (dice.Chance(30))
            made.Set("mailbox_command_maps", made.Table("commands", ("bob", "/usr/local/bin/keep special $user"), ("carol", "exit 77")));
        made.Recipients.AddRange(["alice@here.test", "bob+x@here.test", "dave@mx.here.test", "carol@here.test"]);
    }

    public static void UnknownUsers(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("unknown users");
        switch (dice.Number(0, 5))
        {
            case 0:
                made.Set("luser_relay", dice.One("bob", "bob+$user", "$user@far.test", "$local@far.test", "carol@here.test", "$recipient@far.test"));
                made.Set("local_recipient_maps", "");
                break;
            case 1:
                made.Set("local_recipient_maps", "");
                break;
            case 2:
                made.Set("local_recipient_maps", made.Table("locals", ("alice", "x"), ("bob@here.test", "x"), ("@shop.test", "x")));
                break;
            case 3:
                made.Set("fallback_transport", dice.One("smtp:[198.51.100.22]", "lmtp:inet:198.51.100.23:24", "error:not here either"));
                made.Set("local_recipient_maps", "");
                break;
            case 4:
                made.Set("smtpd_reject_unlisted_recipient", "no");
                break;
            default:
                made.Set("unknown_local_recipient_reject_code", dice.One("450", "550", "554"));
                break;
        }
        made.Recipients.AddRange(["nosuch@here.test", "nosuch+x@mx.here.test", "No.Such@here.test", "alice@shop.test", "full@here.test"]);
    }
}
