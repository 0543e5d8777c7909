using Estafette.Config;
using Estafette.Config.Model;

namespace Estafette.Tests.Config;

/// <summary>Whole configurations as people write them, of both grammars: accepted without a word, or refused as the original does.</summary>
public sealed class ScenarioShapeTests
{
    private static MachineInMemory Machine() => new MachineInMemory()
        .With("/etc/aliases", "root: alice\n").With("/etc/mail/virtuals", "@virt.test alice\n").With("/etc/mail/files", "files.test\n")
        .With("/etc/mail/al.db", "cdb").With("/etc/mail/domains.db", "cdb").With("/etc/mail/aliases.db", "cdb").With("/etc/mail/secrets.db", "cdb", "640")
        .With("/etc/mail/creds", "alice $6$x\n", "640").With("/etc/ssl/cert.pem", "c").With("/etc/ssl/key.pem", "k", "600")
        .With("/etc/smtpd/ok1.conf", Ok1).With("/etc/smtpd/folded", "a: b,\n  c\n");

    private const string Ok1 = """
        if = "lo"
        dom = "a.test"
        listen on $if port 2525
        action "x" mbox
        match from any for domain $dom action "x"
        """;

    public static TheoryData<string> Accepted => new(
        Ok1,
        "include \"/etc/smtpd/ok1.conf\"",
        "table t { a, b, \\\n  c }\nlisten on 127.0.0.1\naction x maildir\nmatch for domain <t> action x",
        """
        listen on localhost
        table aliases file:/etc/aliases
        action "local" maildir alias <aliases>
        action "relay" relay
        # match from any for domain "example.org" action "local"
        match for local action "local"
        match from local for any action "relay"
        """,
        """
        listen on 127.0.0.1
        action "backup" relay backup mx "mx.conform.test"
        action "out" relay
        action "local" mbox
        match from any for domain "backed.test" action "backup"
        match for local action "local"
        match for any action "out"
        """,
        """
        table badips { 127.0.0.10 }
        table badsenders { "x@spam.test" }
        filter "ip" phase connect match src <badips> disconnect "550 5.7.1 not welcome"
        filter "rdns" phase connect match rdns regex { "^bad\." } reject "550 bad reverse name"
        filter "helo" phase helo match helo "localhost" reject "550 5.7.1 you are not localhost"
        filter "junk" phase ehlo match helo "junk.test" junk
        filter "from" phase mail-from match mail-from <badsenders> reject "550 5.7.1 sender refused"
        filter "all" chain { "ip", "rdns", "helo", "junk", "from" }
        listen on 127.0.0.1 filter "all"
        action "local" maildir junk
        match from any for local action "local"
        """,
        """
        listen on 127.0.0.1
        table sources { 127.0.0.64/26 }
        table bad { "@bad.test", "one@elsewhere.test" }
        table onlyalice { "alice@conform.test" }
        action "mbox" mbox
        action "wild" maildir "/var/conform/%{dest}"
        match from any mail-from <bad> for any reject
        match from any helo "evil.helo.test" for any reject
        match from any for rcpt-to <onlyalice> action "mbox"
        match from src <sources> for domain "conform.test" action "mbox"
        match from local for domain { "conform.test" } action "mbox"
        match from local for domain "*.wild.test" action "wild"
        match ! from any for domain "relayed.test" action "mbox"
        match for local action "mbox"
        """,
        """
        listen on 127.0.0.1
        action "one" lmtp "127.0.0.20:2400"
        action "two" lmtp "127.0.0.20:2400" rcpt-to
        match for domain "one.test" action "one"
        match for domain "two.test" action "two"
        """,
        """
        listen on 127.0.0.1
        table secrets { lab = "user:pass" }
        action "plain" relay host smtp+notls://127.0.0.20:2525 helo "out.conform.test"
        action "auth" relay host smtp+tls://lab@tls.sink.test:587 auth <secrets> tls no-verify
        action "smtps" relay host smtps://127.0.0.22 tls no-verify
        action "masked" relay host "smtp://127.0.0.20:2525" mail-from "@masked.test"
        action "wanttls" relay host smtp+tls://127.0.0.23
        match for domain "plain.test" action "plain"
        match for domain "auth.test" action "auth"
        match for domain "smtps.test" action "smtps"
        match for domain "masked.test" action "masked"
        match for domain "wanttls.test" action "wanttls"
        """,
        """
        pki mx.conform.test cert "/etc/ssl/cert.pem"
        pki mx.conform.test key "/etc/ssl/key.pem"
        table creds file:/etc/mail/creds
        table allowed { alice = "alice@conform.test,sales@conform.test", bob = "bob@conform.test" }
        listen on 127.0.0.1 port 587 tls-require pki mx.conform.test auth <creds> senders <allowed> masquerade
        action "local" mbox
        match for local action "local"
        """,
        """
        listen on 127.0.0.1
        table domains db:/etc/mail/domains.db
        table files file:/etc/mail/files
        table al db:/etc/mail/al.db
        table nets { 127.0.0.30, 10.0.0.0/8 }
        action "local" mbox alias <al>
        match from src <nets> for domain <domains> action "local"
        match from src <nets> for domain <files> action "local"
        """,
        """
        listen on 127.0.0.1
        table vusers file:/etc/mail/virtuals
        table vdomains { "virt.test", "catch.test" }
        action "virt" mbox virtual <vusers>
        action "out" relay
        match from any for domain <vdomains> action "virt"
        match for any action "out"
        """,
        """
        listen on 127.0.0.1
        accept from any for domain backed.test relay backup mx.conform.test
        accept from local for domain smart.test relay via "smtp://127.0.0.20:2525"
        accept from local for domain as.test relay via smtp://127.0.0.20:2626 as "@masked.test"
        accept from local for any relay hostname out.conform.test
        """,
        """
        pki Hermes certificate "/etc/ssl/cert.pem"
        pki Hermes key "/etc/ssl/key.pem"
        table creds file:/etc/mail/creds
        listen on 127.0.0.1 port 25 tls-require pki Hermes hostname Hermes
        listen on 127.0.0.1 port 465 smtps pki Hermes auth <creds> hostname Hermes
        listen on 127.0.0.1 port 587 tls-require pki Hermes auth <creds> tag SUBM
        accept for local deliver to mbox
        accept for any relay
        """,
        """
        listen on all
        table aliases db:/etc/mail/aliases.db
        accept from any for domain "dev.unix-experience.fr" alias <aliases> deliver to maildir
        accept for local alias <aliases> deliver to maildir
        accept for any relay
        """,
        """
        listen on 127.0.0.1
        table secrets db:/etc/mail/secrets.db
        table aliases file:/etc/aliases
        accept for local alias <aliases> deliver to mbox
        accept from local for any relay via tls+auth://label@smtp.gmail.test:587 auth <secrets>
        """);

    [Theory]
    [MemberData(nameof(Accepted))]
    public void A_usual_configuration_is_accepted_without_a_word(string text)
    {
        ConfigResult result = Conf.Read(text, Machine());
        Assert.Equal("", Conf.Printed(result));
        Assert.NotNull(result.Config);
    }

    [Theory]
    [InlineData("# nothing")]
    [InlineData("listen on lo\naction \"a\" mbox alias <missing>\nmatch for local action \"a\"")]
    [InlineData("listen on lo\nmatch for local action \"undefined\"")]
    [InlineData("listen on lo\naction \"a\" mbox\naction \"a\" maildir\nmatch for local action \"a\"")]
    [InlineData("listen on lo auth\naction \"a\" mbox\nmatch for local action \"a\"")]
    [InlineData("include \"/etc/smtpd/nosuch.conf\"\nlisten on lo")]
    [InlineData("table f file:/etc/smtpd/folded\nlisten on lo\naction \"a\" mbox alias <f>\nmatch for local action \"a\"")]
    [InlineData("listen on lo\nbounce warn-interval { 1h, 6h, 2d }\naction \"r\" relay\nmatch for any action \"r\"")]
    [InlineData("listen on lo\naction \"r\" relay srs\nmatch for any action \"r\"")]
    public void What_the_original_refuses_is_refused(string text)
    {
        ConfigResult result = Conf.Read(text, Machine());
        Assert.True(result.HasErrors);
        Assert.Null(result.Config);
    }

    [Fact]
    public void Tls_that_is_only_offered_needs_no_certificate_but_is_not_offered_then()
    {
        ConfigResult result = Conf.Read("listen on lo tls\naction \"a\" mbox\nmatch for local action \"a\"");
        Assert.Contains("STARTTLS is not offered here", Conf.Printed(result), StringComparison.Ordinal);
        Assert.All(result.Config!.Listeners, l => Assert.Equal(ListenerTls.None, l.Tls));
    }

    [Fact]
    public void An_unknown_relay_scheme_is_a_warning_and_mail_for_the_action_waits()
    {
        ConfigResult result = Conf.Read("listen on lo\naction \"a\" relay host nonsense://x\nmatch for any action \"a\"");
        Assert.Contains("mail for this action waits until it is corrected", Conf.Printed(result), StringComparison.Ordinal);
        Assert.False(result.Config!.Actions.ContainsKey("a"));
        Assert.Equal("a", result.Config.Rules[0].Action);
    }
}
