using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Routing.Maps;
using Estafette.Smtpd.Cleanup;

namespace Estafette.Tests.Routing.Maps;

/// <summary>canonical(5), virtual(5), masquerade_domains, bcc maps. The right sides are what Postfix 3.7.11 did with the same tables.</summary>
public sealed class MappingTests
{
    private const string Canonical = """
        canonical_maps = inline:{
            { once@here.test = twice@here.test } { twice@here.test = thrice@here.test } { self@here.test = self@here.test }
            { multi@here.test = m1@here.test, m2@here.test } { ext@here.test = extended@here.test }
            { @old.test = @new.test } { atd@here.test = @elsewhere.test } { bare = bare.name } { space@here.test = "a b"@here.test } { swap@here.test = site!user } }
        sender_canonical_maps = inline:{ { s@here.test = snd@here.test } { nul@here.test = <> } }
        recipient_canonical_maps = inline:{ { r@here.test = rcp@here.test } }
        masquerade_domains = !keep.corp.test corp.test
        masquerade_exceptions = root
        """;

    private const string Aliases = """
        virtual_alias_domains = virt.test
        virtual_alias_expansion_limit = 5
        virtual_alias_recursion_limit = 4
        virtual_alias_address_length_limit = 60
        virtual_alias_maps = inline:{
            { a@virt.test = b@virt.test } { b@virt.test = c@here.test, d@here.test } { loop1@virt.test = loop2@virt.test } { loop2@virt.test = loop1@virt.test }
            { self@virt.test = self@virt.test, other@here.test } { own = own, copy@here.test } { ext@virt.test = t1@here.test, t2@here.test }
            { @cat.virt.test = @new.test } { atd@virt.test = @elsewhere.test }
            { deep1@virt.test = deep2@virt.test } { deep2@virt.test = deep3@virt.test } { deep3@virt.test = deep4@virt.test } { deep4@virt.test = deep5@virt.test } { deep5@virt.test = deep6@virt.test }
            { ok1@virt.test = ok2@virt.test } { ok2@virt.test = ok3@virt.test } { ok3@virt.test = ok4@here.test }
            { wide@virt.test = 1@c.test 2@c.test 3@c.test 4@c.test 5@c.test 6@c.test } { five@virt.test = 1@c.test 2@c.test 3@c.test 4@c.test 5@c.test }
            { long@virt.test = aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff@c.test }
            { dup1@virt.test = same@here.test } { dup2@virt.test = same@here.test } { dup3@virt.test = same@here.test, SAME@here.test }
            { quoted@virt.test = "q r"@here.test } { unq@virt.test = unq.name } { plus+exact@virt.test = exact@here.test } { plus@virt.test = base@here.test } }
        """;

    [Theory]
    [InlineData("once@here.test", "thrice@here.test")]
    [InlineData("self@here.test", "self@here.test")]
    [InlineData("multi@here.test", "m1@here.test")]
    [InlineData("ext+foo@here.test", "extended+foo@here.test")]
    [InlineData("u+foo@old.test", "u+foo@new.test")]
    [InlineData("u@old.test", "u@new.test")]
    [InlineData("atd+foo@here.test", "atd+foo@elsewhere.test")]
    [InlineData("bare", "bare.name@mx.here.test")]
    [InlineData("bare+x", "bare.name+x@mx.here.test")]
    [InlineData("bare@localhost", "bare.name@mx.here.test")]
    [InlineData("space@here.test", "\"a b\"@here.test")]
    [InlineData("swap@here.test", "user@site")]
    [InlineData("s@here.test", "s@here.test")]
    [InlineData("r@here.test", "rcp@here.test")]
    [InlineData("a@host.corp.test", "a@host.corp.test")]
    public void Canonical_recipients(string given, string recipient) => Assert.Equal(recipient, new MapHouse(Canonical).Recipients(given));

    [Theory]
    [InlineData("once@here.test", "thrice@here.test")]
    [InlineData("s@here.test", "snd@here.test")]
    [InlineData("nul@here.test", "")]
    [InlineData("r@here.test", "r@here.test")]
    [InlineData("ext+foo@here.test", "extended+foo@here.test")]
    [InlineData("a@host.corp.test", "a@corp.test")]
    [InlineData("root@host.corp.test", "root@host.corp.test")]
    [InlineData("a@h.keep.corp.test", "a@h.keep.corp.test")]
    [InlineData("a@keep.corp.test", "a@keep.corp.test")]
    [InlineData("a@xcorp.test", "a@xcorp.test")]
    [InlineData("bare", "bare.name@mx.here.test")]
    [InlineData("", "")]
    public void Canonical_senders_and_masks(string given, string sender) => Assert.Equal(sender, new MapHouse(Canonical).Sender(given));

    [Theory]
    [InlineData("a@host.corp.test", MappedAddresses.HeaderSender, "a@corp.test")]
    [InlineData("a@h.keep.corp.test", MappedAddresses.HeaderRecipient, "a@h.keep.corp.test")]
    [InlineData("once@here.test", MappedAddresses.HeaderRecipient, "thrice@here.test")]
    [InlineData("r@here.test", MappedAddresses.HeaderRecipient, "rcp@here.test")]
    [InlineData("s@here.test", MappedAddresses.HeaderRecipient, "s@here.test")]
    [InlineData("s@here.test", MappedAddresses.HeaderSender, "snd@here.test")]
    [InlineData("ext+h@here.test", MappedAddresses.HeaderRecipient, "extended+h@here.test")]
    [InlineData("bare", MappedAddresses.None, "bare@mx.here.test")]
    public async Task Header_addresses_go_the_same_way(string written, MappedAddresses place, string rewritten) =>
        Assert.Equal(rewritten, await new MapHouse(Canonical).Router.RewriteWrittenAsync(written, place, RewriteContext.Local, CancellationToken.None));

    [Theory]
    [InlineData("canonical_classes = header_sender", "once@here.test", "once@here.test")]
    [InlineData("canonical_classes = envelope_recipient", "once@here.test", "thrice@here.test")]
    [InlineData("recipient_canonical_classes = header_recipient", "r@here.test", "r@here.test")]
    [InlineData("propagate_unmatched_extensions = virtual", "ext+foo@here.test", "extended@here.test")]
    [InlineData("masquerade_classes = envelope_recipient", "a@host.corp.test", "a@corp.test")]
    public void Classes_say_which_addresses_are_meant(string main, string given, string recipient) => Assert.Equal(recipient, new MapHouse(Canonical + "\n" + main).Recipients(given));

    [Fact]
    public void E32_canonical_names_that_lead_in_a_circle_are_refused_for_now() =>
        Assert.Equal(new EnhancedStatus(4, 3, 0), new MapHouse("canonical_maps = inline:{ { a@here.test = b@here.test } { b@here.test = a@here.test } }").Refused("a@here.test").Status);

    [Theory]
    [InlineData("a@virt.test", "c@here.test, d@here.test")]
    [InlineData("a+foo@virt.test", "c+foo@here.test, d+foo@here.test")]
    [InlineData("self@virt.test", "self@virt.test, other@here.test")]
    [InlineData("own", "own@mx.here.test, copy@here.test")]
    [InlineData("own+foo", "own+foo@mx.here.test, copy+foo@here.test")]
    [InlineData("ext+foo@virt.test", "t1+foo@here.test, t2+foo@here.test")]
    [InlineData("u+foo@cat.virt.test", "u+foo@new.test")]
    [InlineData("atd+foo@virt.test", "atd+foo@elsewhere.test")]
    [InlineData("ok1@virt.test", "ok4@here.test")]
    [InlineData("five@virt.test", "1@c.test, 2@c.test, 3@c.test, 4@c.test, 5@c.test")]
    [InlineData("quoted+foo@virt.test", "\"q r+foo\"@here.test")]
    [InlineData("unq@virt.test", "unq.name@mx.here.test")]
    [InlineData("plus+exact@virt.test", "exact@here.test")]
    [InlineData("plus+other@virt.test", "base+other@here.test")]
    [InlineData("unknown@virt.test", "unknown@virt.test")]
    public void V14_virtual_aliases(string given, string recipients) => Assert.Equal(recipients, new MapHouse(Aliases).Recipients(given));

    [Theory]
    [InlineData("bob carol", "bob@mx.here.test, carol@mx.here.test")]
    [InlineData("bob carol@c.test", "bob@mx.here.test, carol@c.test")]
    [InlineData("bob@b.test, , carol@c.test,", "bob@b.test, carol@c.test")]
    [InlineData("Bob Name <bob@b.test>, carol@c.test (Carol)", "bob@b.test, carol@c.test")]
    [InlineData("<bob@b.test> carol@c.test", "bob@b.test, carol@c.test")]
    [InlineData("\"b b\"@b.test carol", "\"b b\"@b.test, carol@mx.here.test")]
    [InlineData("group: bob@b.test, carol@c.test;", "bob@b.test, carol@c.test")]
    [InlineData("bob@b . test", "bob@b.test")]
    [InlineData("a%b@mx.here.test", "a%b@mx.here.test")]
    [InlineData("bob@b.test.", "bob@b.test")]
    [InlineData("bob@[1.2.3.4]", "bob@[1.2.3.4]")]
    [InlineData("|/bin/cmd", "|/bin/cmd@mx.here.test")]
    [InlineData(":include:/etc/x", "\":include:/etc/x\"@mx.here.test")]
    [InlineData("/var/file", "/var/file@mx.here.test")]
    [InlineData("bob;carol", "bob@mx.here.test, carol@mx.here.test")]
    [InlineData("\\bob", "bob@mx.here.test")]
    public void Lists_in_tables_are_read_as_the_original_reads_them(string value, string recipients) =>
        Assert.Equal(recipients, new MapHouse("virtual_alias_maps = inline:{ { x@virt.test = " + value + " } }").Recipients("x@virt.test"));

    [Theory]
    [InlineData("loop1@virt.test")]
    [InlineData("deep1@virt.test")]
    [InlineData("wide@virt.test")]
    [InlineData("long@virt.test")]
    public void E32_aliases_beyond_a_limit_are_refused_for_now(string given)
    {
        EnvelopeRewriting.Refused refused = new MapHouse(Aliases).Refused(given);
        Assert.Equal("4.6.0 Alias expansion error", refused.Status + " " + refused.Text);
    }

    [Theory]
    [InlineData("", 3)]
    [InlineData("enable_original_recipient = no", 1)]
    public void Doubles_go_but_ways_to_a_mailbox_stay_apart(string main, int left)
    {
        EnvelopeRewriting.Rewritten envelope = new MapHouse(Aliases + "\n" + main).Envelope("from@away.test", "dup1@virt.test", "dup2@virt.test", "dup3@virt.test", "dup1@virt.test");
        Assert.Equal(left, envelope.Recipients.Length);
    }

    [Fact]
    public void E35_success_is_told_of_the_alias_and_not_of_what_it_became()
    {
        EnvelopeDraft draft = MapHouse.Draft("from@away.test") with
        {
            Recipients = [new DraftRecipient(MapHouse.Raw("b@virt.test"), DsnNotify.Success | DsnNotify.Delay, "rfc822;orig@z"), new DraftRecipient(MapHouse.Raw("ok1@virt.test"), DsnNotify.Success), new DraftRecipient(MapHouse.Raw("x@away.test"), DsnNotify.Success)],
        };
        var rewritten = Assert.IsType<EnvelopeRewriting.Rewritten>(new MapHouse(Aliases).Rewrite(draft));
        Assert.Equal(["c@here.test Delay rfc822;orig@z", "d@here.test Delay rfc822;orig@z", "ok4@here.test Never rfc822;ok1@virt.test", "x@away.test Success rfc822;x@away.test"],
            rewritten.Recipients.Where(r => r.Action == "").Select(r => $"{r.Address} {r.Notify} {r.DsnOriginalRecipient}"));
        Assert.Equal(["b@virt.test", "ok1@virt.test"], rewritten.Recipients.Where(r => r.Action == Recipient.AliasExpanded).Select(r => r.Address.ToString()));
    }

    private const string Copies = """
        always_bcc = all@here.test
        sender_bcc_maps = inline:{ { watched@here.test = of.sender } }
        recipient_bcc_maps = inline:{ { bob@here.test = carol+bob@here.test } { @quiet.test = of.quiet@here.test } }
        virtual_alias_maps = inline:{ { of.sender@mx.here.test = archive@here.test } }
        """;

    [Theory]
    [InlineData("from@away.test", "alice@here.test", "alice@here.test, all@here.test")]
    [InlineData("watched@here.test", "alice@here.test", "archive@here.test, alice@here.test, all@here.test")]
    [InlineData("from@away.test", "bob@here.test", "bob@here.test, carol+bob@here.test, all@here.test")]
    [InlineData("from@away.test", "bob+x@here.test", "bob+x@here.test, carol+bob@here.test, all@here.test")]
    [InlineData("from@away.test", "any@quiet.test", "any@quiet.test, of.quiet@here.test, all@here.test")]
    public void Copies_are_added_and_nobody_hears_of_them(string from, string to, string recipients)
    {
        EnvelopeRewriting.Rewritten envelope = new MapHouse(Copies).Envelope(from, to);
        Assert.Equal(recipients, string.Join(", ", envelope.Recipients.Select(r => r.Address)));
        Assert.Equal(recipients.Split(", ").Length - 1, envelope.Recipients.Count(r => r.Notify == DsnNotify.Never));
    }

    [Fact]
    public void Without_mappings_only_the_form_changes()
    {
        EnvelopeDraft draft = MapHouse.Draft("watched@here.test", "bob") with { IsMapped = false };
        var rewritten = Assert.IsType<EnvelopeRewriting.Rewritten>(new MapHouse(Copies).Rewrite(draft));
        Assert.Equal("bob@mx.here.test", Assert.Single(rewritten.Recipients).Address.ToString());
    }

    [Fact]
    public void What_the_server_sends_itself_is_not_copied()
    {
        EnvelopeDraft draft = MapHouse.Draft("", "bob@here.test") with { IsCopied = false };
        Assert.Single(Assert.IsType<EnvelopeRewriting.Rewritten>(new MapHouse(Copies).Rewrite(draft)).Recipients);
    }

    [Fact]
    public void Content_may_add_a_copy_or_send_everything_elsewhere()
    {
        EnvelopeDraft draft = MapHouse.Draft("from@away.test", "alice@here.test", "bob@here.test") with { Copies = ["spy"] };
        var house = new MapHouse();
        Assert.Equal("alice@here.test bob@here.test spy@mx.here.test", string.Join(' ', Assert.IsType<EnvelopeRewriting.Rewritten>(house.Rewrite(draft)).Recipients.Select(r => r.Address)));
        var moved = Assert.IsType<EnvelopeRewriting.Rewritten>(house.Rewrite(draft with { Redirect = "jail@away.test" }));
        Assert.Equal("jail@away.test", Assert.Single(moved.Recipients).Address.ToString());
    }

    [Fact]
    public void What_content_sends_elsewhere_is_delivered_though_the_sender_asked_for_news_of_an_alias()
    {
        var house = new MapHouse("virtual_alias_maps = inline:{ { info@here.test = bob@here.test } }");
        EnvelopeDraft draft = MapHouse.Draft("from@away.test") with { Recipients = [new DraftRecipient(MapHouse.Raw("info@here.test"), DsnNotify.Success)], Redirect = "jail@away.test" };
        Recipient only = Assert.Single(Assert.IsType<EnvelopeRewriting.Rewritten>(house.Rewrite(draft)).Recipients);
        Assert.Equal(("", "jail@away.test"), (only.Action, only.Address.ToString()));
    }

    [Fact]
    public void A_filter_gets_what_an_alias_became_and_not_the_alias_too()
    {
        var house = new MapHouse("virtual_alias_maps = inline:{ { info@here.test = bob@here.test } }");
        EnvelopeDraft draft = MapHouse.Draft("from@away.test") with { Recipients = [new DraftRecipient(MapHouse.Raw("info@here.test"), DsnNotify.Success)] };
        ImmutableArray<Recipient> recipients = Assert.IsType<EnvelopeRewriting.Rewritten>(house.Rewrite(draft)).Recipients;
        Assert.Equal([(Recipient.AliasExpanded, "info@here.test"), ("scan", "bob@here.test")], CleanupEnd.Filtered(recipients, "scan:[127.0.0.1]:10025", new CleanupConfig()).Select(r => (r.Action, r.Address.ToString())));
    }

    [Theory]
    [InlineData("virtual_alias_maps = fail:x")]
    [InlineData("canonical_maps = fail:x")]
    [InlineData("sender_canonical_maps = fail:x")]
    [InlineData("recipient_canonical_maps = fail:x")]
    [InlineData("sender_bcc_maps = fail:x")]
    [InlineData("recipient_bcc_maps = fail:x")]
    [InlineData("mydestination = fail:x\nvirtual_alias_maps = inline:{x=y}")]
    public void E44_a_table_that_cannot_be_read_never_means_no(string main) => Assert.Equal(4, new MapHouse(main).Refused("a@here.test").Status.Class);
}
