using Estafette.Config.Model;
using Estafette.Routing;

namespace Estafette.Tests.Routing;

public sealed class ForwardExpansionTests
{
    private readonly RouterBench _bench = new();

    public ForwardExpansionTests()
    {
        _bench.Local("local");
        _bench.UsualRules();
    }

    [Theory]
    [InlineData("# comment\nalice, away@far.test\n", "alice; out <away@far.test>")]
    [InlineData("\\alice\naway@far.test", "alice; out <away@far.test>")]
    [InlineData("alice@mx.test, bob", "alice; bob")]
    [InlineData("alice@localhost", "alice <alice@localhost>")]
    [InlineData("|cat > /home/alice/x\n/home/alice/file.out", "/home/alice/file.out as alice; |cat > /home/alice/x as alice")]
    [InlineData("# nothing\n\n", "alice")]
    [InlineData(":include:/etc/shadow", "alice")]
    [InlineData("nobody-such", "550 Invalid recipient: <alice@mx.test>")]
    [InlineData("two words", "424 4.2.4 Mailing list expansion problem: <alice@mx.test>")]
    public async Task Forward_files_are_followed(string text, string expected)
    {
        _bench.Forward("alice", text);
        Assert.Equal(expected, await _bench.Rcpt("alice@mx.test"));
    }

    [Fact]
    public async Task E18_unsafe_is_refused_and_unreadable_is_tried_later()
    {
        _bench.Forward("dave", new ForwardFile.Unsafe("writable by all"));
        _bench.Forward("bob", new ForwardFile.Unavailable("stale NFS handle"));
        Assert.Equal("524 5.2.4 Mailing list expansion problem: <dave@mx.test>", await _bench.Rcpt("dave@mx.test"));
        Assert.Equal("424 4.2.4 Mailing list expansion problem: <bob@mx.test>", await _bench.Rcpt("bob@mx.test"));
        Assert.Contains("stale NFS handle", ((RouteResult.Refused)await _bench.Resolve("bob@mx.test")).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task E32_two_users_who_forward_to_each_other_are_a_loop()
    {
        _bench.Forward("alice", "bob");
        _bench.Forward("bob", "alice");
        Assert.StartsWith("524", await _bench.Rcpt("alice@mx.test"), StringComparison.Ordinal);
        _bench.Forward("alice", "bob@mx.test");
        _bench.Forward("bob", "alice@mx.test");
        Assert.StartsWith("524", await _bench.Rcpt("alice@mx.test"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sub_address_goes_to_the_same_forward_file()
    {
        _bench.Forward("carol", "carol");
        Assert.Equal("carol", await _bench.Rcpt("carol+tag@mx.test"));
    }

    [Fact]
    public async Task E17_roots_forward_file_runs_nothing()
    {
        _bench.Forward("root", "|reboot");
        Assert.StartsWith("451", await _bench.Rcpt("root@mx.test"), StringComparison.Ordinal);
        _bench.Forward("root", "/etc/passwd");
        Assert.StartsWith("451", await _bench.Rcpt("root@mx.test"), StringComparison.Ordinal);
        _bench.Forward("root", "alice");
        Assert.Equal("alice", await _bench.Rcpt("root@mx.test"));
    }

    [Fact]
    public async Task E17_nothing_is_delivered_as_root()
    {
        foreach (LocalMethod method in new LocalMethod[] { new LocalMethod.Mbox(), new LocalMethod.Maildir(), new LocalMethod.Command("x") })
        {
            var bench = new RouterBench();
            bench.Action(bench.Local("local") with { Method = method });
            bench.UsualRules();
            Assert.Equal("451 4.3.5 Mail for root needs an alias to a user: <root@mx.test>", await bench.Rcpt("root@mx.test"));
            Assert.Equal("alice", await bench.Rcpt("alice@mx.test"));
        }
    }

    [Fact]
    public async Task Forward_only_and_expand_only_deliver_nothing_by_themselves()
    {
        foreach ((LocalMethod method, string reply) in new (LocalMethod, string)[] { (new LocalMethod.ForwardOnly(), "424"), (new LocalMethod.ExpandOnly(), "524") })
        {
            var bench = new RouterBench();
            bench.Action(bench.Local("local") with { Method = method });
            bench.UsualRules();
            bench.Forward("bob", "x@far.test");
            Assert.StartsWith(reply, await bench.Rcpt("alice@mx.test"), StringComparison.Ordinal);
            Assert.Equal("out <x@far.test>", await bench.Rcpt("bob@mx.test"));
        }
    }

    [Fact]
    public async Task Who_delivers_as_another_user_reads_only_that_users_forward_file()
    {
        var bench = new RouterBench();
        bench.Action(bench.Local("local") with { RunAs = "vmail" });
        bench.UsualRules();
        bench.Forward("alice", "|id");
        Assert.Equal("alice", await bench.Rcpt("alice@mx.test"));
        Assert.Equal(0, bench.ForwardReads);
    }
}
