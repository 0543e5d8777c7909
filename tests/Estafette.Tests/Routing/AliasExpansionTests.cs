using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Routing;
using Estafette.Tests.Tables;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Routing;

public sealed class AliasExpansionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly RouterBench _bench = new();

    public AliasExpansionTests()
    {
        string list = _folder.Write("list", "# members\ncarol\ndave, bob\n");
        _bench.Table("aliases", "postmaster=root", "root=alice", "team=nested, bob", "nested=alice, carol", "cmd=\"|cat > /x\"", "file=/var/file.out",
            $"inc=:include:{list}", "gone=:include:/nonexistent/list", "away=someone@far.test", "nobodyelse=nosuch-user", "err=error:550 5.7.1 closed for ever",
            "tmp=error:451 4.7.1 not now", "ping=pong", "pong=ping", "self=self", "alice+tag=bob", "twice=bob, bob, Bob, carol", "twicenested=bob, sub", "sub=bob, alice",
            "bad=two words", "back=\\alice", "mixed=alice, alice@localhost", "partly=bob, err");
        _bench.Local("local", alias: "aliases");
        _bench.UsualRules();
    }

    [Theory]
    [InlineData("alice@mx.test", "alice")]
    [InlineData("ALICE@MX.Test", "alice")]
    [InlineData("alice@localhost", "alice")]
    [InlineData("alice@[127.0.0.1]", "alice")]
    [InlineData("alice@[IPv6:::1]", "alice")]
    [InlineData("alice@[192.0.2.10]", "alice")]
    [InlineData("alice@[192.0.2.11]", "out")]
    [InlineData("bob+detail@mx.test", "bob+detail")]
    [InlineData("alice+tag@mx.test", "bob")]
    [InlineData("alice+other@mx.test", "alice+other")]
    [InlineData("root@localhost", "alice")]
    [InlineData("root+cron@localhost", "alice")]
    [InlineData("team@mx.test", "alice; bob; carol")]
    [InlineData("TEAM@mx.test", "alice; bob; carol")]
    [InlineData("cmd@mx.test", "|cat > /x as opensmtpd")]
    [InlineData("file@mx.test", "/var/file.out as opensmtpd")]
    [InlineData("inc@mx.test", "bob; carol; dave")]
    [InlineData("away@mx.test", "out <someone@far.test>")]
    [InlineData("back@mx.test", "alice")]
    [InlineData("twice@mx.test", "bob; carol")]
    [InlineData("twicenested@mx.test", "alice; bob")]
    public async Task Aliases_expand_to_their_targets(string recipient, string targets) => Assert.Equal(targets, await _bench.Rcpt(recipient));

    [Theory]
    [InlineData("nobody-such@mx.test", "550 Invalid recipient: <nobody-such@mx.test>", RefusalReason.UnknownUser)]
    [InlineData("nobodyelse@mx.test", "550 Invalid recipient: <nobodyelse@mx.test>", RefusalReason.UnknownUser)]
    [InlineData("self@mx.test", "550 Invalid recipient: <self@mx.test>", RefusalReason.UnknownUser)]
    [InlineData("ping@mx.test", "524 5.2.4 Mailing list expansion problem: <ping@mx.test>", RefusalReason.ExpansionProblem)]
    [InlineData("err@mx.test", "550 5.7.1 closed for ever: <err@mx.test>", RefusalReason.ErrorTarget)]
    [InlineData("partly@mx.test", "550 5.7.1 closed for ever: <partly@mx.test>", RefusalReason.ErrorTarget)]
    [InlineData("tmp@mx.test", "451 4.7.1 not now: <tmp@mx.test>", RefusalReason.ErrorTarget)]
    [InlineData("gone@mx.test", "424 4.2.4 Mailing list expansion problem: <gone@mx.test>", RefusalReason.TemporaryFailure)]
    [InlineData("bad@mx.test", "424 4.2.4 Mailing list expansion problem: <bad@mx.test>", RefusalReason.TemporaryFailure)]
    [InlineData("alice%mx.test@mx.test", "550 Invalid recipient: <alice%mx.test@mx.test>", RefusalReason.UnknownUser)]
    [InlineData("err", "550 5.7.1 closed for ever: <err@mx.test>", RefusalReason.ErrorTarget)]
    public async Task Refusals_have_their_code_reason_and_rule(string recipient, string reply, RefusalReason reason)
    {
        Assert.Equal(reply, await _bench.Rcpt(recipient));
        var refused = Assert.IsType<RouteResult.Refused>(await _bench.Resolve(recipient));
        Assert.Equal((reason, "smtpd.conf:1"), (refused.Reason, refused.Rule.ToString()));
    }

    [Fact]
    public async Task The_old_grammar_has_its_own_texts()
    {
        _bench.Dialect = Dialect.OpenSmtpdOld;
        Assert.Equal("550 Invalid recipient", await _bench.Rcpt("nobody-such@mx.test"));
        Assert.Equal("550 Invalid recipient", await _bench.Rcpt("ping@mx.test"));
        Assert.Equal("451 4.3.0 Temporary failure", await _bench.Rcpt("gone@mx.test"));
    }

    [Fact]
    public async Task A_user_whose_alias_names_the_own_address_keeps_a_copy()
    {
        _bench.Table("aliases", "carol=carol@mx.test, bob");
        Assert.Equal("bob; carol", await _bench.Rcpt("carol@mx.test"));
    }

    [Fact]
    public async Task Two_addresses_of_one_user_are_two_deliveries() =>
        Assert.Equal("alice; alice <alice@localhost>", await _bench.Rcpt("mixed@mx.test"));

    [Fact]
    public async Task E44_a_missing_alias_table_is_a_temporary_failure()
    {
        _bench.MissingTable("aliases");
        Assert.Equal("424 4.2.4 Mailing list expansion problem: <alice@mx.test>", await _bench.Rcpt("alice@mx.test"));
    }

    [Fact]
    public async Task E44_a_user_database_that_fails_is_a_temporary_failure()
    {
        _bench.UserDatabaseFails("dave");
        Assert.Equal("451 4.3.0 Temporary failure: <dave@mx.test>", await _bench.Rcpt("dave@mx.test"));
    }

    [Fact]
    public async Task E17_nothing_of_an_alias_runs_as_root()
    {
        _bench.AliasUser = "root";
        Assert.StartsWith("451", await _bench.Rcpt("cmd@mx.test"), StringComparison.Ordinal);
        Assert.StartsWith("451", await _bench.Rcpt("file@mx.test"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Recipient_fields_are_filled()
    {
        var accepted = Assert.IsType<RouteResult.Accepted>(await _bench.Resolve("postmaster"));
        Recipient recipient = Assert.Single(accepted.Recipients);
        Assert.Equal(new MailAddress("postmaster", "mx.test"), recipient.Original);
        Assert.Equal(("local", new DeliveryTarget.User("alice"), "smtpd.conf:1"), (recipient.Action, recipient.Target, accepted.Rule.ToString()));
        Assert.Null(recipient.ReversePath);
    }

    [Fact]
    public async Task Keys_do_not_meet_within_a_message()
    {
        var keys = new HashSet<uint>();
        for (int i = 0; i < 5000; i++)
            Assert.True(keys.Add(((RouteResult.Accepted)await _bench.Resolve("alice@mx.test")).Recipients[0].Key));
    }

    [Fact]
    public async Task E32_a_list_with_an_owner_bounces_to_the_owner_in_postfix()
    {
        var bench = new RouterBench { Dialect = Dialect.Postfix };
        bench.Table("aliases", "team=alice, x@far.test", "owner-team=bob");
        bench.Local("local", alias: "aliases");
        bench.UsualRules();
        var accepted = Assert.IsType<RouteResult.Accepted>(await bench.Resolve("team@mx.test"));
        Assert.All(accepted.Recipients, r => Assert.Equal(new MailAddress("owner-team", "mx.test"), r.ReversePath));
        var bounce = Assert.IsType<RouteResult.Accepted>(await bench.Resolve("team@mx.test", from: "@"));
        Assert.All(bounce.Recipients, r => Assert.Null(r.ReversePath));
    }

    [Fact]
    public async Task E32_depth_and_number_are_limited()
    {
        var bench = new RouterBench { Limits = new LimitsConfig { ExpansionSize = 50 } };
        bench.Table("aliases", [.. Enumerable.Range(0, 20).Select(i => $"n{i}=n{i + 1}"), "many=" + string.Join(',', Enumerable.Range(0, 60).Select(i => $"u{i}@far.test"))]);
        bench.Local("local", alias: "aliases");
        bench.UsualRules();
        Assert.StartsWith("524 5.2.4", await bench.Rcpt("n0@mx.test"), StringComparison.Ordinal);
        Assert.StartsWith("524 5.2.4", await bench.Rcpt("many@mx.test"), StringComparison.Ordinal);
    }

    [Fact]
    public void E32_any_tangle_of_aliases_and_forwards_ends_within_the_limits() =>
        Prop.ForAll(Gen.Elements("a", "b", "c", "alice", "bob", "a@mx.test", "b@localhost", "alice@mx.test", "x@far.test", "a+t", "\\bob", "|x", "/y", "error:550 no")
            .ListOf().ListOf(8).ToArbitrary(), rows =>
        {
            var bench = new RouterBench { Limits = new LimitsConfig { ExpansionSize = 20 } };
            string[] names = ["a", "b", "c", "a+t", "@mx.test", "a@localhost"];
            string[] values = [.. rows.Select(r => string.Join(',', r)).Select(v => v.Length == 0 ? "alice" : v)];
            bench.Table("aliases", [.. names.Zip(values, (n, v) => $"{n}={v}")]);
            bench.Forward("alice", values[^1]);
            bench.Forward("bob", values[^2]);
            bench.Local("local", alias: "aliases");
            bench.Local("virt", virtualTable: "aliases");
            bench.Match("virt", new Criterion(CriterionKind.MailFrom, Values: new ValueList { Table = "virtual" }), new Criterion(CriterionKind.ForLocal));
            bench.Table("virtual", "v@client.test");
            bench.UsualRules();
            foreach (string from in new[] { "a@client.test", "v@client.test" })
            {
                foreach (string name in names.Where(n => !n.Contains('@', StringComparison.Ordinal)))
                {
                    // Everything is in memory, so the answer is there at once, or the expansion hangs.
                    Task<RouteResult> answer = bench.Resolve(name + "@mx.test", from: from);
                    Assert.True(answer.IsCompletedSuccessfully);
                    if (answer.Result is RouteResult.Accepted accepted)
                        Assert.InRange(accepted.Recipients.Length, 1, 20);
                }
            }
        }).QuickCheckThrowOnFailure();

    public void Dispose() => _folder.Dispose();
}
