namespace Estafette.Differ.Cases;

/// <summary>What cleanup(8) and smtp(8) do to addresses.</summary>
internal static class Rewriting
{
    private static readonly (string, string)[] s_rows =
    [
        ("alice@here.test", "Alice.Martin@here.test"), ("alice", "alice.m"), ("@client.test", "@clients.test"), ("a@client.test", "renamed@client.test"), ("bob@here.test", "robert@far.test"), ("@shop.test", "@here.test"),
        ("carol@here.test", "dave@here.test"), ("nosuch@here.test", "alice@here.test"), ("someone@far.test", "someone-else@far.test"), ("bob+x@here.test", "carol"),
    ];

    public static void Canonical(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("canonical");
        made.Set(dice.One("canonical_maps", "sender_canonical_maps", "recipient_canonical_maps"), made.Table("canonical", dice.Some(2, 5, s_rows)));
        if (dice.Chance(30))
            made.Set("sender_canonical_maps", "regexp:" + made.File("/etc/postfix/sender-patterns", "/^(.*)@client\\.test$/  $1@clients.test\n/^alice@/ \"A L\"@here.test\n"));
        if (dice.Chance(25))
            made.Set("canonical_classes", dice.One("envelope_sender, header_sender", "header_recipient", "envelope_recipient", "envelope_sender, envelope_recipient"));
        if (dice.Chance(40))
            RewriteHeaders(made);
        made.Directive("dns clients.test MX 10 mail.far.test");
        made.Recipients.AddRange(["alice@here.test", "bob+x@here.test", "Alice.Martin@here.test", "nosuch@here.test", "carol@shop.test"]);
        Headers(made);
    }

    public static void Masquerade(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("masquerade");
        made.Set("masquerade_domains", dice.One("$mydomain", "here.test", "!mx.here.test here.test", "sub.here.test here.test"));
        if (dice.Chance(40))
            made.Set("masquerade_classes", dice.One("envelope_sender, envelope_recipient, header_sender, header_recipient", "header_sender"));
        if (dice.Chance(40))
            made.Set("masquerade_exceptions", "root, bob");
        if (dice.Chance(40))
            RewriteHeaders(made);
        made.Senders.AddRange(["alice@mx.here.test", "root@mx.here.test", "bob@box.sub.here.test", "carol@there.test"]);
        made.HeaderLines.AddRange(["From: Alice <alice@mx.here.test>", "Sender: root@mx.here.test", "Cc: bob@box.sub.here.test, alice@here.test"]);
    }

    public static void Relocated(Case made)
    {
        made.Feature("relocated");
        made.Set("relocated_maps", made.Table("relocated", made.Dice.Some(2, 4, ("carol@here.test", "carol@far.test"), ("dave", "dave@nowhere.test, by letter"), ("@shop.test", "shop.far.test"), ("nosuch@here.test", "none"), ("someone@far.test", "else@far.test"))));
        made.Recipients.AddRange(["carol@here.test", "dave@mx.here.test", "x@shop.test", "nosuch@here.test", "carol+x@here.test"]);
    }

    public static void Generic(Case made)
    {
        made.Feature("generic");
        made.Set("smtp_generic_maps", made.Table("generic", made.Dice.Some(2, 4, ("alice@here.test", "shop@client.test"), ("@mx.here.test", "all@client.test"), ("root@here.test", "admin@client.test"), ("someone@far.test", "other@far.test"), ("bob", "robert"))));
        made.Senders.AddRange(["alice@here.test", "root@mx.here.test", "bob@here.test"]);
        made.Recipients.AddRange(["someone@far.test", "someone@away.test", "team@far.test", "someone@far.test"]);
        made.Clients.Add("127.0.0.1");
        Headers(made);
    }

    public static void BlindCopies(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("blind copies");
        if (dice.Chance(50))
            made.Set("always_bcc", dice.One("dave", "dave@here.test", "archive@far.test", "nosuch@here.test"));
        if (dice.Chance(60))
            made.Set("sender_bcc_maps", made.Table("sender-bcc", ("a@client.test", "carol"), ("@far.test", "bob@here.test")));
        if (dice.Chance(60))
            made.Set("recipient_bcc_maps", made.Table("recipient-bcc", ("alice@here.test", "carol@here.test"), ("@mx.here.test", "archive@far.test"), ("bob", "dave")));
    }

    /// <summary>The ways to complete and to take apart an address.</summary>
    public static void Forms(Case made)
    {
        Dice dice = made.Dice;
        made.Feature("address forms");
        if (dice.Chance(40))
            made.Set("append_dot_mydomain", dice.One("yes", "no"));
        if (dice.Chance(30))
            made.Set("swap_bangpath", "no");
        if (dice.Chance(30))
            made.Set("allow_percent_hack", "no");
        if (dice.Chance(25))
            made.Set("resolve_dequoted_address", "no");
        if (dice.Chance(25))
            made.Set("empty_address_recipient", dice.One("bob", "MAILER-DAEMON"));
        if (dice.Chance(40))
            RewriteHeaders(made);
        if (dice.Chance(25))
            made.Set("strict_rfc821_envelopes", "yes");
        if (dice.Chance(20))
            made.Set("allow_min_user", "yes");
        made.Recipients.AddRange(["alice", "alice@nodots", "someone%far.test@here.test", "far.test!someone", "alice%here.test@mx.here.test", "here.test!alice", "\"someone@far.test\"@here.test", "someone@far.test@here.test", "-f@here.test"]);
        Headers(made);
    }

    private static void RewriteHeaders(Case made)
    {
        if (made.Dice.Chance(50))
            made.Set("remote_header_rewrite_domain", "domain.invalid");
        else
            made.Set("local_header_rewrite_clients", made.Dice.One("static:all", "permit_mynetworks", "permit_inet_interfaces"));
    }

    private static void Headers(Case made) => made.HeaderLines.AddRange(
    [
        "From: Alice <alice>", "From: alice@here.test (Alice Martin)", "Reply-To: bob", "Cc: carol, \"Dave, the\" <dave@nodots>, a@client.test", "To: group: alice, bob@here.test;, carol", "Sender: alice@here.test", "Errors-To: bob@here.test",
        "Resent-From: bob", "To: undisclosed-recipients:;", "Cc: someone@far.test, a@client.test,\n  someone%far.test@mx.here.test",
    ]);
}
