using System.Diagnostics;
using System.Globalization;
using System.Text;
using Estafette.Config.Dialects.Postfix;
using Estafette.Config.Model;
using Estafette.Tables;

namespace Estafette.Tests.Tables.Maps;

/// <summary>What an attacker, or a disk, makes of tables: they answer, or say that they cannot; nothing hangs, throws or grows.</summary>
public sealed class HostileMapTests : IDisposable
{
    private static readonly string[] s_types = ["hash", "btree", "cdb", "lmdb", "dbm", "texthash", "regexp", "pcre", "cidr"];

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task Binary_junk_is_no_table()
    {
        var random = new Random(5);
        for (int round = 0; round < 40; round++)
        {
            byte[] junk = new byte[random.Next(6000)];
            random.NextBytes(junk);
            if (round % 2 == 0)
                junk.AsSpan().Replace((byte)0, (byte)'\n');
            string path = _folder.File("junk");
            foreach (string name in new[] { path, path + ".db", path + ".cdb", path + ".lmdb", path + ".pag" })
                await File.WriteAllBytesAsync(name, junk);
            foreach (string type in s_types)
                await MapBench.AskAsync($"{type}:{path}", "key");
        }
    }

    [Fact]
    public async Task A_compiled_file_with_turned_octets_is_unreadable_or_right_but_never_throws()
    {
        string path = _folder.Write("t", string.Concat(Enumerable.Range(0, 50).Select(i => $"key{i} value{i}\n")));
        MapCompiler.Write(path + ".db", MapText.Read(await File.ReadAllTextAsync(path), _ => { }).Select(e => KeyValuePair.Create(e.Key, e.Value)), source: null);
        byte[] good = await File.ReadAllBytesAsync(path + ".db");
        File.Delete(path);
        var random = new Random(7);
        for (int round = 0; round < 300; round++)
        {
            byte[] bad = [.. good];
            for (int i = 0; i < 3; i++)
                bad[random.Next(bad.Length)] ^= (byte)random.Next(1, 256);
            await File.WriteAllBytesAsync(path + ".db", bad);
            await MapBench.AskAsync("hash:" + path, "key7");
        }
    }

    [Fact]
    public async Task Keys_of_any_form_are_answered()
    {
        string path = _folder.Write("t", "key value\n");
        string rules = _folder.Write("r", "/^(k|x*)*$/ value\n");
        string networks = _folder.Write("c", "0.0.0.0/0 value\n");
        string[] keys = ["\0", "key\0", new string('k', 100_000), new string('.', 5000), "@", "..", "\uD800", "\r\n", new string('@', 1000)];
        foreach (string key in keys)
        {
            foreach (string table in new[] { "texthash:" + path, "regexp:" + rules, "pcre:" + rules, "cidr:" + networks, "environ:x", "unix:passwd.byname", "unix:group.byname" })
            {
                TableSet tables = MapBench.Set(table);
                Assert.IsNotType<TableAnswer.Unavailable>(await tables.FindAsync([table], key, CancellationToken.None));
                await DomainLookup.FindAsync(tables, [table], key, parentMatches: false, CancellationToken.None);
            }
        }
    }

    [Fact]
    public async Task A_domain_of_a_thousand_labels_costs_a_bounded_number_of_lookups()
    {
        var watch = Stopwatch.StartNew();
        string name = string.Join('.', Enumerable.Repeat("a", 50_000));
        Assert.IsType<TableAnswer.NotFound>(await DomainLookup.FindAsync(MapBench.Set("inline:{b=1}"), ["inline:{b=1}"], name, parentMatches: true, CancellationToken.None));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_large_text_is_read_once_and_asked_quickly()
    {
        var text = new StringBuilder();
        for (int i = 0; i < 200_000; i++)
            text.Append(CultureInfo.InvariantCulture, $"user{i}@example.test\tbox{i}\n");
        string reference = "texthash:" + _folder.Write("large", text.ToString());
        TableSet tables = MapBench.Set(reference);
        var watch = Stopwatch.StartNew();
        for (int i = 0; i < 20_000; i++)
            Assert.IsType<TableAnswer.Found>(await tables.FindAsync([reference], $"user{i * 7}@example.test", CancellationToken.None));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Files_that_change_during_lookups_give_the_old_or_the_new_value()
    {
        string path = _folder.Write("t", "key one\n");
        void Compile(string value) => MapCompiler.Write(path + ".db", [KeyValuePair.Create("key", value), .. Enumerable.Range(0, 500).Select(i => KeyValuePair.Create($"k{i}", value))], source: null);
        Compile("one");
        var tables = new TableSet(MapBench.Config("hash:" + path), new SystemUsers(TimeProvider.System), TimeProvider.System, _ => { });
        using var stop = new CancellationTokenSource();
        Task change = Task.Run(() =>
        {
            for (int i = 0; !stop.IsCancellationRequested; i++)
                Compile(i % 2 == 0 ? "two" : "one");
        });
        Task[] readers = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (int i = 0; i < 3000; i++)
            {
                if (i % 100 == 0)
                    tables.Refresh();
                Assert.Contains(MapBench.Value(await tables.FindAsync(["hash:" + path], "key", CancellationToken.None)), new[] { "one", "two" });
            }
        }))];
        await Task.WhenAll(readers);
        await stop.CancelAsync();
        await change;
    }

    [Fact]
    public async Task E44_what_is_no_file_is_unreadable_and_nobody_waits_for_it()
    {
        Directory.CreateDirectory(_folder.File("folder"));
        using (Process pipe = Process.Start("mkfifo", _folder.File("pipe")))
            await pipe.WaitForExitAsync();
        File.CreateSymbolicLink(_folder.File("loop"), _folder.File("loop"));
        foreach (string name in new[] { "folder", "pipe", "loop" })
        {
            foreach (string type in new[] { "texthash", "regexp", "pcre", "cidr" })
                Assert.StartsWith("[", await MapBench.AskAsync($"{type}:{_folder.File(name)}", "key").WaitAsync(TimeSpan.FromSeconds(30)), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("regexp", 150_000)]
    [InlineData("cidr", 150_000)]
    public async Task Too_many_rules_are_told(string type, int count)
    {
        string rule = type == "cidr" ? "10.0.0.0/8 x\n" : "endif\n/a/ x\n";
        Assert.Contains("more than", await MapBench.AskAsync($"{type}:{_folder.Write("r", string.Concat(Enumerable.Repeat(rule, count)))}", "10.0.0.1"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pipemap:", "pipemap:{", "inline:{a=a}")]
    [InlineData("static:", "proxy:", "static:a")]
    public void Tables_in_tables_have_an_end(string start, string nested, string inner)
    {
        string text = inner;
        for (int i = 0; i < 1000; i++)
            text = nested.EndsWith('{') ? nested + text + "}" : nested + text;
        Assert.Null(MapReferences.Parse(text, SourceSpan.None).Table);
        Assert.NotNull(start);
    }

    public void Dispose() => _folder.Dispose();
}
