namespace Estafette.Differ.Cases;

/// <summary>By which transport to which host.</summary>
internal static class Routes
{
    public static void Transport(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("transport");
        (string Key, string Value)[] rows =
        [
            ("far.test", "smtp:[198.51.100.22]"), (".far.test", "smtp:hub.test"), ("someone@far.test", "discard:"), ("away.test", "error:5.7.1 not there"), ("old.test", "error:550 no such domain"), ("later.test", "retry:4.3.0 try again"),
            ("hub.test", ":[198.51.100.20]"), ("bob@here.test", "smtp:[198.51.100.22]"), ("here.test", "local:"), ("shop.test", "smtp:[198.51.100.20]"), ("*", "smtp:[198.51.100.22]"), ("picky.test", "relay:mail.picky.test"),
            ("alice+tag@here.test", "discard:gone"), ("carol@", "error:no carol"), ("dead.test", "smtp:[198.51.100.77]"), ("lmtp.test", "lmtp:inet:198.51.100.23:24"), ("here.test", ":"), ("mx.here.test", "error:not this name"),
            ("mystery.test", "nosuchservice:x"), ("nomail.test", "smtp:"), ("gone.test", "smtp:[gone.test]"),
        ];
        IReadOnlyList<(string Key, string Value)> chosen = [.. dice.Some(4, 9, rows).DistinctBy(r => r.Key)];
        made.Set("transport_maps", made.Table("transport", chosen));
        made.Recipients.AddRange(chosen.Select(r => r.Key switch { "*" => "x@elsewhere.test", ['.', .. string d] => "x@sub." + d, ['@', ..] => "x" + r.Key, _ when r.Key.EndsWith('@') => r.Key + "here.test", _ when !r.Key.Contains('@', StringComparison.Ordinal) => dice.One("x@", "nosuch@", "full@") + r.Key, _ => r.Key }));
        made.Recipients.AddRange(["someone@sub.far.test", "bob@here.test", "alice@mx.here.test"]);
        made.Clients.Add("127.0.0.1");
    }

    public static void RelayHost(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("relayhost");
        made.Set("relayhost", dice.One("[198.51.100.22]", "hub.test", "[hub.test]:25", "[198.51.100.21]", "picky.test", "[198.51.100.77]", "gone.test", "[198.51.100.21]:25, [198.51.100.22]"));
        if (dice.Chance(25))
            made.Set("smtp_fallback_relay", dice.One("[198.51.100.22]", "hub.test"));
        if (dice.Chance(20))
            made.Set("smtp_helo_name", "out.here.test");
        made.Recipients.AddRange(["someone@far.test", "no@picky.test", "full@far.test", "plain@far.test", "late@gone.test", "alice@here.test"]);
        made.Senders.AddRange(["bad@client.test", "late@client.test"]);
        made.Clients.Add("127.0.0.1");
    }

    public static void BySender(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("by sender");
        if (dice.Chance(60))
            made.Set("sender_dependent_relayhost_maps", made.Table("sender-relay", ("a@client.test", "[198.51.100.22]"), ("@far.test", "[198.51.100.21]:25"), ("alice@here.test", "DUNNO"), ("<>", "hub.test")));
        if (dice.Chance(50))
            made.Set("sender_dependent_default_transport_maps", made.Table("sender-transport", ("news@far.test", "smtp:[198.51.100.22]"), ("@client.test", "error:5.7.0 clients may not"), ("alice@here.test", "smtp:")));
        if (dice.Chance(30))
            made.Set("empty_address_relayhost_maps_lookup_key", "<>");
        made.Recipients.AddRange(["someone@far.test", "someone@away.test", "no@picky.test"]);
        made.Clients.Add("127.0.0.1");
    }

    public static void Pipes(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("pipe");
        made.Service("keeper    unix  -       n       n       -       -       pipe\n  flags=" + dice.One("DRhu", "FRq", "ORX", "R", "DFORhuqX.", "hu>") + " user=" + dice.One("vmail", "vmail:mail") + " argv=/usr/local/bin/keep pipe "
            + dice.One("${recipient}", "-f ${sender} -- ${recipient}", "${user} ${domain} ${extension}", "${mailbox} ${nexthop} ${original_recipient}", "${sender} ${size} fixed"));
        made.Service("failing   unix  -       n       n       -       -       pipe\n  user=vmail argv=/bin/sh " + made.File("/etc/postfix/failing.sh", $"echo refused by rule\nexit {dice.One("67", "75", "69", "77", "1", "65")}\n"));
        if (dice.Chance(60))
            made.Set("keeper_destination_recipient_limit", "1");
        made.Set("transport_maps", made.Table("pipes", ("list.test", "keeper:"), ("lists@here.test", "keeper:"), ("spool.test", "keeper:/some/where"), ("bad.test", "failing:"), ("carol@here.test", "keeper:hop")));
        made.Set("relay_domains", "list.test, spool.test, bad.test");
        made.Recipients.AddRange(["ann@list.test", "bo+x@list.test", "Carl@list.test", "x@bad.test", "carol@here.test", "any@spool.test", "y@bad.test"]);
    }

    public static void Lmtp(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("lmtp");
        made.Set(dice.One("mailbox_transport", "local_transport", "fallback_transport"), "lmtp:inet:198.51.100.23:24");
        if (dice.Chance(30))
            made.Set("mailbox_transport_maps", made.Table("box-transports", ("bob", "lmtp:inet:198.51.100.23:24"), ("carol", "smtp:[198.51.100.22]")));
        if (dice.Chance(30))
            made.Set("lmtp_destination_recipient_limit", "1");
        if (dice.Chance(40))
            made.File("/etc/aliases", "root: alice\nno-box: bob\nfull: carol, alice\nno: bob\n");
        made.Recipients.AddRange(["alice@here.test", "bob@here.test", "carol+x@here.test", "full@here.test", "no@here.test", "no-box@here.test"]);
    }
}
