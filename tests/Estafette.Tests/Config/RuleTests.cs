using Estafette.Config;
using Estafette.Config.Model;

namespace Estafette.Tests.Config;

public sealed class RuleTests
{
    private static MailConfig Old(string lines) => Conf.Good("listen on lo\ntable aliases { root = alice }\ntable secrets { label = \"u:p\" }\ntable nets { 192.0.2.0/24 }\n" + lines);

    private static ActionConfig Action(string line) => Old(line).Actions[Old(line).Rules[0].Action!];

    private static ActionConfig.Relay Relay(string line) => Assert.IsType<ActionConfig.Relay>(Action(line));

    private static ActionConfig.Local Local(string line) => Assert.IsType<ActionConfig.Local>(Action(line));

    private static CriterionKind[] Kinds(RuleConfig rule) => [.. rule.Criteria.Select(c => c.Kind)];

    [Fact]
    public void O9_from_local_and_for_local_are_the_defaults_in_both_grammars()
    {
        Assert.Equal([CriterionKind.FromLocal, CriterionKind.ForLocal], Kinds(Old("accept deliver to mbox").Rules[0]));
        Assert.Equal([CriterionKind.FromLocal, CriterionKind.ForAny], Kinds(Old("accept for any relay").Rules[0]));
        Assert.Equal([CriterionKind.FromAny, CriterionKind.ForLocal], Kinds(Old("accept from any deliver to mbox").Rules[0]));
        MailConfig config = Conf.Good("listen on lo\naction a mbox\nmatch action a\nmatch from auth for any reject\nmatch rcpt-to \"a@b\" action a");
        Assert.Equal([CriterionKind.FromLocal, CriterionKind.ForLocal], Kinds(config.Rules[0]));
        Assert.Equal([CriterionKind.FromAuth, CriterionKind.ForAny], Kinds(config.Rules[1]));
        Assert.Equal([CriterionKind.FromLocal, CriterionKind.ForLocal, CriterionKind.ForRcptTo], Kinds(config.Rules[2]));
    }

    [Fact]
    public void O9_rules_keep_their_order_and_their_place()
    {
        MailConfig config = Old("accept from any for domain \"dev.example.org\" alias <aliases> deliver to maildir\naccept for local alias <aliases> deliver to mbox\nreject from any for any\naccept for any relay");
        Assert.Equal(["smtpd.conf:5", "smtpd.conf:6", "smtpd.conf:7", "smtpd.conf:8"], config.Rules.Select(r => r.At.ToString()));
        Assert.Null(config.Rules[2].Action);
        Assert.Equal((Dialect.OpenSmtpdOld, MaildirNaming.OpenSmtpdOld, true), (config.Dialect, config.MaildirNaming, config.BareReturnPath));
    }

    [Fact]
    public void An_old_lines_action_is_named_by_what_the_line_decides_on()
    {
        Assert.Equal("accept from any for domain example.org", Old("accept  from any  for domain \"example.org\" alias <aliases> deliver to mbox").Rules[0].Action);
        MailConfig config = Old("accept for any relay via smtp://a\naccept for any relay via smtp://b");
        Assert.Equal(["accept for any", "accept for any (2)"], config.Rules.Select(r => r.Action));
    }

    [Fact]
    public void Old_local_methods()
    {
        Assert.Equal(new LocalMethod.Mbox(), Local("accept for local alias <aliases> deliver to mbox").Method);
        Assert.Equal("aliases", Local("accept for local alias <aliases> deliver to mbox").AliasTable);
        Assert.Equal(new LocalMethod.Maildir("~/Mail"), Local("accept deliver to maildir \"~/Mail\"").Method);
        Assert.Equal(new LocalMethod.Command("/usr/bin/procmail -f -"), Local("accept deliver to mda \"/usr/bin/procmail -f -\"").Method);
        ActionConfig.Local lmtp = Local("accept for local virtual <aliases> deliver to lmtp \"/run/lmtp\" rcpt-to as vmail expire 2d");
        Assert.Equal((new LocalMethod.Lmtp("/run/lmtp", true), "vmail", "aliases", TimeSpan.FromDays(2)), (lmtp.Method, lmtp.RunAs, lmtp.VirtualTable, lmtp.Lifetime));
        Assert.Equal(new LocalMethod.ForwardOnly(), Local("accept for domain example.org forward-only").Method);
        Assert.Equal(new LocalMethod.ExpandOnly(), Local("accept for local alias <aliases>").Method);
    }

    [Fact]
    public void Old_criteria()
    {
        RuleConfig rule = Old("accept tagged ! SUBM from source <nets> sender ! \"@bad.org\" for ! domain \"*.example.org\" recipient \"a@b\" deliver to mbox").Rules[0];
        Assert.Equal([CriterionKind.FromSource, CriterionKind.Tag, CriterionKind.MailFrom, CriterionKind.ForDomain, CriterionKind.ForRcptTo], Kinds(rule));
        Assert.Equal([false, true, true, true, false], rule.Criteria.Select(c => c.Negated));
        Assert.Equal(CriterionKind.FromSource, Old("accept from <nets> for any relay").Rules[0].Criteria[0].Kind);
        Assert.Equal(CriterionKind.FromSource, Old("accept from \"192.0.2.7\" for any relay").Rules[0].Criteria[0].Kind);
        Assert.True(Old("accept ! authenticated for local deliver to mbox").Rules[0].Criteria.Single(c => c.Kind == CriterionKind.Auth).Negated);
    }

    [Fact]
    public void O25_relay_via_with_login_requires_tls_and_verifies_the_certificate()
    {
        ActionConfig.Relay relay = Relay("accept from local for any relay via tls+auth://label@smtp.gmail.com:587 auth <secrets>");
        Assert.Equal(new RelayHost { Host = "smtp.gmail.com", Port = 587, Tls = TlsLevel.Verify, AuthLabel = "label" }, Assert.Single(relay.Hosts));
        Assert.Equal(new RelayCredentials("secrets"), relay.Credentials);
        ActionConfig.Relay unverified = Relay("accept for any relay via tls+auth://label@h auth <secrets> no-verify");
        Assert.Equal((TlsLevel.Encrypt, PasswordNeeds.Tls), (unverified.Tls.Level, unverified.Credentials!.Password));
        Assert.Equal(TlsLevel.May, Relay("accept for any relay via tls+auth://label@h auth <secrets> tls").Tls.Level);
    }

    [Theory]
    [InlineData("smtp://h", RelayProtocol.Smtp, TlsLevel.None, 0)]
    [InlineData("h", RelayProtocol.Smtp, null, 0)]
    [InlineData("smtp+tls://h:26", RelayProtocol.Smtp, null, 26)]
    [InlineData("tls://h", RelayProtocol.Smtp, TlsLevel.Encrypt, 0)]
    [InlineData("smtps://h", RelayProtocol.Smtps, TlsLevel.Encrypt, 0)]
    [InlineData("ssl://h", RelayProtocol.Smtps, TlsLevel.Encrypt, 0)]
    [InlineData("secure://h", RelayProtocol.Smtps, TlsLevel.Encrypt, 0)]
    [InlineData("lmtp://h:24", RelayProtocol.Lmtp, TlsLevel.None, 24)]
    public void Old_urls(string url, RelayProtocol protocol, TlsLevel? tls, int port)
    {
        ActionConfig.Relay relay = Relay("accept for any relay via " + url);
        Assert.Equal((protocol, tls, port, "h"), (relay.Hosts[0].Protocol, relay.Hosts[0].Tls, relay.Hosts[0].Port, relay.Hosts[0].Host));
        Assert.Equal(TlsLevel.May, relay.Tls.Level);
    }

    [Theory]
    [InlineData("smtp://h", RelayProtocol.Smtp, null, 0, "h")]
    [InlineData("smtp+tls://[2001:db8::1]:26", RelayProtocol.Smtp, TlsLevel.Verify, 26, "2001:db8::1")]
    [InlineData("smtp+notls://[127.0.0.1]", RelayProtocol.Smtp, TlsLevel.None, 0, "127.0.0.1")]
    [InlineData("smtps://127.0.0.1", RelayProtocol.Smtps, TlsLevel.Verify, 0, "127.0.0.1")]
    [InlineData("lmtp://h:24", RelayProtocol.Lmtp, TlsLevel.None, 24, "h")]
    public void New_urls(string url, RelayProtocol protocol, TlsLevel? tls, int port, string host)
    {
        RelayHost found = Assert.IsType<ActionConfig.Relay>(Conf.Good($"listen on lo\naction r relay host \"{url}\"\nmatch for any action r").Actions["r"]).Hosts[0];
        Assert.Equal((protocol, tls, port, host), (found.Protocol, found.Tls, found.Port, found.Host));
    }

    [Theory]
    [InlineData("tls+auth://smtp.example.org", "needs a label", "tls+auth://label@smtp.example.org")]
    [InlineData("tls://label@h", "takes no label", "`tls+auth://label@h`")]
    [InlineData("tsl+auth://label@h", "is not a known kind of relay", "did you mean `tls+auth://`?")]
    [InlineData("tls+auth://u:p@h", "a password does not belong into the URL", "`tls+auth://label@h`")]
    [InlineData("lmtp://h", "LMTP has no default port", "lmtp://h:24")]
    [InlineData("smtp://h:99999", "is not a port", "1 to 65535")]
    [InlineData("smtp://", "the host is missing", "smtp://mail.example.org")]
    [InlineData("smtp+notls://h", "is not a known kind of relay", "did you mean")]
    public void A_wrong_url_is_told_with_its_cure(string url, string message, string cure)
    {
        Diagnostic error = Conf.Read("listen on lo\ntable s { a = b }\naccept for any relay via " + url + " auth <s>").Diagnostics[0];
        Assert.Equal(Severity.Error, error.Severity);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains(cure, error.Cure, StringComparison.Ordinal);
    }

    [Fact]
    public void Old_relay_options()
    {
        ActionConfig.Relay relay = Relay("accept for any relay backup mx.example.org as \"@masked.org\" source 192.0.2.7 hostname out.example.org tls verify expire 1d");
        Assert.Equal(("mx.example.org", "@masked.org", "out.example.org", TlsLevel.Verify), (relay.BackupMx, relay.MailFrom, relay.Helo, relay.Tls.Level));
        Assert.Equal(TimeSpan.FromDays(1), relay.Lifetime);
        Assert.NotNull(relay.SourceTable);
        Assert.Equal("mx.example.org", Relay("accept for any relay backup").BackupMx);
        Assert.Equal("joe@mx.example.org", Relay("accept for any relay as joe").MailFrom);
    }

    [Fact]
    public void New_actions()
    {
        MailConfig config = Conf.Good("""
            table al { root = alice }
            srs key "old"
            srs key backup "older"
            action "m" maildir "~/Mail" junk alias <al> user vmail ttl 4h
            action "d" discard
            action "e" expand-only virtual <al>
            action "r" relay backup srs tls no-verify src 192.0.2.7 helo "out" ttl 2d
            action "w" mda "cat > x"
            match for local action "m"
            match for domain d.org action "d"
            match for domain e.org action "e"
            match for domain w.org action "w"
            match for any action "r"
            """);
        var maildir = Assert.IsType<ActionConfig.Local>(config.Actions["m"]);
        Assert.Equal((new LocalMethod.Maildir("~/Mail", true), "vmail", "al", TimeSpan.FromHours(4)), (maildir.Method, maildir.RunAs, maildir.AliasTable, maildir.Lifetime));
        Assert.IsType<ActionConfig.Discard>(config.Actions["d"]);
        var relay = Assert.IsType<ActionConfig.Relay>(config.Actions["r"]);
        Assert.True(relay is { Srs: true, Tls.Level: TlsLevel.Encrypt, BackupMx: "mx.example.org", Helo: "out" });
        Assert.Equal(["old", "older"], config.SrsKeys.AsEnumerable());
    }

    [Theory]
    [InlineData("action a mbox alias { x }", "it holds plain values")]
    [InlineData("action a mbox user x", "`user` cannot be used with this method")]
    [InlineData("action a maildir user root", "nothing is delivered as root")]
    [InlineData("action a mbox alias { a = b } virtual { a = b }", "has a table of that kind already")]
    [InlineData("action a relay auth { a = b }", "`auth` needs a fixed host")]
    [InlineData("action a relay host smtp+tls://l@h", "no table of credentials is named")]
    [InlineData("action a relay backup host smtp://h", "exclude each other")]
    [InlineData("action a relay host smtp+notls://h tls", "contradicts")]
    [InlineData("action a relay srs", "`srs` needs a key")]
    [InlineData("action a lmtp nowhere", "is no LMTP service")]
    [InlineData("action a mbox wrapper w", "not supported yet: `wrapper`")]
    [InlineData("action a relay filter f", "not supported yet: filters on outgoing mail")]
    [InlineData("action a frob", "`frob` is not known here")]
    [InlineData("action a", "the line ends too early")]
    [InlineData("action a relay mail-from \"x y\"", "is no mail address")]
    public void A_wrong_action_is_told(string action, string message)
    {
        ConfigResult result = Conf.Read("listen on lo\n" + action + "\nmatch for any action a");
        Assert.Null(result.Config);
        Assert.Contains(message, Assert.Single(result.Diagnostics).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("match from src 192.0.2.0/33 action a", "is no address or network")]
    [InlineData("match for domain \"a@b.org\" action a", "is a mail address, not a domain")]
    [InlineData("match for domain regex \"(\" action a", "is no regular expression")]
    [InlineData("match for domain regex \"(a)\\1\" action a", "is no regular expression")]
    [InlineData("match from any from local action a", "`from` stands twice")]
    [InlineData("match tag a tag b action a", "has this criterion already")]
    [InlineData("match from ! any action a", "`!` stands before `from` in this grammar")]
    [InlineData("match for domain { a = b } action a", "it holds pairs")]
    [InlineData("match for domain action a", "`a` is not known here")]
    [InlineData("match for local action a frob", "`frob` is not known here")]
    public void A_wrong_rule_is_told(string rule, string message)
    {
        ConfigResult result = Conf.Read("listen on lo\naction a mbox\nmatch for local action a\n" + rule);
        Assert.Null(result.Config);
        Assert.Contains(message, result.Diagnostics.First(d => d.Severity == Severity.Error).Message, StringComparison.Ordinal);
    }
}
