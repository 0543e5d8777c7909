using Estafette.Mail;
using Estafette.Routing.Maps;

namespace Estafette.Tests.Routing.Maps;

/// <summary>ADDRESS_CLASS_README, transport(5), relocated(5), trivial-rewrite(8): whose an address is, where it goes, and whether it exists.</summary>
public sealed class ClassTests
{
    private const string Classes = """
        virtual_alias_domains = virt.test
        virtual_alias_maps = inline:{ { info@virt.test = alice } { abuse = bob } }
        virtual_mailbox_domains = box.test
        virtual_mailbox_maps = inline:{ { user@box.test = user/ } }
        relay_domains = inner.test, .sub.test
        parent_domain_matches_subdomains =
        relay_recipient_maps = inline:{ { ok@inner.test = x } { @any.sub.test = x } }
        """;

    [Theory]
    [InlineData("alice@here.test", AddressClass.Local, "local:mx.here.test")]
    [InlineData("alice@localhost", AddressClass.Local, "local:mx.here.test")]
    [InlineData("alice@[127.0.0.1]", AddressClass.Local, "local:mx.here.test")]
    [InlineData("alice@[127.0.0.2]", AddressClass.Default, "smtp:[127.0.0.2]")]
    [InlineData("x@virt.test", AddressClass.VirtualAlias, "error:5.1.1 User unknown in virtual alias table")]
    [InlineData("x@box.test", AddressClass.VirtualMailbox, "virtual:box.test")]
    [InlineData("x@inner.test", AddressClass.Relay, "relay:inner.test")]
    [InlineData("x@a.inner.test", AddressClass.Default, "smtp:a.inner.test")]
    [InlineData("x@a.sub.test", AddressClass.Relay, "relay:a.sub.test")]
    [InlineData("x@sub.test", AddressClass.Default, "smtp:sub.test")]
    [InlineData("x@other.test", AddressClass.Default, "smtp:other.test")]
    public void V16_each_domain_has_one_class(string written, AddressClass @class, string way)
    {
        var house = new MapHouse(Classes);
        Assert.Equal((@class, way), (house.Resolve(written).Class, house.Way(written)));
    }

    [Theory]
    [InlineData("parent_domain_matches_subdomains = relay_domains", "x@a.inner.test", "relay:a.inner.test")]
    [InlineData("relayhost = [gate.test]:2525", "x@other.test", "smtp:[gate.test]:2525")]
    [InlineData("relayhost = [gate.test]:2525", "x@inner.test", "relay:[gate.test]:2525")]
    [InlineData("relayhost = [gate.test]:2525", "x@box.test", "virtual:box.test")]
    [InlineData("relayhost = [gate.test]:2525\ndefault_transport = smtp:[all.test]", "x@other.test", "smtp:[all.test]")]
    [InlineData("local_transport = lmtp:unix:private/dovecot-lmtp", "alice@here.test", "lmtp:unix:private/dovecot-lmtp")]
    [InlineData("virtual_transport = lmtp:inet:127.0.0.1:24", "x@box.test", "lmtp:inet:127.0.0.1:24")]
    [InlineData("proxy_interfaces = 203.0.113.9", "alice@[203.0.113.9]", "local:mx.here.test")]
    public void The_class_and_the_relay_host_say_where(string main, string written, string way) => Assert.Equal(way, new MapHouse(Classes + "\n" + main).Way(written));

    private const string Transports = """
        transport_maps = inline:{ { one.test = smtp:[one.sink.test] } { .one.test = smtp:[127.0.0.21]:2626 } { special@one.test = local:alice@here.test } { two.test = :[127.0.0.21]:2626 }
            { direct.test = smtp: } { bad.test = error:5.7.1 no mail for this domain } { mute.test = error: } { later.test = retry:4.7.1 later please } { silent.test = discard: } { noop.test = : }
            { here.test = lmtp:[127.0.0.5] } { user@virt.test = smtp:[x] } }
        virtual_alias_domains = virt.test
        relayhost = [gate.test]
        """;

    [Theory]
    [InlineData("a@one.test", "smtp:[one.sink.test]")]
    [InlineData("a@sub.one.test", "smtp:[127.0.0.21]:2626")]
    [InlineData("a@deep.sub.one.test", "smtp:[127.0.0.21]:2626")]
    [InlineData("special@one.test", "local:alice@here.test")]
    [InlineData("special+ext@one.test", "local:alice@here.test")]
    [InlineData("a@two.test", "smtp:[127.0.0.21]:2626")]
    [InlineData("a@direct.test", "smtp:direct.test")]
    [InlineData("a@bad.test", "error:5.7.1 no mail for this domain")]
    [InlineData("a@mute.test", "error:Address is undeliverable")]
    [InlineData("a@later.test", "retry:4.7.1 later please")]
    [InlineData("a@silent.test", "discard:silent.test")]
    [InlineData("a@noop.test", "smtp:[gate.test]")]
    [InlineData("a@else.test", "smtp:[gate.test]")]
    [InlineData("alice@here.test", "lmtp:[127.0.0.5]")]
    [InlineData("user@virt.test", "error:5.1.1 User unknown in virtual alias table")]
    public void V13_transport_maps(string written, string way) => Assert.Equal(way, new MapHouse(Transports).Way(written));

    [Theory]
    [InlineData("transport_maps = inline:{ { * = smtp:[all.test] } { here.test = : } }", "x@other.test", "smtp:[all.test]")]
    [InlineData("transport_maps = inline:{ { * = smtp:[all.test] } { here.test = : } }", "alice@here.test", "local:mx.here.test")]
    [InlineData("transport_maps = inline:{ { one.test = smtp:[x] } }\nparent_domain_matches_subdomains = transport_maps", "a@b.one.test", "smtp:[x]")]
    [InlineData("sender_dependent_relayhost_maps = inline:{ { from@away.test = [own.test] } }\nrelayhost = [gate.test]", "x@other.test", "smtp:[own.test]")]
    [InlineData("sender_dependent_relayhost_maps = inline:{ { @away.test = dunno } }\nrelayhost = [gate.test]", "x@other.test", "smtp:other.test")]
    [InlineData("sender_dependent_relayhost_maps = inline:{ { other@away.test = [own.test] } }\nrelayhost = [gate.test]", "x@other.test", "smtp:[gate.test]")]
    [InlineData("sender_dependent_default_transport_maps = inline:{ { @away.test = lmtp:[own.test] } }\nrelayhost = [gate.test]", "x@other.test", "lmtp:[own.test]")]
    [InlineData("sender_dependent_default_transport_maps = inline:{ { @away.test = relay: } }\nrelayhost = [gate.test]", "x@other.test", "relay:[gate.test]")]
    [InlineData("relocated_maps = inline:{ { gone@here.test = new@there.test } }", "gone@here.test", "error:5.1.6 User has moved to new@there.test")]
    [InlineData("relocated_maps = inline:{ { gone = new@there.test } }", "gone+x@here.test", "error:5.1.6 User has moved to new@there.test")]
    [InlineData("relocated_maps = inline:{ { @closed.test = somewhere else } }", "any@closed.test", "error:5.1.6 User has moved to somewhere else")]
    public void Maps_over_the_class(string main, string written, string way) => Assert.Equal(way, new MapHouse(main).Way(written));

    [Fact]
    public void The_null_sender_has_a_key_of_its_own() =>
        Assert.Equal("smtp:[bounces.test]", new MapHouse("sender_dependent_relayhost_maps = inline:{ { <> = [bounces.test] } }").Way("x@other.test", ""));

    [Theory]
    [InlineData("alice@here.test", "Known")]
    [InlineData("alice+any@here.test", "Known")]
    [InlineData("alice", "Known")]
    [InlineData("list@here.test", "Known")]
    [InlineData("postmaster@here.test", "Known")]
    [InlineData("Double-Bounce@here.test", "Known")]
    [InlineData("abuse@here.test", "Known")]
    [InlineData("nobody@here.test", "Unknown: User unknown in local recipient table")]
    [InlineData("a b@here.test", "Unknown: User unknown in local recipient table")]
    [InlineData("info@virt.test", "Known")]
    [InlineData("x@virt.test", "Unknown: User unknown in virtual alias table")]
    [InlineData("user@box.test", "Known")]
    [InlineData("x@box.test", "Unknown: User unknown in virtual mailbox table")]
    [InlineData("ok@inner.test", "Known")]
    [InlineData("x@inner.test", "Unknown: User unknown in relay recipient table")]
    [InlineData("x@any.sub.test", "Known")]
    [InlineData("x@other.test", "Known")]
    [InlineData("nobody%here.test@here.test", "Unknown: User unknown in local recipient table")]
    public void E34_who_exists(string written, string standing) => Assert.Equal(standing, Words(new MapHouse(Classes).Standing(written)));

    [Theory]
    [InlineData("local_recipient_maps =", "nobody@here.test", "Known")]
    [InlineData("show_user_unknown_table_name = no", "nobody@here.test", "Unknown: User unknown")]
    [InlineData("recipient_canonical_maps = inline:{ { old@here.test = alice@here.test } }", "old@here.test", "Known")]
    [InlineData("sender_canonical_maps = inline:{ { old@here.test = alice@here.test } }", "old@here.test", "Unknown: User unknown in local recipient table")]
    [InlineData("relocated_maps = inline:{ { gone@here.test = new@there.test } }", "gone@here.test", "Unknown: User has moved to new@there.test (5.1.6)")]
    [InlineData("transport_maps = inline:{ { other.test = error:5.7.1 not for us } }", "x@other.test", "Unknown: not for us (5.7.1)")]
    [InlineData("local_recipient_maps = fail:x", "nobody@here.test", "Unavailable")]
    [InlineData("local_recipient_maps = fail:x", "postmaster@here.test", "Known")]
    [InlineData("virtual_alias_maps = fail:x", "x@other.test", "Unavailable")]
    [InlineData("transport_maps = fail:x", "x@other.test", "Unavailable")]
    [InlineData("relay_domains = fail:x", "x@other.test", "Unavailable")]
    [InlineData("mydestination = fail:x", "x@other.test", "Unavailable")]
    public void E44_who_exists_by_other_tables(string main, string written, string standing) => Assert.Equal(standing, Words(new MapHouse(main).Standing(written)));

    [Fact]
    public void A_sender_may_be_known_by_his_canonical_name_alone() =>
        Assert.Equal("Known", Words(new MapHouse("sender_canonical_maps = inline:{ { old@here.test = alice@here.test } }").Standing("old@here.test", AddressRole.Sender)));

    [Fact]
    public void E44_a_name_service_that_is_down_knows_nobody_and_misses_nobody() => Assert.Equal("Unavailable", Words(new MapHouse { UsersFail = true }.Standing("nobody@here.test")));

    [Theory]
    [InlineData("relay_domains = inline:{box.test=x}\nvirtual_mailbox_domains = box.test", "x@box.test", "do not list domain box.test in BOTH virtual_mailbox_domains and relay_domains")]
    [InlineData("virtual_alias_domains = inline:{here.test=x}", "x@here.test", "do not list domain here.test in BOTH mydestination and virtual_alias_domains")]
    public void V16_a_domain_in_two_classes_is_told_once(string main, string written, string warning)
    {
        var house = new MapHouse(main);
        house.Way(written);
        house.Way(written);
        Assert.Equal([warning], house.Warnings);
    }

    private static string Words(AddressStanding standing) => standing.Existence switch
    {
        AddressExistence.Unknown => "Unknown: " + standing.Reason + (standing.Status.IsNone || standing.Status.Detail == 1 && standing.Status.Subject == 1 ? "" : $" ({standing.Status})"),
        _ => standing.Existence.ToString(),
    };
}
