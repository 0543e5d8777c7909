using System.Collections.Immutable;
using Estafette.Tables;

namespace Estafette.Tests.Tables.Maps;

/// <summary>Lists of maps, and the types that need no file (DATABASE_README).</summary>
public sealed class MapListTests
{
    [Fact]
    public async Task The_first_map_that_has_the_key_answers()
    {
        ImmutableArray<string> maps = ["inline:{a=1}", "inline:{a=2,b=3}"];
        TableSet tables = MapBench.Set([.. maps]);
        Assert.Equal(("1", "3", null), (await Ask("A"), await Ask("b"), await Ask("c")));

        async Task<string?> Ask(string key) => MapBench.Value(await tables.FindAsync(maps, key, CancellationToken.None));
    }

    [Fact]
    public async Task E44_a_map_that_cannot_be_read_hides_what_stands_behind_it_but_not_what_stands_before()
    {
        ImmutableArray<string> maps = ["inline:{first=1}", "hash:/nonexistent/estafette", "inline:{first=2,second=3}"];
        TableSet tables = MapBench.Set([.. maps]);
        Assert.Equal("1", MapBench.Value(await tables.FindAsync(maps, "first", CancellationToken.None)));
        Assert.Contains("/nonexistent/estafette.db: No such file or directory", MapBench.Value(await tables.FindAsync(maps, "second", CancellationToken.None)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task E44_an_empty_value_is_a_mistake_and_no_answer() =>
        Assert.Contains("returns an empty string result", await MapBench.AskAsync("inline:{a=}", "a"), StringComparison.Ordinal);

    [Fact]
    public async Task E54_the_rows_of_a_table_are_not_told_with_its_failure() =>
        Assert.DoesNotContain("secretword", await MapBench.AskAsync("inline:{ { gate = joe:secretword } a= }", "a"), StringComparison.Ordinal);

    [Theory]
    [InlineData("static:fixed", "any", "fixed")]
    [InlineData("static:{ two words }", "any", "two words")]
    [InlineData("inline:{a=1, {b = two words}, c=3}", "b", "two words")]
    [InlineData("inline:{a=1,a=2}", "a", "2")]
    [InlineData("internal:x", "a", null)]
    [InlineData("randmap:{only}", "a", "only")]
    [InlineData("pipemap:{inline:{x=y},inline:{y=z}}", "x", "z")]
    [InlineData("pipemap:{inline:{x=y},inline:{z=z}}", "x", null)]
    [InlineData("unionmap:{inline:{x=1},static:2,inline:{y=3}}", "x", "1,2")]
    [InlineData("unionmap:{inline:{x=1},fail:broken}", "x", "[fail:broken lookup error]")]
    [InlineData("proxy:inline:{x=1}", "x", "1")]
    [InlineData("fail:now", "x", "[fail:now lookup error]")]
    [InlineData("environ:x", "HOME", null)]
    [InlineData("unix:passwd.byname", "ROOT", "root:x:0:0:root:/root:/bin/bash")]
    [InlineData("unix:passwd.byname", "no such user", null)]
    [InlineData("unix:group.byname", "root", "root:x:0:")]
    [InlineData("unix:group.byname", "nosuchgroup", null)]
    [InlineData("cidr:{{10.0.0.0/8 ten}, {!192.0.2.0/24 other}}", "10.1.2.3", "ten")]
    [InlineData("cidr:{{10.0.0.0/8 ten}, {!192.0.2.0/24 other}}", "192.0.2.1", null)]
    [InlineData("cidr:{{10.0.0.0/8 ten}, {!192.0.2.0/24 other}}", "2001:db8::1", null)]
    [InlineData("cidr:{{if 10.0.0.0/8}, {10.1.0.0/16 a}, {endif}, {0.0.0.0/0 b}}", "10.1.0.9", "a")]
    [InlineData("cidr:{{if 10.0.0.0/8}, {10.1.0.0/16 a}, {endif}, {0.0.0.0/0 b}}", "10.2.0.9", "b")]
    [InlineData("cidr:{{if 10.0.0.0/8}, {0.0.0.0/0 a}}", "11.2.0.9", null)]
    public async Task Types_without_a_file(string reference, string key, string? value) => Assert.Equal(value, await MapBench.AskAsync(reference, key));

    [Theory]
    [InlineData("inline:{user=1}", true)]
    [InlineData("static:1", true)]
    [InlineData("pipemap:{inline:{user=1},randmap:{2}}", true)]
    [InlineData("cidr:{{10.0.0.0/8 ten}}", false)]
    [InlineData("randmap:{1}", false)]
    [InlineData("unionmap:{randmap:{1},inline:{user=1}}", false)]
    public async Task Partial_keys_are_asked_of_tables_with_keys_only(string reference, bool asked)
    {
        TableSet tables = MapBench.Set(reference, "static:last");
        TableAnswer answer = await tables.FindAsync([reference, "static:last"], "user", MapUse.Partial, CancellationToken.None);
        Assert.Equal(asked, answer is not TableAnswer.Found { Value: "last" });
    }

    [Fact]
    public void An_empty_list_costs_nothing()
    {
        TableSet tables = MapBench.Set();
        Assert.True(tables.FindAsync([], "key", CancellationToken.None).IsCompleted);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            Assert.True(tables.FindAsync([], "key", CancellationToken.None).IsCompletedSuccessfully);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
