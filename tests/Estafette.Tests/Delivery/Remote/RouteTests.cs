using System.Net;
using Estafette.Config.Model;
using Estafette.Delivery.Remote;
using Estafette.Mail;

namespace Estafette.Tests.Delivery.Remote;

/// <summary>Which hosts and addresses mail for a domain is offered to, in which order (E31, E40).</summary>
public sealed class RouteTests
{
    private readonly FakeDns _dns = new();
    private readonly FakeTables _tables = new();
    private MailConfig _config = new() { Dialect = Dialect.OpenSmtpd, Source = "", HostName = "mx.home.test" };

    [Fact]
    public async Task Exchangers_are_tried_by_preference_and_equals_in_changing_order()
    {
        _dns.MailBy("far.test", (20, "b.test"), (10, "a1.test"), (10, "a2.test"), (30, "c.test")).Host("a1.test", "192.0.2.1").Host("a2.test", "192.0.2.2").Host("b.test", "192.0.2.3", "2001:db8::3").Host("c.test", "192.0.2.4");
        var orders = new HashSet<string>();
        for (int i = 0; i < 60; i++)
            orders.Add(string.Join(' ', (await WalkAsync("far.test")).Targets));
        Assert.Equal(2, orders.Count);
        Assert.All(orders, o => Assert.EndsWith(" b.test[192.0.2.3]:25 b.test[2001:db8::3]:25 c.test[192.0.2.4]:25", o, StringComparison.Ordinal));
    }

    [Fact]
    public async Task E40_without_MX_the_domain_s_own_address_counts()
    {
        _dns.Host("onlya.test", "192.0.2.9");
        Assert.Equal(["onlya.test[192.0.2.9]:25"], (await WalkAsync("onlya.test")).Targets);
    }

    [Fact]
    public async Task E40_a_null_MX_refuses_mail_for_good() => await FailsAsync(_dns.MailBy("null.test", (0, "")), "null.test", OutcomeKind.Failed, "5.1.10");

    [Fact]
    public async Task E40_an_unknown_domain_is_final_and_a_silent_DNS_is_not()
    {
        await FailsAsync(_dns, "nosuch.test", OutcomeKind.Failed, "5.1.2");
        _dns.Mx["broken.test"] = new ExchangerAnswer(DnsFinding.Trouble, []);
        await FailsAsync(_dns, "broken.test", OutcomeKind.Deferred, "4.4.3");
        await FailsAsync(_dns.MailBy("nohost.test", (10, "missing.test")), "nohost.test", OutcomeKind.Failed, "5.4.4");
        _dns.Hosts["shaky.test"] = new AddressAnswer(DnsFinding.Trouble, []);
        await FailsAsync(_dns.MailBy("half.test", (10, "missing.test"), (20, "shaky.test")), "half.test", OutcomeKind.Deferred, "4.4.3");
        _dns.Mx["bare.test"] = new ExchangerAnswer(DnsFinding.NoRecords, []);
        await FailsAsync(_dns, "bare.test", OutcomeKind.Failed, "5.4.4");
    }

    [Theory]
    [InlineData("[192.0.2.7]", "[192.0.2.7][192.0.2.7]:25")]
    [InlineData("[IPv6:2001:db8::7]", "[IPv6:2001:db8::7][2001:db8::7]:25")]
    public async Task Address_literals_need_no_DNS(string domain, string expected) => Assert.Equal([expected], (await WalkAsync(domain)).Targets);

    [Theory]
    [InlineData("[1]")]
    [InlineData("[nonsense]")]
    [InlineData("[]")]
    public async Task Bad_literals_fail(string domain) => await FailsAsync(_dns, domain, OutcomeKind.Failed, "5.1.2");

    [Fact]
    public async Task E31_only_exchangers_better_than_ourselves_are_tried()
    {
        _dns.MailBy("backed.test", (10, "primary.test"), (20, "MX.home.test"), (20, "equal.test"), (30, "worse.test")).Host("primary.test", "192.0.2.1").Host("equal.test", "192.0.2.2").Host("worse.test", "192.0.2.3");
        Assert.Equal(["primary.test[192.0.2.1]:25"], (await WalkAsync("backed.test")).Targets);
        Assert.Equal(["primary.test[192.0.2.1]:25"], (await WalkAsync("backed.test", Relay() with { BackupMx = "mx.home.test" })).Targets);
        _dns.MailBy("other.test", (10, "primary.test"), (20, "backup.test"), (30, "worse.test"));
        Assert.Equal(["primary.test[192.0.2.1]:25"], (await WalkAsync("other.test", Relay() with { BackupMx = "backup.test" })).Targets);
        await FailsAsync(_dns.MailBy("self.test", (10, "mx.home.test")), "self.test", OutcomeKind.Failed, "5.4.6");
    }

    [Fact]
    public async Task E31_an_exchanger_with_our_own_address_loops_back_but_another_loopback_address_does_not()
    {
        _config = _config with { Listeners = RelayBench.Listening("127.0.0.1", 25) };
        _dns.MailBy("trick.test", (10, "alias.test")).Host("alias.test", "127.0.0.1");
        await FailsAsync(_dns, "trick.test", OutcomeKind.Failed, "5.4.6");
        _dns.MailBy("sink.test", (10, "sinkhost.test")).Host("sinkhost.test", "127.0.0.21");
        Assert.Equal(["sinkhost.test[127.0.0.21]:25"], (await WalkAsync("sink.test")).Targets);
        _config = _config with { Listeners = RelayBench.Listening("0.0.0.0", 25) };
        await FailsAsync(_dns, "trick.test", OutcomeKind.Failed, "5.4.6");
        Assert.Equal(["127.0.0.1[127.0.0.1]:10025"], (await WalkAsync("x.test", Relay(new RelayHost { Host = "127.0.0.1", Port = 10025 }))).Targets);
    }

    [Fact]
    public async Task Fixed_hosts_keep_their_order_and_their_settings()
    {
        _dns.Host("smart.test", "192.0.2.1");
        (List<string> targets, RouteWalk walk) = await WalkAsync("any.test", Relay(
            new RelayHost { Host = "smart.test", Port = 587, AuthLabel = "lab" }, new RelayHost { Host = "192.0.2.8", Protocol = RelayProtocol.Smtps }, new RelayHost { Host = "/run/lmtp", Protocol = RelayProtocol.Lmtp }));
        Assert.Equal(["smart.test[192.0.2.1]:587", "192.0.2.8[192.0.2.8]:465", "/run/lmtp"], targets);
        // A smarthost that does not resolve is a mistake at home: mail waits.
        await FailsAsync(_dns, "any.test", OutcomeKind.Deferred, "4.4.3", Relay(new RelayHost { Host = "typo.test" }));
    }

    [Theory]
    [InlineData(null, TlsLevel.May, TlsLevel.Verify)]
    [InlineData(TlsLevel.None, TlsLevel.May, TlsLevel.None)]
    [InlineData(TlsLevel.Verify, TlsLevel.May, TlsLevel.Verify)]
    [InlineData(TlsLevel.Verify, TlsLevel.Encrypt, TlsLevel.Encrypt)]
    [InlineData(TlsLevel.Encrypt, TlsLevel.Secure, TlsLevel.Secure)]
    public async Task E9_a_login_turns_welcome_TLS_into_verified_TLS(TlsLevel? url, TlsLevel action, TlsLevel expected)
    {
        var target = new RelayEndPoint("smart.test", new IPEndPoint(IPAddress.Loopback, 587)) { Tls = url };
        TlsPolicyAnswer answer = await new TlsPolicies(_tables).FindAsync(Relay() with { Tls = RelayBench.Level(action) }, target, TlsLevel.Verify, default);
        Assert.Equal(expected, answer.Policy!.Level);
    }

    [Fact]
    public async Task A_domain_table_names_the_host_and_its_trouble_is_temporary()
    {
        _tables.RelayHosts["far.test"] = new RelayHost { Host = "192.0.2.5", Port = 2525 };
        ActionConfig.Relay action = Relay() with { DomainTable = "routes" };
        Assert.Equal(["192.0.2.5[192.0.2.5]:2525"], (await WalkAsync("far.test", action)).Targets);
        _tables.Trouble = "table routes: cannot be read";
        await FailsAsync(_dns, "far.test", OutcomeKind.Deferred, "4.3.5", action);
    }

    [Fact]
    public async Task E40_a_long_list_of_exchangers_is_cut()
    {
        _dns.MailBy("many.test", [.. Enumerable.Range(0, 100).Select(i => (i, $"h{i}.test"))]);
        for (int i = 0; i < 100; i++)
            _dns.Host($"h{i}.test", [.. Enumerable.Range(1, 50).Select(a => $"192.0.2.{a}")]);
        Assert.Equal(RelayLimits.AddressesPerAttempt, (await WalkAsync("many.test")).Targets.Count);
    }

    [Fact]
    public async Task Names_beyond_ASCII_are_asked_as_A_labels()
    {
        _dns.Host("xn--bcher-kva.example", "192.0.2.1");
        Assert.Equal(["xn--bcher-kva.example[192.0.2.1]:25"], (await WalkAsync("bücher.example")).Targets);
    }

    private static ActionConfig.Relay Relay(params RelayHost[] hosts) => RelayBench.Via(hosts);

    private async Task FailsAsync(FakeDns dns, string domain, OutcomeKind kind, string status, ActionConfig.Relay? action = null)
    {
        Assert.Same(_dns, dns);
        (List<string> targets, RouteWalk walk) = await WalkAsync(domain, action);
        Assert.Empty(targets);
        Assert.Equal((kind, status, OutcomeScope.NextHop), (walk.Verdict.Kind, walk.Verdict.Status.ToString(), walk.Verdict.Scope));
    }

    private async Task<(List<string> Targets, RouteWalk Walk)> WalkAsync(string domain, ActionConfig.Relay? action = null)
    {
        RoutePlan plan = await new RoutePlanner(_dns, _tables).PlanAsync(action ?? Relay(), domain, _config, default);
        var walk = new RouteWalk(plan, domain, _dns, new OwnAddresses(TimeProvider.System), _config);
        var targets = new List<string>();
        while (await walk.NextAsync(default) is RelayEndPoint target)
            targets.Add(target.Label);
        return (targets, walk);
    }
}
