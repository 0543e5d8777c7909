using Estafette.Config.Model;
using Estafette.Routing;

namespace Estafette.Tests.Routing;

public sealed class VirtualExpansionTests
{
    private readonly RouterBench _bench = new();

    public VirtualExpansionTests()
    {
        _bench.Table("vusers", "info@virt.test=alice", "plain=bob, carol", "@catch.test=dave", "away@virt.test=someone@far.test", "badtarget@virt.test=nosuchuser",
            "chain@virt.test=info@virt.test", "tagged+x@virt.test=bob", "tagged@virt.test=alice", "alice=alice", "bob=bob", "carol=carol", "dave=dave", "root=bob",
            "loop1@virt.test=loop2@virt.test, alice", "loop2@virt.test=loop1@virt.test");
        _bench.Table("vdomains", "virt.test", "catch.test", "empty.test");
        _bench.Local("virt", virtualTable: "vusers");
        _bench.Match("virt", new Criterion(CriterionKind.FromAny), RouterBench.For("vdomains"));
        _bench.Relay("out");
        _bench.Match("out", new Criterion(CriterionKind.FromLocal), new Criterion(CriterionKind.ForAny));
    }

    [Theory]
    [InlineData("info@virt.test", "alice")]
    [InlineData("INFO@VIRT.TEST", "alice")]
    [InlineData("info+tag@virt.test", "alice")]
    [InlineData("tagged+x@virt.test", "bob")]
    [InlineData("tagged+y@virt.test", "alice")]
    [InlineData("plain@virt.test", "bob; carol")]
    [InlineData("any@catch.test", "dave")]
    [InlineData("away@virt.test", "out <someone@far.test>")]
    [InlineData("chain@virt.test", "alice <info@virt.test>")]
    [InlineData("nobody@virt.test", "524 5.2.4 Mailing list expansion problem: <nobody@virt.test>")]
    [InlineData("badtarget@virt.test", "550 Invalid recipient: <badtarget@virt.test>")]
    [InlineData("loop1@virt.test", "524 5.2.4 Mailing list expansion problem: <loop1@virt.test>")]
    public async Task Names_are_looked_up_in_opensmtpds_order_for_strangers_too(string recipient, string expected) =>
        Assert.Equal(expected, await _bench.Rcpt(recipient, "127.0.0.9"));

    [Fact]
    public async Task An_unknown_virtual_user_is_told_by_its_reason() =>
        Assert.Equal(RefusalReason.UnknownUser, ((RouteResult.Refused)await _bench.Resolve("nobody@virt.test")).Reason);

    [Fact]
    public async Task A_global_catch_all_is_the_last_resort()
    {
        var bench = new RouterBench();
        bench.Table("vusers", "@=vmail");
        bench.Local("virt", virtualTable: "vusers");
        bench.Match("virt", new Criterion(CriterionKind.FromAny), new Criterion(CriterionKind.ForAny));
        Assert.Equal("vmail", await bench.Rcpt("x@any.test"));
    }

    [Fact]
    public async Task E27_postmaster_of_a_virtual_domain_is_never_refused() =>
        Assert.Equal("bob", await _bench.Rcpt("postmaster@virt.test", "127.0.0.9"));

    [Fact]
    public async Task A_user_table_stands_in_for_the_users_of_the_system()
    {
        var bench = new RouterBench();
        bench.Table("users", "joe=1000:100:/home/virtual/joe", "broken=x");
        bench.Action(bench.Local("local") with { UserTable = "users" });
        bench.UsualRules();
        bench.Forward("joe", "alice");
        Assert.Equal("joe", await bench.Rcpt("joe@mx.test"));
        Assert.Equal(0, bench.ForwardReads);
        Assert.StartsWith("550", await bench.Rcpt("alice@mx.test"), StringComparison.Ordinal);
        Assert.StartsWith("451", await bench.Rcpt("broken@mx.test"), StringComparison.Ordinal);
    }
}
