using System.Net;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Routing;

namespace Estafette.Tests.Routing;

public sealed class RuleMatchTests
{
    [Theory]
    [InlineData("spam@bad.test", "alice@conform.test", "127.0.0.1", "550")]
    [InlineData("@", "alice@conform.test", "127.0.0.1", "alice")]
    [InlineData("ok@good.test", "bob@conform.test", "127.0.0.1", "bob")]
    [InlineData("ok@good.test", "CAROL@CONFORM.TEST", "127.0.0.1", "carol")]
    [InlineData("ok@good.test", "alice@deep.wild.test", "127.0.0.1", "alice")]
    [InlineData("ok@good.test", "alice@wild.test", "127.0.0.1", "550")]
    [InlineData("ok@good.test", "alice@localhost", "127.0.0.1", "alice")]
    [InlineData("ok@good.test", "x@other.test", "127.0.0.1", "550")]
    [InlineData("ok@good.test", "alice@conform.test", "127.0.0.9", "alice")]
    [InlineData("ok@good.test", "bob@conform.test", "127.0.0.9", "550")]
    [InlineData("ok@good.test", "alice@relayed.test", "127.0.0.9", "550")]
    [InlineData("ok@good.test", "bob@conform.test", "127.0.0.77", "bob")]
    [InlineData("ok@good.test", "bob@conform.test", "::ffff:127.0.0.77", "bob")]
    [InlineData("ok@good.test", "bob@conform.test", "local", "bob")]
    public async Task The_first_rule_whose_criteria_hold_wins(string from, string recipient, string client, string expected)
    {
        var bench = new RouterBench();
        bench.Table("sources", "127.0.0.64/26");
        bench.Table("bad", "@bad.test", "one@elsewhere.test");
        bench.Table("onlyalice", "alice@conform.test");
        bench.Table("conform", "conform.test");
        bench.Table("wild", "*.wild.test");
        bench.Table("relayed", "relayed.test");
        bench.Local("mbox");
        Criterion any = new(CriterionKind.FromAny);
        Criterion local = new(CriterionKind.FromLocal);
        bench.Match(null, any, RouterBench.Of(CriterionKind.MailFrom, "bad"), new Criterion(CriterionKind.ForAny));
        bench.Match("mbox", any, RouterBench.Of(CriterionKind.ForRcptTo, "onlyalice"));
        bench.Match("mbox", RouterBench.Of(CriterionKind.FromSource, "sources"), RouterBench.For("conform"));
        bench.Match("mbox", local, RouterBench.For("conform"));
        bench.Match("mbox", local, RouterBench.For("wild"));
        bench.Match("mbox", any with { Negated = true }, RouterBench.For("relayed"));
        bench.Match("mbox", local, new Criterion(CriterionKind.ForLocal));
        string answer = await bench.Rcpt(recipient, client, from);
        Assert.Equal(expected, answer.StartsWith("550 Invalid recipient", StringComparison.Ordinal) ? "550" : answer);
    }

    [Fact]
    public async Task E55_a_refusal_names_its_rule()
    {
        var bench = new RouterBench();
        bench.Match(null, new Criterion(CriterionKind.FromSocket));
        var rejected = Assert.IsType<RouteResult.Refused>(await bench.Resolve("x@y.test", RouterBench.Client("local")));
        Assert.Equal((RefusalReason.RejectedByRule, "smtpd.conf:1"), (rejected.Reason, rejected.Rule.ToString()));
        var unmatched = Assert.IsType<RouteResult.Refused>(await bench.Resolve("x@y.test"));
        Assert.Equal((RefusalReason.NoRule, SourceSpan.None), (unmatched.Reason, unmatched.Rule));
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("::1", true)]
    [InlineData("::ffff:127.0.0.1", true)]
    [InlineData("192.0.2.10", true)]
    [InlineData("local", true)]
    [InlineData("127.0.0.9", false)]
    [InlineData("198.51.100.1", false)]
    public async Task O9_local_are_the_socket_and_the_machines_own_addresses(string client, bool local)
    {
        RouterBench bench = Relaying();
        Assert.Equal(local ? "out" : "550 Invalid recipient: <x@far.test>", await bench.Rcpt("x@far.test", client));
    }

    [Theory]
    [InlineData(Dialect.OpenSmtpd, false)]
    [InlineData(Dialect.OpenSmtpdOld, true)]
    [InlineData(Dialect.Postfix, true)]
    public async Task O24_authenticated_clients_are_local_but_in_the_new_grammar(Dialect dialect, bool local)
    {
        RouterBench bench = Relaying();
        bench.Dialect = dialect;
        ClientInfo client = RouterBench.Client("198.51.100.1") with { Login = "alice" };
        Assert.Equal(local, await bench.Rcpt("x@far.test", client) == "out");
    }

    [Theory]
    [InlineData(null, "198.51.100.1", false, false)]
    [InlineData("alice", "198.51.100.1", true, true)]
    [InlineData("bob@x.test", "198.51.100.1", true, true)]
    [InlineData("mallory", "198.51.100.1", true, false)]
    [InlineData(null, "local", true, false)]
    public async Task Auth_criteria_look_at_the_login(string? login, string client, bool authenticated, bool listed)
    {
        var bench = new RouterBench();
        bench.Table("logins", "alice", "@x.test");
        bench.Relay("listed");
        bench.Relay("any");
        bench.Match("listed", RouterBench.Of(CriterionKind.FromAuth, "logins"));
        bench.Match("any", new Criterion(CriterionKind.Auth));
        string expected = listed ? "listed" : authenticated ? "any" : "550 Invalid recipient: <x@far.test>";
        Assert.Equal(expected, await bench.Rcpt("x@far.test", RouterBench.Client(client) with { Login = login }));
    }

    [Theory]
    [InlineData("host.good.test", "listed")]
    [InlineData("host.other.test", "some")]
    [InlineData(null, "none")]
    public async Task Reverse_names_are_looked_at(string? name, string action)
    {
        var bench = new RouterBench();
        bench.Table("names", "^host\\.good\\.");
        foreach (string each in new[] { "listed", "some", "none" })
            bench.Relay(each);
        bench.Match("listed", RouterBench.Of(CriterionKind.FromRdns, "names", regex: true));
        bench.Match("some", new Criterion(CriterionKind.FromRdns));
        bench.Match("none", new Criterion(CriterionKind.FromRdns, Negated: true));
        Assert.Equal(action, await bench.Rcpt("x@far.test", RouterBench.Client("198.51.100.1") with { HostName = name }));
    }

    [Fact]
    public async Task Tag_helo_and_tls_are_looked_at()
    {
        var bench = new RouterBench();
        bench.Table("tags", "inside");
        bench.Table("helos", "*.evil.test");
        foreach (string each in new[] { "tag", "tls" })
            bench.Relay(each);
        bench.Match(null, RouterBench.Of(CriterionKind.Helo, "helos"));
        bench.Match("tag", RouterBench.Of(CriterionKind.Tag, "tags"));
        bench.Match("tls", new Criterion(CriterionKind.Tls, Negated: true));
        ClientInfo client = RouterBench.Client("198.51.100.1");
        Assert.StartsWith("550", await bench.Rcpt("x@far.test", client with { Helo = "x.evil.test" }), StringComparison.Ordinal);
        Assert.Equal("tag", await bench.Rcpt("x@far.test", client with { Tag = "INSIDE" }));
        Assert.Equal("tls", await bench.Rcpt("x@far.test", client));
    }

    [Theory]
    [InlineData("none", "plain")]
    [InlineData("certificate", "pinned")]
    [InlineData("key", "pinned")]
    [InlineData("partner", "partner")]
    [InlineData("untrusted", "stranger")]
    [InlineData("system", "stranger")]
    public async Task Certificates_of_clients_are_looked_at(string shown, string action)
    {
        string one = new('a', 64);
        string two = new('b', 64);
        var bench = new RouterBench();
        bench.Table("pins", one.ToUpperInvariant(), string.Join(':', two.ToUpperInvariant().Chunk(2).Select(p => new string(p))));
        bench.Table("partners", "partners", "others");
        foreach (string each in new[] { "pinned", "partner", "stranger", "plain" })
            bench.Relay(each);
        bench.Match("pinned", RouterBench.Of(CriterionKind.TlsCertificate, "pins"));
        bench.Match("partner", RouterBench.Of(CriterionKind.TlsAnchor, "partners"));
        bench.Match("stranger", new Criterion(CriterionKind.Tls), RouterBench.Of(CriterionKind.TlsAnchor, "partners") with { Negated = true });
        bench.Match("plain", RouterBench.Of(CriterionKind.TlsCertificate, "pins") with { Negated = true });
        var certificate = new ClientCertificate { Subject = "CN=c", Issuer = "CN=i", Fingerprint = new string('c', 64), KeyFingerprint = new string('d', 64), Distrust = "it is self-signed" };
        bench.Certificate = shown switch
        {
            "certificate" => certificate with { Fingerprint = one },
            "key" => certificate with { KeyFingerprint = two },
            "partner" => certificate with { Distrust = "", Anchor = "partners" },
            "untrusted" => certificate with { Anchor = "partners" },
            "system" => certificate with { Distrust = "" },
            _ => null,
        };
        Assert.Equal(action, await bench.Rcpt("x@far.test", RouterBench.Client("198.51.100.1")));
    }

    [Fact]
    public async Task E44_a_rule_whose_table_is_unreadable_stops_the_search()
    {
        var bench = new RouterBench();
        bench.MissingTable("domains");
        bench.Relay("out");
        bench.Match("out", RouterBench.For("domains"));
        bench.Match("out", new Criterion(CriterionKind.ForAny));
        Assert.Equal("451 4.3.0 Temporary failure: <x@far.test>", await bench.Rcpt("x@far.test"));
        var refused = Assert.IsType<RouteResult.Refused>(await bench.Resolve("x@far.test"));
        Assert.Equal("smtpd.conf:1", refused.Rule.ToString());
    }

    [Theory]
    [InlineData("a%b@backed.test", "198.51.100.1", "550 5.7.1 Routing within the local part is not allowed: <a%b@backed.test>")]
    [InlineData("b!a@backed.test", "198.51.100.1", "550 5.7.1 Routing within the local part is not allowed: <b!a@backed.test>")]
    [InlineData("a%b@backed.test", "127.0.0.1", "backup")]
    [InlineData("ab@backed.test", "198.51.100.1", "backup")]
    public async Task E27_percent_and_bang_are_not_relayed_for_strangers(string recipient, string client, string expected)
    {
        var bench = new RouterBench();
        bench.Table("backed", "backed.test");
        bench.Relay("backup");
        bench.Match("backup", new Criterion(CriterionKind.FromAny), RouterBench.For("backed"));
        Assert.Equal(expected, await bench.Rcpt(recipient, client));
    }

    [Fact]
    public async Task Addresses_that_expansion_made_are_matched_as_from_here()
    {
        var bench = new RouterBench();
        bench.Local("mbox");
        bench.Relay("out");
        bench.Forward("alice", "x@far.test");
        bench.Match(null, new Criterion(CriterionKind.FromSocket, Negated: true), RouterBench.For("far"));
        bench.Table("far", "far.test");
        bench.Match("mbox", new Criterion(CriterionKind.FromAny), new Criterion(CriterionKind.ForLocal));
        bench.Match("out", new Criterion(CriterionKind.FromLocal), new Criterion(CriterionKind.ForAny));
        Assert.Equal("out <x@far.test>", await bench.Rcpt("alice@mx.test", "198.51.100.1"));
        Assert.StartsWith("550", await bench.Rcpt("x@far.test", "198.51.100.1"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Discard_takes_every_recipient()
    {
        var bench = new RouterBench();
        bench.Action(new ActionConfig.Discard { Name = "drop", At = SourceSpan.None });
        bench.Match("drop", new Criterion(CriterionKind.FromAny));
        Assert.Equal("drop", await bench.Rcpt("x@far.test", "198.51.100.1"));
    }

    [Fact]
    public void The_machines_own_addresses_hold_loopback()
    {
        var own = new LocalAddresses(TimeProvider.System);
        Assert.True(own.Contains(IPAddress.Loopback));
        Assert.False(own.Contains(IPAddress.Parse("127.0.0.9")));
        Assert.True(own.ContainsLiteral("[127.0.0.1]"));
        Assert.False(own.ContainsLiteral("localhost"));
    }

    private static RouterBench Relaying()
    {
        var bench = new RouterBench();
        bench.Relay("out");
        bench.Match("out", new Criterion(CriterionKind.FromLocal), new Criterion(CriterionKind.ForAny));
        return bench;
    }
}
