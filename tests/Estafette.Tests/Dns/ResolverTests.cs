using System.Net;
using System.Net.Sockets;
using Estafette.Dns;
using static Estafette.Tests.Dns.FakeNameServer;

namespace Estafette.Tests.Dns;

public sealed class ResolverTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly ManualClock _clock = new();

    [Fact]
    public async Task Exchangers_come_with_preference_and_lower_case_names()
    {
        using var server = new FakeNameServer(q => [q.Answer(answers: [Mx("x.test", 20, "B.x.test"), Mx("X.TEST", 10, "a.x.test")])]);
        using Resolver resolver = Asking(server);
        DnsAnswer<MxRecord> answer = await resolver.MxAsync("X.Test.", None);
        Assert.Equal(DnsStatus.Found, answer.Status);
        Assert.Equal([new(20, "b.x.test"), new(10, "a.x.test")], answer.Records.ToArray());
    }

    [Fact]
    public async Task E40_null_MX_is_an_exchanger_without_a_name()
    {
        using var server = new FakeNameServer(q => [q.Answer(answers: [Mx("x.test", 0, "")])]);
        using Resolver resolver = Asking(server);
        Assert.Equal("", Assert.Single((await resolver.MxAsync("x.test", None)).Records).Exchange);
    }

    [Theory]
    [InlineData(0, DnsStatus.NoData)]
    [InlineData(3, DnsStatus.NoSuchName)]
    [InlineData(2, DnsStatus.Failed)]
    [InlineData(5, DnsStatus.Failed)]
    public async Task E44_the_kinds_of_nothing_stay_apart(int code, DnsStatus expected)
    {
        using var server = new FakeNameServer(q => [q.Answer(code, 60)]);
        using Resolver resolver = Asking(server);
        DnsAnswer<MxRecord> answer = await resolver.MxAsync("x.test", None);
        Assert.Equal((expected, expected is DnsStatus.Failed), (answer.Status, answer.IsTemporary));
    }

    [Fact]
    public async Task Answers_are_remembered_for_their_time_to_live()
    {
        using var server = new FakeNameServer(q => [q.Answer(answers: [A("x.test", "192.0.2.1", 30)])]);
        using Resolver resolver = Asking(server);
        for (int i = 0; i < 3; i++)
            await resolver.AddressesAsync("x.test", AddressFamily.InterNetwork, None);
        Assert.Single(server.Asked);
        _clock.Advance(TimeSpan.FromSeconds(31));
        await resolver.AddressesAsync("x.test", AddressFamily.InterNetwork, None);
        Assert.Equal(2, server.Asked.Count);
    }

    [Theory]
    [InlineData(3, 20u, 20)]
    [InlineData(0, 1_000_000u, 900)]
    [InlineData(2, 1000u, 5)]
    public async Task Nothing_is_remembered_as_the_SOA_says_and_failure_briefly(int code, uint minimum, int seconds)
    {
        using var server = new FakeNameServer(q => [q.Answer(code, minimum)]);
        using Resolver resolver = Asking(server, s => s with { Attempts = 1 });
        await resolver.MxAsync("x.test", None);
        _clock.Advance(TimeSpan.FromSeconds(seconds - 1));
        await resolver.MxAsync("x.test", None);
        Assert.Single(server.Asked);
        _clock.Advance(TimeSpan.FromSeconds(2));
        await resolver.MxAsync("x.test", None);
        Assert.Equal(2, server.Asked.Count);
    }

    [Fact]
    public async Task The_cache_is_bounded()
    {
        using var server = new FakeNameServer(q => [q.Answer(answers: [A(q.Name, "192.0.2.1")])]);
        using Resolver resolver = Asking(server, s => s with { CacheEntries = 10 });
        for (int i = 0; i < 50; i++)
            await resolver.AddressesAsync($"x{i}.test", AddressFamily.InterNetwork, None);
        Assert.Equal(10, resolver.CachedAnswers);
    }

    [Fact]
    public async Task A_cut_answer_is_asked_again_over_TCP()
    {
        byte[][] many = [.. Enumerable.Range(1, 200).Select(i => A("x.test", $"192.0.2.{i}"))];
        using var server = new FakeNameServer(q => [q.Answer(flags: 0x8380)], q => q.Answer(answers: many));
        using Resolver resolver = Asking(server);
        Assert.Equal(200, (await resolver.AddressesAsync("x.test", AddressFamily.InterNetwork, None)).Records.Length);
        Assert.Equal([false, true], server.Asked.Select(q => q.Tcp));
    }

    [Fact]
    public async Task A_server_that_closes_TCP_has_failed()
    {
        using var server = new FakeNameServer(q => [q.Answer(flags: 0x8380)]);
        using Resolver resolver = Asking(server, s => s with { Attempts = 1 });
        Assert.Equal(DnsStatus.Failed, (await resolver.MxAsync("x.test", None)).Status);
    }

    [Fact]
    public async Task Forged_and_broken_datagrams_are_passed_over()
    {
        using var server = new FakeNameServer(q =>
        {
            byte[] good = q.Answer(answers: [A("x.test", "192.0.2.1")]);
            byte[] wrongId = [(byte)(good[0] ^ 1), .. q.Answer(answers: [A("x.test", "203.0.113.66")])[1..]];
            byte[] wrongName = (byte[])q.Answer(answers: [A("x.test", "203.0.113.66")]).Clone();
            wrongName[13] = (byte)'y';
            byte[] wrongType = (byte[])q.Answer(answers: [A("x.test", "203.0.113.66")]).Clone();
            wrongType[12 + 8 + 1] = (byte)DnsRecordType.Mx;
            byte[] noAnswer = (byte[])q.Message.Clone();
            return [[], [1, 2, 3], wrongId, wrongName, wrongType, noAnswer, good[..^3], good];
        });
        using Resolver resolver = Asking(server);
        Assert.Equal("192.0.2.1", Assert.Single((await resolver.AddressesAsync("x.test", AddressFamily.InterNetwork, None)).Records).ToString());
    }

    [Fact]
    public async Task A_slow_server_costs_its_time_and_the_next_is_asked_and_stays_first()
    {
        using var slow = new FakeNameServer(_ => []);
        using var broken = new FakeNameServer(q => [q.Answer(2)]);
        using var good = new FakeNameServer(q => [q.Answer(answers: [A(q.Name, "192.0.2.1")])]);
        using var resolver = new Resolver(
            new ResolverSettings { Servers = [slow.EndPoint, broken.EndPoint, good.EndPoint], Timeout = TimeSpan.FromSeconds(1), Hosts = "/nonexistent" }, _clock);
        Assert.True((await resolver.AddressesAsync("x.test", AddressFamily.InterNetwork, None)).IsFound);
        Assert.True((await resolver.AddressesAsync("y.test", AddressFamily.InterNetwork, None)).IsFound);
        Assert.Equal((1, 1, 2), (slow.Asked.Count, broken.Asked.Count, good.Asked.Count));
    }

    [Fact]
    public async Task When_nobody_answers_the_failure_says_why()
    {
        using var silent = new FakeNameServer(_ => []);
        using Resolver resolver = Asking(silent, s => s with { Timeout = TimeSpan.FromMilliseconds(100) });
        DnsAnswer<MxRecord> answer = await resolver.MxAsync("x.test", None);
        Assert.True(answer.IsTemporary);
        Assert.Contains("did not answer in time", answer.Problem, StringComparison.Ordinal);
        Assert.Equal(2, silent.Asked.Count);
    }

    [Fact]
    public async Task Aliases_are_followed_within_and_across_answers()
    {
        using var server = new FakeNameServer(q => q.Name switch
        {
            "a.test" => [q.Answer(answers: [A("b.test", "192.0.2.9"), Cname("a.test", "b.TEST"), Cname("b.test", "c.test")])],
            "c.test" => [q.Answer(answers: [A("c.test", "192.0.2.1"), A("evil.test", "203.0.113.66")])],
            _ => [q.Answer(3, 60)],
        });
        using Resolver resolver = Asking(server);
        DnsAnswer<IPAddress> answer = await resolver.AddressesAsync("a.test", AddressFamily.InterNetwork, None);
        // b.test has both an alias and an address: its own record wins.
        Assert.Equal(("b.test", "192.0.2.9"), (answer.CanonicalName, Assert.Single(answer.Records).ToString()));
        using var second = new FakeNameServer(q => q.Name == "a.test" ? [q.Answer(answers: [Cname("a.test", "c.test")])] : [q.Answer(answers: [A("c.test", "192.0.2.1")])]);
        using Resolver across = Asking(second);
        answer = await across.AddressesAsync("a.test", AddressFamily.InterNetwork, None);
        Assert.Equal(("c.test", "192.0.2.1"), (answer.CanonicalName, Assert.Single(answer.Records).ToString()));
    }

    [Fact]
    public async Task Alias_loops_end()
    {
        using var inside = new FakeNameServer(q => [q.Answer(answers: [Cname("a.test", "b.test"), Cname("b.test", "a.test")])]);
        using Resolver one = Asking(inside);
        Assert.True((await one.MxAsync("a.test", None)).IsTemporary);
        int n = 0;
        using var endless = new FakeNameServer(q => [q.Answer(answers: [Cname(q.Name, $"n{n++}.test")])]);
        using Resolver two = Asking(endless);
        Assert.True((await two.MxAsync("a.test", None)).IsTemporary);
        Assert.InRange(endless.Asked.Count, 1, 17);
    }

    [Fact]
    public async Task An_alias_of_nothing_is_nothing()
    {
        using var server = new FakeNameServer(q => [q.Answer(3, 60, answers: [Cname("a.test", "b.test")])]);
        using Resolver resolver = Asking(server);
        Assert.Equal(DnsStatus.NoSuchName, (await resolver.MxAsync("a.test", None)).Status);
    }

    [Fact]
    public async Task Equal_questions_at_once_are_asked_once_and_one_may_give_up()
    {
        using var gate = new SemaphoreSlim(0);
        using var server = new FakeNameServer(q =>
        {
            gate.Wait(TimeSpan.FromSeconds(60));
            return [q.Answer(answers: [A("x.test", "192.0.2.1")])];
        });
        using Resolver resolver = Asking(server, s => s with { Timeout = TimeSpan.FromSeconds(60) });
        using var impatient = new CancellationTokenSource();
        Task<DnsAnswer<IPAddress>> given = resolver.AddressesAsync("x.test", AddressFamily.InterNetwork, impatient.Token).AsTask();
        Task<DnsAnswer<IPAddress>>[] asks = [.. Enumerable.Range(0, 20).Select(_ => resolver.AddressesAsync("x.test", AddressFamily.InterNetwork, None).AsTask())];
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
        gate.Release();
        Assert.All(await Task.WhenAll(asks), a => Assert.True(a.IsFound));
        Assert.Single(server.Asked);
    }

    [Fact]
    public async Task A_server_from_before_EDNS_is_asked_without()
    {
        using var server = new FakeNameServer(q => [q.Message[11] == 1 ? q.Answer(1) : q.Answer(answers: [A("x.test", "192.0.2.1")])]);
        using Resolver resolver = Asking(server);
        Assert.True((await resolver.AddressesAsync("x.test", AddressFamily.InterNetwork, None)).IsFound);
    }

    [Theory]
    [InlineData(0x81A0, true)]
    [InlineData(0x8180, false)]
    public async Task E41_the_AD_bit_of_a_loopback_resolver_is_kept(int flags, bool authentic)
    {
        using var server = new FakeNameServer(q => [q.Answer(flags: flags, answers: [A("x.test", "192.0.2.1")])]);
        using Resolver resolver = Asking(server);
        Assert.Equal(authentic, (await resolver.AddressesAsync("x.test", AddressFamily.InterNetwork, None)).IsAuthentic);
    }

    [Fact]
    public async Task Mixed_case_must_come_back_as_it_went()
    {
        const string name = "a-name-long-enough-to-hold-many-bits.test";
        bool honest = false;
        using var server = new FakeNameServer(q =>
        {
            byte[] reply = q.Answer(answers: [A(name, "192.0.2.1")]);
            if (!honest)
                FakeNameServer.Name(name).CopyTo(reply, 12);
            return [reply];
        });
        using Resolver resolver = Asking(server, s => s with { RandomizeCase = true, Timeout = TimeSpan.FromMilliseconds(500), FailureTtl = TimeSpan.Zero });
        Assert.True((await resolver.AddressesAsync(name, AddressFamily.InterNetwork, None)).IsTemporary);
        honest = true;
        Assert.True((await resolver.AddressesAsync(name, AddressFamily.InterNetwork, None)).IsFound);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a..b")]
    [InlineData(".a")]
    [InlineData("a b.test")]
    [InlineData("a\\b.test")]
    [InlineData("a\nb.test")]
    public async Task What_is_no_name_is_not_asked(string name)
    {
        using var server = new FakeNameServer(_ => []);
        using Resolver resolver = Asking(server);
        Assert.Equal(DnsStatus.BadName, (await resolver.MxAsync(name, None)).Status);
        Assert.Equal(DnsStatus.BadName, (await resolver.MxAsync(new string('a', 64) + ".test", None)).Status);
        Assert.Empty(server.Asked);
    }

    [Fact]
    public async Task E26_names_beyond_ASCII_are_asked_as_A_labels()
    {
        using var server = new FakeNameServer(q => [q.Answer(answers: [Mx(q.Name, 10, "mx.test")])]);
        using Resolver resolver = Asking(server);
        Assert.True((await resolver.MxAsync("B\u00fccher.test", None)).IsFound);
        Assert.Equal("xn--bcher-kva.test", Assert.Single(server.Asked).Name);
    }

    [Fact]
    public async Task Hosts_and_localhost_need_no_server()
    {
        string hosts = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(hosts, "127.0.0.1 localhost\n127.0.0.1 mx.conform.test mx # comment\n2001:db8::5 six\n");
            using var server = new FakeNameServer(q => [q.Answer(answers: [Record(q.Name, DnsRecordType.Ptr, 60, Name("mx.conform.test"))])]);
            using Resolver resolver = Asking(server, s => s with { Hosts = hosts });
            Assert.Equal([IPAddress.Loopback], (await resolver.AddressesAsync("MX", None)).Records.ToArray());
            Assert.Equal(DnsStatus.NoData, (await resolver.AddressesAsync("six", AddressFamily.InterNetwork, None)).Status);
            Assert.Equal("localhost", (await new ReverseLookup(resolver).LookUpAsync(IPAddress.Loopback, None)).Verified);
            Assert.Empty(server.Asked);
            Assert.Equal("mx.conform.test", (await new ReverseLookup(resolver, HostsOrder.DnsFirst).LookUpAsync(IPAddress.Loopback.MapToIPv6(), None)).Verified);
            await File.WriteAllTextAsync(hosts, "127.0.0.3 new\n");
            _clock.Advance(TimeSpan.FromSeconds(6));
            Assert.Equal("127.0.0.3", Assert.Single((await resolver.AddressesAsync("new", None)).Records).ToString());
            Assert.Equal(2, (await resolver.AddressesAsync("localhost", None)).Records.Length);
        }
        finally
        {
            File.Delete(hosts);
        }
    }

    [Fact]
    public async Task Resolv_conf_is_read_again_when_it_changes()
    {
        string conf = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(conf, "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
            ResolvConf parsed = ResolvConf.Parse(await File.ReadAllTextAsync(conf) + "nameserver ::1\nnameserver 192.0.2.1\nnameserver 192.0.2.2\noptions rotate trust-ad timeout:x junk\nsearch a b\n");
            Assert.Equal(["127.0.0.1:53", "[::1]:53", "192.0.2.1:53"], parsed.Servers.Select(s => s.ToString()));
            Assert.Equal((TimeSpan.FromSeconds(1), 1, true, true), (parsed.Timeout, parsed.Attempts, parsed.Rotate, parsed.TrustAd));
            Assert.Equal(IPAddress.Loopback, Assert.Single(ResolvConf.Parse("").Servers).Address);
            var watched = new WatchedFile<ResolvConf>(conf, ResolvConf.Parse, ResolvConf.Default, TimeSpan.FromSeconds(5), _clock);
            Assert.Equal(1, watched.Value.Attempts);
            await File.WriteAllTextAsync(conf, "nameserver 127.0.0.2\noptions attempts:4\n");
            Assert.Equal(1, watched.Value.Attempts);
            _clock.Advance(TimeSpan.FromSeconds(6));
            Assert.Equal(4, watched.Value.Attempts);
            File.Delete(conf);
            _clock.Advance(TimeSpan.FromSeconds(6));
            Assert.Equal(4, watched.Value.Attempts);
        }
        finally
        {
            File.Delete(conf);
        }
    }

    [Theory]
    [InlineData("good.test", true, "good.test")]
    [InlineData("liar.test", false, null)]
    public async Task A_reverse_name_counts_only_when_the_way_back_confirms_it(string claimed, bool confirmed, string? verified)
    {
        using var server = new FakeNameServer(q =>
            [q.Type is DnsRecordType.Ptr ? q.Answer(answers: [Record(q.Name, DnsRecordType.Ptr, 60, Name(claimed))])
                : q.Answer(answers: [A(q.Name, q.Name == "good.test" ? "192.0.2.7" : "203.0.113.66")])]);
        using Resolver resolver = Asking(server);
        ReverseName name = await new ReverseLookup(resolver).LookUpAsync(IPAddress.Parse("192.0.2.7"), None);
        Assert.Equal((claimed, confirmed, verified), (name.Name, name.IsConfirmed, name.Verified));
        Assert.Equal("7.2.0.192.in-addr.arpa", server.Asked.First().Name);
    }

    private Resolver Asking(FakeNameServer server, Func<ResolverSettings, ResolverSettings>? change = null)
    {
        var settings = new ResolverSettings { Servers = [server.EndPoint], Timeout = TimeSpan.FromSeconds(3), Hosts = "/nonexistent" };
        return new Resolver(change?.Invoke(settings) ?? settings, _clock);
    }
}
