namespace Estafette.Differ.Cases;

/// <summary>What every main.cf begins with: names, domains, networks, and forms of addresses.</summary>
internal static class Base
{
    public static void Settings(Case made)
    {
        Dice dice = made.Dice;
        made.Set("compatibility_level", dice.One("3.6", "3.6", "3.6", "3.6", "3.6", "3.6", "2", "0"));
        // Without any list that refuses relaying, which the lowest level has not by itself, smtpd(8) ends.
        made.Set("smtpd_relay_restrictions", dice.One("permit_mynetworks, reject_unauth_destination", "permit_mynetworks permit_sasl_authenticated defer_unauth_destination"));
        made.Set("inet_protocols", "ipv4");
        if (dice.Chance(30))
            made.Set("inet_interfaces", dice.One("all", "127.0.0.1, 192.0.2.1", "$myhostname, localhost"));
        if (dice.Chance(70))
            made.Set("myhostname", "mx.here.test");
        if (dice.Chance(30))
            made.Set("mydomain", "here.test");
        if (dice.Chance(40))
            made.Set("myorigin", dice.One("$mydomain", "$myhostname", "shop.test", made.File("/etc/mailname", "here.test\n")));
        made.Set("mydestination", dice.One(
            "$myhostname, localhost.$mydomain, localhost, $mydomain",
            "$myhostname, localhost.$mydomain, localhost, $mydomain, shop.test",
            "$mydomain $myhostname\n    localhost",
            "$myhostname, " + made.File("/etc/postfix/domains", "here.test\n# ours as well\nshop.test\n"),
            made.Table("mydomains", ("here.test", "x"), ("mx.here.test", "x"), ("localhost", "x"))));
        made.Set("mynetworks", dice.One("127.0.0.0/8", "127.0.0.1/32", "127.0.0.0/8 [::1]/128 [::ffff:127.0.0.0]/104", "127.0.0.1 203.0.113.10", "!203.0.113.9, 203.0.113.0/28, 127.0.0.0/8",
            "cidr:" + made.File("/etc/postfix/networks", "127.0.0.1/32 OK\n203.0.113.10/31 OK\n")));
        if (dice.Chance(50))
            made.Set("recipient_delimiter", dice.One("+", "+", "-", "+-"));
        // Debian's own location; newaliases makes the database.
        made.Set("alias_maps", "hash:/etc/aliases");
        made.Set("alias_database", "hash:/etc/aliases");
        made.File("/etc/aliases", "postmaster: root\nroot: alice\nmailer-daemon: postmaster\n");
        made.Recipients.AddRange(["alice@here.test", "bob@mx.here.test", "carol@here.test", "alice@here.test", "nosuch@here.test", "alice+tag@here.test", "bob-list@mx.here.test", "postmaster", "postmaster@here.test",
            "someone@far.test", "nosuch@picky.test"]);
        if (dice.Chance(35))
            OddAddresses(made);
    }

    private static void OddAddresses(Case made)
    {
        made.Feature("odd addresses");
        made.Recipients.AddRange(made.Dice.Some(4, 8,
            "alice", "ALICE@MX.HERE.TEST", "\"alice\"@here.test", "alice@[127.0.0.1]", "alice@[192.0.2.99]", "someone%far.test@mx.here.test", "far.test!someone", "@one.test,@two.test:alice@here.test",
            "alice@here.test.", "alice@localhost", "\"a b\"@here.test", "alice@", "@here.test", "ali ce@here.test", "alice@here.test@far.test", "<alice@here.test>", "alice@nodots", "someone@sub.far.test",
            "x@gone.test", "x@nomail.test", "x@broken.test", "someone@away.test", "alice+", "+alice@here.test", "-alice@here.test", "alice..b@here.test", ".alice@here.test", "\"@far.test\"@here.test",
            "alice%here.test", "alice@here..test", "alice@-here.test", "alice@[here]", "someone@far.test%mx.here.test", "mx.here.test!alice", "root@localhost", "abuse@here.test", "élise@here.test"));
        made.Senders.AddRange(made.Dice.Some(2, 5,
            "alice", "x@gone.test", "x@broken.test", "x@nomail.test", "bad@client.test", "late@client.test", "@one.test:a@client.test", "a%b@client.test", "\"odd one\"@client.test", "a@nodots", "MAILER-DAEMON", "a@[203.0.113.9]",
            "nosuch@here.test", "double-bounce@here.test", "a@client.test."));
    }
}
