using System.Text;
using Estafette.Config;
using Estafette.Program.Commands;
using Estafette.Tables;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Tables.Maps;

/// <summary>postmap(1) and postalias(1). Outputs are those of the real ones.</summary>
public sealed class MapToolTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public MapToolTests() => _folder.Write("main.cf", "compatibility_level = 3.6\nmyhostname = mx.test\n");

    [Fact]
    public async Task P15_a_map_is_made_asked_listed_and_changed()
    {
        string map = _folder.Write("t", "# comment\nkey     value one\n\ncontinued first\n   second\n# between\n   third\nLower\twas mixed\nkey dup\n");
        Assert.Equal((0, "", $"postmap: warning: {map}.db: duplicate entry: \"key\"\n"), await MapAsync("", map));
        Assert.Equal((0, "value one\n", ""), await MapAsync("", "-q", "KEY", map));
        Assert.Equal((1, "", ""), await MapAsync("", "-q", "nokey", "hash:" + map));
        Assert.Equal((0, "key\tvalue one\nlower\twas mixed\n", ""), await MapAsync("key\nnone\nlower\n", "-q", "-", map));
        Assert.Equal((0, "key\tvalue one\ncontinued\tfirst   second   third\nlower\twas mixed\n", ""), await MapAsync("", "-s", map));
        Assert.Equal((0, "", ""), await MapAsync("", "-d", "Key", map));
        Assert.Equal((1, "", ""), await MapAsync("", "-d", "key", map));
        Assert.Equal((0, "", ""), await MapAsync("new value here\n", "-i", map));
        Assert.Equal((0, "", $"postmap: warning: {map}.db: duplicate entry: \"new\"\n"), await MapAsync("new other\n", "-i", map));
        Assert.Equal((0, "value here\n", ""), await MapAsync("", "-q", "new", map));
        Assert.Equal((0, "", ""), await MapAsync("new other\n", "-ir", map));
        Assert.Equal((0, "other\n", ""), await MapAsync("", "-q", "new", map));
    }

    [Fact]
    public async Task P15_aliases_are_made_as_postalias_makes_them()
    {
        string map = _folder.Write("al", "root: a, b\n\"x y\": |\"cmd a b\", /file\nno colon\nx@y: z\nq: \"a@b\"@c, \"d\\\"e\" f\nDup: 1\ndup: 2\n");
        Assert.Equal((0, "", $"postalias: warning: {map}, line 3: need name:value pair\npostalias: warning: {map}, line 4: name must be local\npostalias: warning: {map}.db: duplicate entry: \"dup\"\n"), await AliasAsync("", map));
        (int code, string output, _) = await AliasAsync("", "-s", map);
        Assert.Equal(0, code);
        Assert.StartsWith("root:\ta, b\nx y:\t|\"cmd a b\", /file\nq:\t\"a@b\"@c, \"d\\\"e\" f\ndup:\t1\n@:\t@\nYP_LAST_MODIFIED:\t", output, StringComparison.Ordinal);
        Assert.EndsWith("YP_MASTER_NAME:\tmx.test\n", output, StringComparison.Ordinal);
        Assert.Equal((0, "a, b\n", ""), await AliasAsync("", "-q", "ROOT", map));
    }

    [Theory]
    [InlineData("fatal: usage: postmap [-bfFhimnNoprsuUvw] [-c config_dir] [-d key] [-q key] [map_type:]file...")]
    [InlineData("invalid option -- 'z'\npostmap: fatal: usage: postmap [-bfFhimnNoprsuUvw] [-c config_dir] [-d key] [-q key] [map_type:]file...", "-z")]
    [InlineData("fatal: specify only one of -s -q or -d", "-q", "a", "-d", "b")]
    [InlineData("fatal: specify only one of -s or -q or -d", "-q", "a", "-s")]
    [InlineData("fatal: specify -b -h or -m only with \"-q -\"", "-b", "-q", "a", "static:x")]
    [InlineData("fatal: open /nonexistent/t: No such file or directory", "/nonexistent/t")]
    [InlineData("fatal: open database /nonexistent/t.db: No such file or directory", "-q", "a", "/nonexistent/t")]
    [InlineData("fatal: open database /nonexistent/t: No such file or directory", "-q", "a", "texthash:/nonexistent/t")]
    [InlineData("fatal: open /nonexistent/t: No such file or directory", "-q", "a", "regexp:/nonexistent/t")]
    [InlineData("fatal: unsupported dictionary type: regexp does not support bulk-mode creation.", "-i", "regexp:x")]
    [InlineData("fatal: unsupported dictionary type: foo", "-q", "a", "foo:x")]
    [InlineData("fatal: table static:x: delete operation is not supported", "-d", "a", "static:x")]
    [InlineData("fatal: inline:{a=b} map requires O_RDONLY access mode", "-d", "a", "inline:{a=b}")]
    [InlineData("fatal: table static:x: sequence operation is not supported", "-s", "static:x")]
    [InlineData("fatal: table fail:x: query error: Application error", "-q", "a", "fail:x")]
    [InlineData("fatal: open dictionary: expecting \"type:name\" form instead of \"static:\"", "-q", "a", "static:")]
    [InlineData("fatal: bad syntax: \"pipemap:{x}\"; need \"pipemap:{type:name...}\"", "-q", "a", "pipemap:{x}")]
    public async Task What_is_wrong_is_told_in_the_original_words(string error, params string[] args) => Assert.Equal((1, "", $"postmap: {error}\n"), await MapAsync("", args));

    [Theory]
    [InlineData("-h", "From: a@b\t<From: a@b>\nSubject: two\n lines\t<Subject: two\n lines>\n")]
    [InlineData("-b", "\t<>\nbody\t<body>\nX: y\t<X: y>\n")]
    public async Task Messages_are_keys(string option, string output)
    {
        string map = _folder.Write("h", "/(.*)/ <$1>\n");
        Assert.Equal((0, output, ""), await MapAsync("From: a@b\nSubject: two\n lines\n\nbody\nX: y\n", option, "-q", "-", "regexp:" + map));
    }

    [Theory]
    [InlineData(0b110_000_000, 0b110_000_000)]
    [InlineData(0b110_100_000, 0b110_100_000)]
    [InlineData(0b111_111_111, 0b110_100_100)]
    public async Task E54_who_may_not_read_the_source_may_not_read_the_map(int source, int compiled)
    {
        string map = _folder.Write("t", "a b\n");
        File.SetUnixFileMode(map, (UnixFileMode)source);
        await MapAsync("", map);
        Assert.Equal((UnixFileMode)compiled, File.GetUnixFileMode(map + ".db"));
        File.SetUnixFileMode(map + ".db", (UnixFileMode)0b110_000_000);
        await MapAsync("", map);
        Assert.Equal((UnixFileMode)0b110_000_000, File.GetUnixFileMode(map + ".db"));
    }

    [Theory]
    [InlineData(12, 0x00061561u, "Berkeley")]
    [InlineData(12, 0x00053162u, "Berkeley")]
    [InlineData(16, 0xbeefc0deu, "Lightning")]
    public async Task E44_a_file_of_the_original_is_never_misread_nor_changed(int offset, uint mark, string kind)
    {
        byte[] foreign = new byte[12288];
        BitConverter.TryWriteBytes(foreign.AsSpan(offset), mark);
        string map = _folder.File("t");
        await File.WriteAllBytesAsync(map + ".db", foreign);
        Assert.Contains(kind, await MapBench.AskAsync("hash:" + map, "a"), StringComparison.Ordinal);
        (int code, _, string errors) = await MapAsync("a c\n", "-i", map);
        Assert.Equal(1, code);
        Assert.Contains($"{kind} database, which is not read (run postmap {map})", errors, StringComparison.Ordinal);
        Assert.Equal(foreign, await File.ReadAllBytesAsync(map + ".db"));

        _folder.Write("t", "a b\n");
        Assert.Equal("b", await MapBench.AskAsync("hash:" + map, "a"));
        Assert.Equal((0, "b\n"), Without(await MapAsync("", "-q", "a", map)));
        Assert.Equal((0, "", ""), await MapAsync("", map));
        Assert.Equal((0, "b\n", ""), await MapAsync("", "-q", "a", map));
    }

    [Fact]
    public async Task A_source_alone_is_served_with_a_warning_and_an_older_map_stays_in_force()
    {
        string map = _folder.Write("aliases", "root: alice\n");
        var warnings = new List<string>();
        Assert.Equal("alice", MapBench.Value(await MapBench.Set(warnings.Add, "hash:" + map).FindAsync(["hash:" + map], "root", CancellationToken.None)));
        Assert.Contains("(run newaliases)", Assert.Single(warnings), StringComparison.Ordinal);

        await AliasAsync("", map);
        _folder.Write("aliases", "root: bob\n");
        File.SetLastWriteTimeUtc(map + ".db", DateTime.UtcNow.AddHours(-2));
        File.SetLastWriteTimeUtc(map, DateTime.UtcNow.AddHours(-1));
        warnings.Clear();
        var tables = new TableSet(MapBench.Config("hash:" + map), new SystemUsers(TimeProvider.System), TimeProvider.System, warnings.Add);
        Assert.Equal("alice", MapBench.Value(await tables.FindAsync(["hash:" + map], "root", CancellationToken.None)));
        Assert.Equal($"table hash:{map}: database {map}.db is older than source file {map}", Assert.Single(warnings));
    }

    [Fact]
    public async Task A_map_whose_writer_counted_the_closing_nul_is_read_all_the_same()
    {
        string map = _folder.Write("t", "a b\n");
        await MapAsync("", "-N", "cdb:" + map);
        Assert.Equal("b", await MapBench.AskAsync("cdb:" + map, "a"));
        Assert.Equal((0, "a\tb\n", ""), await MapAsync("", "-s", "cdb:" + map));
    }

    [Fact]
    public async Task Values_that_are_files_come_back_as_what_they_hold()
    {
        string map = _folder.Write("t", $"a {_folder.Write("v", "two\nlines\n")}\nb /nonexistent/v\n");
        Assert.Equal((0, "", $"postmap: warning: {map}, line 2: open /nonexistent/v: No such file or directory: skipping this entry\n"), await MapAsync("", "-F", map));
        Assert.Equal((0, "two\nlines\n\n", ""), await MapAsync("", "-F", "-q", "a", map));
    }

    [Fact]
    public async Task Two_that_add_at_once_lose_nothing()
    {
        string map = _folder.Write("t", "first x\n");
        await MapAsync("", map);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() => MapAsync($"k{i} v\n", "-i", map))));
        Assert.Equal(9, (await MapAsync("", "-s", map)).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal(3, Directory.GetFiles(_folder.Path).Length);
    }

    [Fact]
    public void What_goes_in_comes_out()
    {
        Gen<string> word = Gen.Elements("a", "b", "é", "ß", "\"q r\"", "-", ".", "@", ":", "\\\\", "#", "1").ArrayOf().Where(w => w.Length is > 0 and < 6).Select(string.Concat).Where(w => w[0] != '#' && w[^1] != '\\');
        Gen<(string, string)[]> rows = Gen.Zip(word, word).ArrayOf();
        Prop.ForAll(rows.ToArbitrary(), r =>
        {
            (string Key, string Value)[] expected = [.. r.Select(p => (p.Item1.ToLowerInvariant(), p.Item2)).DistinctBy(p => p.Item1)];
            string map = _folder.Write("p", string.Concat(r.Select(p => $"{p.Item1}\t{p.Item2}\n")));
            MapAsync("", map).GetAwaiter().GetResult();
            return MapAsync("", "-s", map).GetAwaiter().GetResult().Output == string.Concat(expected.Select(p => $"{p.Key}\t{p.Value}\n"));
        }).QuickCheckThrowOnFailure();
    }

    private static (int, string) Without((int Code, string Output, string Errors) run) => (run.Code, run.Output);

    private Task<(int Code, string Output, string Errors)> MapAsync(string input, params string[] args) => RunAsync(MapToolKind.Map, input, args);

    private Task<(int Code, string Output, string Errors)> AliasAsync(string input, params string[] args) => RunAsync(MapToolKind.Alias, input, args);

    private async Task<(int Code, string Output, string Errors)> RunAsync(MapToolKind kind, string input, string[] args)
    {
        using var output = new MemoryStream();
        var errors = new StringWriter { NewLine = "\n" };
        int code = await MapTool.RunAsync(kind, ["-c", _folder.Path, .. args], new MapToolStreams(new MemoryStream(Encoding.UTF8.GetBytes(input)), output, errors), CancellationToken.None);
        return (code, Encoding.UTF8.GetString(output.ToArray()), errors.ToString());
    }

    public void Dispose() => _folder.Dispose();
}
