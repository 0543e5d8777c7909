namespace Estafette.Differ.Cases;

/// <summary>Address classes beside the local one.</summary>
internal static class Domains
{
    public static void VirtualAliases(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("virtual aliases");
        (string Key, string Value)[] rows =
        [
            ("info@club.test", "alice"), ("team@club.test", "alice, bob@here.test carol"), ("@club.test", "dave"), ("away@club.test", "someone@far.test"), ("chain@club.test", "info@club.test"), ("abuse@here.test", "bob"),
            ("carol@here.test", "dave"), ("list", "alice,carol"), ("loop@club.test", "loop@club.test, alice"), ("pair@club.test", "other@club.test"), ("other@club.test", "pair@club.test"), ("info+x@club.test", "carol"),
            ("@old.test", "@here.test"), ("alice", "alice, bob"), ("refused@club.test", "nosuch@picky.test"), ("quoted@club.test", "\"a b\"@here.test"), ("unknown@club.test", "nosuch@here.test"), ("tagged@club.test", "bob+club"),
            ("someone@far.test", "carol@here.test"), ("dup@club.test", "alice, alice@here.test, ALICE"), ("all@club.test", "alice bob carol dave someone@far.test someone@away.test"),
        ];
        IReadOnlyList<(string Key, string Value)> chosen = dice.Some(4, 10, rows);
        if (dice.Chance(30))
            chosen = [.. chosen, ("club.test", "anything")];
        else
            made.Set("virtual_alias_domains", dice.One("club.test", "club.test, old.test", "club.test old.test"));
        made.Set("virtual_alias_maps", dice.Chance(20) ? made.Table("virtual", chosen) + ", " + made.Table("virtual-more", ("more@club.test", "bob"), ("info@club.test", "carol")) : made.Table("virtual", chosen));
        made.Recipients.AddRange(chosen.Select(r => r.Key.StartsWith('@') ? "any" + r.Key : r.Key.Contains('@', StringComparison.Ordinal) ? r.Key : r.Key + "@here.test"));
        made.Recipients.AddRange(["nosuch@club.test", "INFO@club.test", "info+tag@club.test", "alice@old.test", "more@club.test", "team+y@club.test"]);
        if (dice.Chance(15))
            made.Set("virtual_alias_expansion_limit", dice.One("3", "4"));
        if (dice.Chance(15))
            made.Set("unknown_virtual_alias_reject_code", dice.One("450", "554"));
    }

    public static void VirtualMailboxes(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("virtual mailboxes");
        made.Set("virtual_mailbox_domains", dice.One("firm.test", "firm.test, trade.test", made.Table("mailbox-domains", ("firm.test", "x"), ("trade.test", "x"))));
        made.Set("virtual_mailbox_base", "/var/vmail");
        IReadOnlyList<(string Key, string Value)> rows = dice.Some(2, 6,
            ("info@firm.test", "firm.test/info/"), ("boss@firm.test", "firm.test/boss"), ("@trade.test", "trade.test/all/"), ("ann@trade.test", "trade.test/ann/"), ("box+tag@firm.test", "firm.test/tagged/"), ("box@firm.test", "firm.test/box"),
            ("up@firm.test", "../written/up"), ("Info@Trade.test", "trade.test/info/"));
        made.Set("virtual_mailbox_maps", made.Table("mailboxes", rows));
        made.Set("virtual_uid_maps", dice.One("static:3005", "static:3005", made.Table("uids", ("info@firm.test", "3001"), ("boss@firm.test", "3005"), ("@trade.test", "3005"))));
        made.Set("virtual_gid_maps", "static:3005");
        if (dice.Chance(20))
            made.Set("virtual_minimum_uid", dice.One("1000", "3002"));
        if (dice.Chance(20))
            made.Set("virtual_transport", dice.One("lmtp:inet:198.51.100.23:24", "error:5.2.1 moved", "local"));
        if (dice.Chance(15))
            made.Set("unknown_virtual_mailbox_reject_code", "450");
        made.Recipients.AddRange(rows.Select(r => r.Key.StartsWith('@') ? "any" + r.Key : r.Key));
        made.Recipients.AddRange(["nosuch@firm.test", "info+x@firm.test", "BOSS@firm.test", "full@firm.test", "x@trade.test"]);
    }

    public static void Relayed(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("relay domains");
        made.Set("relay_domains", dice.One("branch.test", "branch.test, $mydestination", made.Table("relayed", ("branch.test", "x"), (".branch.test", "x"))));
        made.Directive("dns branch.test MX 10 mx.here.test");
        made.Directive("dns branch.test MX 20 mail.picky.test");
        made.Directive("dns sub.branch.test A 198.51.100.20");
        if (dice.Chance(50))
            made.Set("relay_recipient_maps", made.Table("relay-users", ("ann@branch.test", "x"), ("nobody@branch.test", "x"), ("@sub.branch.test", "x"), ("tag+ged@branch.test", "x")));
        if (dice.Chance(60))
            made.Set("transport_maps", made.Table("branch-route", ("branch.test", dice.One("smtp:[198.51.100.21]", "relay:[mail.picky.test]", "smtp:hub.test", ":[198.51.100.20]:25"))));
        if (dice.Chance(20))
            made.Set("relay_transport", dice.One("smtp:[198.51.100.22]", "lmtp:inet:198.51.100.23:24"));
        if (dice.Chance(15))
            made.Set("unknown_relay_recipient_reject_code", "450");
        if (dice.Chance(20))
            made.Set("parent_domain_matches_subdomains", dice.One("", "relay_domains"));
        made.Recipients.AddRange(["ann@branch.test", "nobody@branch.test", "nosuch@branch.test", "x@sub.branch.test", "full@branch.test", "ann+x@branch.test", "postmaster@branch.test"]);
    }
}
