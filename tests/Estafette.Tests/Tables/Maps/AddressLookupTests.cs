using System.Collections.Immutable;
using System.Net;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Tests.Tables.Maps;

/// <summary>The orders of lookup in the manuals: virtual(5), access(5), transport(5), and lists of patterns.</summary>
public sealed class AddressLookupTests
{
    private static readonly string[] s_byOrder = ["user+ext@own.test", "user@own.test", "user+ext", "user", "@own.test"];

    [Theory]
    [InlineData(0, "")]
    [InlineData(1, "+ext")]
    [InlineData(2, "")]
    [InlineData(3, "+ext")]
    [InlineData(4, "")]
    public async Task Addresses_are_looked_for_from_the_special_to_the_general(int first, string extension)
    {
        string map = $"inline:{{{string.Join(',', s_byOrder.Skip(first).Select(k => k + "=" + k))}}}";
        AddressAnswer answer = await Find(map, "user+ext", "own.test", AddressKeys.Default);
        Assert.Equal((s_byOrder[first], extension), (MapBench.Value(answer.Answer), answer.Extension));
    }

    [Fact]
    public async Task A_user_alone_is_one_of_an_own_domain() => Assert.Null(MapBench.Value((await Find("inline:{user=1}", "user", "other.test", AddressKeys.Default)).Answer));

    [Theory]
    [InlineData("user@a.b.test", "user@a.b.test", AddressKeys.DotParents)]
    [InlineData("a.b.test", "user@a.b.test", AddressKeys.DotParents)]
    [InlineData(".b.test", "user@a.b.test", AddressKeys.DotParents)]
    [InlineData("b.test", null, AddressKeys.DotParents)]
    [InlineData("b.test", "user@a.b.test", AddressKeys.Parents)]
    [InlineData(".b.test", null, AddressKeys.Parents)]
    [InlineData("test", "user@a.b.test", AddressKeys.Parents)]
    [InlineData("user@", "user@a.b.test", AddressKeys.Parents)]
    [InlineData("@a.b.test", null, AddressKeys.Parents)]
    public async Task Access_maps_know_users_domains_and_parents(string key, string? matches, AddressKeys parents) =>
        Assert.Equal(matches is null ? null : "ok", MapBench.Value((await Find($"inline:{{{key}=ok}}", "user", "a.b.test", AddressKeys.Access | parents)).Answer));

    [Fact]
    public async Task E28_a_local_part_is_looked_for_with_its_quotation_marks_then_without()
    {
        Assert.Equal("quoted", MapBench.Value((await Find("inline:{{\"a b\"@x.test=quoted},{ab=1}}", "a b", "x.test", AddressKeys.Default)).Answer));
        Assert.Equal("bare", MapBench.Value((await Find("inline:{{\"a b\"@y.test=quoted}, {a..b@x.test=bare}}", "a..b", "x.test", AddressKeys.Default)).Answer));
    }

    [Fact]
    public async Task E44_a_failure_under_a_special_key_is_not_hidden_by_a_general_one()
    {
        TableSet tables = MapBench.Set("pipemap:{inline:{user@x.test=y},fail:x}", "inline:{@x.test=general}");
        var lookup = new AddressLookup(tables, AddressKeys.Default, "+", Own);
        AddressAnswer answer = await lookup.FindAsync(["pipemap:{inline:{user@x.test=y},fail:x}", "inline:{@x.test=general}"], new MailAddress("user", "x.test"), CancellationToken.None);
        Assert.IsType<TableAnswer.Unavailable>(answer.Answer);
    }

    [Fact]
    public async Task E44_who_cannot_tell_own_domains_does_not_answer_for_them()
    {
        TableSet tables = MapBench.Set("inline:{@x.test=1}");
        var lookup = new AddressLookup(tables, AddressKeys.Default, "+", (_, _) => ValueTask.FromResult<bool?>(null));
        Assert.IsType<TableAnswer.Unavailable>((await lookup.FindAsync(["inline:{@x.test=1}"], new MailAddress("user", "x.test"), CancellationToken.None)).Answer);
    }

    [Theory]
    [InlineData("user+ext", "+", "user", "+ext")]
    [InlineData("user-a+b", "+-", "user", "-a+b")]
    [InlineData("+ext", "+", null, "")]
    [InlineData("user", "+", null, "")]
    [InlineData("user+ext", "", null, "")]
    [InlineData("owner-list", "-", null, "")]
    [InlineData("list-request", "-", null, "")]
    [InlineData("owner+x", "+", "owner", "+x")]
    [InlineData("double-bounce", "-", null, "")]
    [InlineData("MAILER-DAEMON", "-", null, "")]
    public void Extensions_are_split_at_the_first_delimiter(string localPart, string delimiters, string? user, string extension)
    {
        AddressExtension.TrySplit(localPart, delimiters, out string? found, out string rest);
        Assert.Equal((user, extension), (found, rest));
    }

    [Theory]
    [InlineData("other@b.test", true, "other+ext@b.test")]
    [InlineData("other@b.test", false, "other@b.test")]
    [InlineData("@b.test", true, "user+ext@b.test")]
    [InlineData("@b.test", false, "user@b.test")]
    [InlineData("one, two@b.test", true, "one+ext two+ext@b.test")]
    [InlineData("<>", false, "")]
    public void Unmatched_extensions_are_propagated(string value, bool propagates, string addresses) =>
        Assert.Equal(addresses, string.Join(' ', AddressMapping.Expand(value, new MailAddress("user+ext", "a.test"), "+ext", propagates)));

    [Theory]
    [InlineData("192.0.2.9", "192.0.2.9")]
    [InlineData("192.0.2", "192.0.2.9")]
    [InlineData("192", "192.0.2.9")]
    [InlineData("192.0.2.", null)]
    [InlineData("2001:db8:0:1", null)]
    public async Task Addresses_are_looked_for_with_the_networks_around_them(string key, string? matches) =>
        Assert.Equal(matches is null ? null : "ok", MapBench.Value(await NetworkLookup.FindAsync(MapBench.Set($"inline:{{{key}=ok}}"), [$"inline:{{{key}=ok}}"], IPAddress.Parse("192.0.2.9"), CancellationToken.None)));

    [Theory]
    [InlineData("a.example.test", "example.test", true, true)]
    [InlineData("a.example.test", "example.test", false, false)]
    [InlineData("a.example.test", ".example.test", false, true)]
    [InlineData("a.example.test", ".example.test", true, false)]
    [InlineData("example.test", "EXAMPLE.test", false, true)]
    [InlineData("notexample.test", "example.test", true, false)]
    [InlineData("a.example.test", "!a.example.test .example.test", false, false)]
    [InlineData("a.example.test", "inline:{.example.test=x}", false, true)]
    [InlineData("a.example.test", "inline:{example.test=x}", true, true)]
    [InlineData("a.example.test", "inline:{example.test=}", true, true)]
    [InlineData("a.example.test", "!inline:{a.example.test=x} .example.test", false, false)]
    public async Task Domains_are_matched(string domain, string patterns, bool parents, bool expected)
    {
        (TableSet tables, MatchList list) = List(patterns, parents);
        Assert.Equal(new ListAnswer(expected), await tables.MatchDomainAsync(list, domain, CancellationToken.None));
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.0/8", true)]
    [InlineData("127.0.0.1", "!127.0.0.1 127.0.0.0/8", false)]
    [InlineData("::ffff:127.0.0.1", "127.0.0.0/8", true)]
    [InlineData("2001:db8::1", "[2001:db8::]/32", true)]
    [InlineData("2001:db8::1", "[2001:DB8:0::1]", true)]
    [InlineData("2001:db8::1", "127.0.0.0/8 some.host.test", false)]
    [InlineData("10.1.1.1", "cidr:{{10.0.0.0/8\tx}}", true)]
    [InlineData("10.1.1.1", "client.test", true)]
    [InlineData("10.1.1.1", ".test", true)]
    public async Task Clients_are_matched_by_name_and_address(string address, string patterns, bool expected)
    {
        (TableSet tables, MatchList list) = List(patterns, false);
        Assert.Equal(new ListAnswer(expected), await tables.MatchClientAsync(list, "client.test", IPAddress.Parse(address), CancellationToken.None));
    }

    [Theory]
    [InlineData("10.1.0.0/8", "non-null host address bits in \"10.1.0.0/8\", perhaps you should use \"10.0.0.0/8\" instead")]
    [InlineData("fail:x", "fail:x: table lookup problem: fail:x lookup error")]
    public async Task E44_a_list_that_cannot_be_read_says_neither_yes_nor_no(string patterns, string failure)
    {
        (TableSet tables, MatchList list) = List(patterns, false);
        Assert.Equal(failure, (await tables.MatchAddressAsync(list, IPAddress.Parse("10.1.1.1"), CancellationToken.None)).Failure);
    }

    private static (TableSet Tables, MatchList List) List(string patterns, bool parents)
    {
        var list = new MatchList([.. patterns.Split(' ').Select(i => new MatchPattern(i.TrimStart('!'), i.StartsWith('!'), i.Contains(":{", StringComparison.Ordinal) || i.StartsWith("fail:", StringComparison.Ordinal)))]) { ParentMatches = parents };
        return (MapBench.Set([.. list.Patterns.Where(p => p.IsTable).Select(p => p.Text)]), list);
    }

    private static ValueTask<AddressAnswer> Find(string map, string user, string domain, AddressKeys keys)
    {
        ImmutableArray<string> maps = [map];
        return new AddressLookup(MapBench.Set(map), keys, "+", Own).FindAsync(maps, new MailAddress(user, domain), CancellationToken.None);
    }

    private static ValueTask<bool?> Own(string domain, CancellationToken cancellationToken) => ValueTask.FromResult<bool?>(domain == "own.test");
}
