using System.Collections.Immutable;
using System.Text;
using Estafette.Config.Dialects.Postfix;
using Estafette.Config.Model;
using Estafette.SystemTests.Harness;
using Estafette.Tables;

namespace Estafette.SystemTests.Dialects;

/// <summary>300 random tables of each type, asked through the real postmap and through this server's tables: the same answers, and the same rows in what both compile.</summary>
public sealed class RandomMapTests : IDisposable
{
    private const int Count = 300;

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public Task Texthash() => SameAnswersAsync("texthash", m => m.Text(), m => m.Keys());

    [Fact]
    public Task Cidr() => SameAnswersAsync("cidr", m => m.Cidr(), m => m.Addresses());

    [Fact]
    public Task Regexp() => SameAnswersAsync("regexp", m => m.Regexp(), m => m.Lines());

    [Fact]
    public Task Pcre() => SameAnswersAsync("pcre", m => m.Pcre(), m => m.Lines());

    [Theory]
    [InlineData("postmap", "hash")]
    [InlineData("postalias", "btree")]
    public async Task Compiled(string tool, string type)
    {
        bool aliases = tool == "postalias";
        await WriteAsync(m => aliases ? m.Aliases() : m.Text(), m => aliases ? m.AliasKeys() : m.Keys());
        string real = $"/usr/sbin/{tool} -c {_folder.Path}";
        await RealAsync($"{real} -s {type}:$t > $t.all; {real} -q - {type}:$t < $t.keys > $t.real", before: $"{real} {string.Join(' ', Enumerable.Range(0, Count).Select(i => $"{type}:{Table(i)}"))}");
        foreach (string compiled in Directory.EnumerateFiles(_folder.Path, "*.db"))
            File.Delete(compiled);
        string[] tables = [.. Enumerable.Range(0, Count).Select(i => $"{type}:{Table(i)}")];
        CommandResult made = await Command.RunAsync(Published.Tool(tool), ["-c", _folder.Path, .. tables], deadline: TimeSpan.FromMinutes(2));
        Assert.True(made.ExitCode == 0, made.ToString());
        TableSet ours = Set(tables);
        for (int i = 0; i < Count; i++)
        {
            string[] expected = [.. Read(i, ".all").Where(r => !r.StartsWith("YP_", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
            string[] rows = [.. ours.Content(tables[i]).Rows.Where(r => !r.Key.StartsWith("YP_", StringComparison.Ordinal)).Select(r => $"{r.Key}{(aliases ? ":" : "")}\t{r.Value}").Order(StringComparer.Ordinal)];
            Assert.True(expected.SequenceEqual(rows), $"seed {i}\n{File.ReadAllText(Table(i))}\nreal:\n{string.Join('\n', expected)}\nours:\n{string.Join('\n', rows)}");
        }
        await CompareAsync(ours, tables, aliases ? ":" : "");
    }

    private async Task SameAnswersAsync(string type, Func<RandomMaps, string> table, Func<RandomMaps, string[]> keys)
    {
        await WriteAsync(table, keys);
        await RealAsync($"/usr/sbin/postmap -c {_folder.Path} -q - {type}:$t < $t.keys > $t.real");
        string[] tables = [.. Enumerable.Range(0, Count).Select(i => $"{type}:{Table(i)}")];
        await CompareAsync(Set(tables), tables, "");
    }

    /// <summary>A failure ends the original's run before it has printed anything.</summary>
    private async Task CompareAsync(TableSet ours, string[] tables, string keyEnd)
    {
        for (int i = 0; i < Count; i++)
        {
            var answers = new List<string>();
            string? failure = null;
            foreach (string key in Read(i, ".keys"))
            {
                TableAnswer answer = await ours.AskAsync(tables[i], key, MapUse.Whole, CancellationToken.None);
                if (answer is TableAnswer.Found found)
                    answers.Add($"{key}{keyEnd}\t{found.Value}");
                failure ??= (answer as TableAnswer.Unavailable)?.Reason;
            }
            if (failure is not null && failure.Contains("non-UTF-8", StringComparison.Ordinal))
                answers.Clear();
            else if (failure is not null)
                answers.Add(failure);
            Assert.True(Read(i, ".real").SequenceEqual(answers), $"seed {i}\n{File.ReadAllText(Table(i))}\nreal:\n{string.Join('\n', Read(i, ".real"))}\nours:\n{string.Join('\n', answers)}");
        }
    }

    private async Task WriteAsync(Func<RandomMaps, string> table, Func<RandomMaps, string[]> keys)
    {
        _folder.Write("main.cf", "compatibility_level = 3.6\n");
        File.Copy("/etc/postfix/dynamicmaps.cf", _folder["dynamicmaps.cf"]);
        for (int i = 0; i < Count; i++)
        {
            var maps = new RandomMaps(i);
            await File.WriteAllTextAsync(Table(i), table(maps));
            // The original waits for a file that changed a moment ago to come to rest.
            File.SetLastWriteTimeUtc(Table(i), DateTime.UtcNow.AddMinutes(-1));
            await File.WriteAllTextAsync(Table(i) + ".keys", string.Concat(keys(maps).Select(k => k + "\n")));
        }
    }

    /// <summary>One shell for all: a process for each would take longer than the tables do.</summary>
    private async Task RealAsync(string command, string before = ":")
    {
        string script = _folder.Write("ask.sh", $"exec 2>/dev/null\n{before}\nfor t in {_folder.Path}/t[0-9]*; do\ncase $t in *.*) continue ;; esac\n{command}\ndone\n");
        CommandResult result = await Command.RunAsync("/bin/sh", [script], deadline: TimeSpan.FromMinutes(2));
        Assert.True(result.ExitCode is 0 or 1, result.ToString());
    }

    private static TableSet Set(string[] tables)
    {
        var config = new MailConfig
        {
            Dialect = Dialect.Postfix,
            Source = "main.cf",
            HostName = "mx.test",
            Tables = tables.ToImmutableDictionary(t => t, t => MapReferences.Parse(t, SourceSpan.None).Table!),
        };
        return new TableSet(config, new SystemUsers(TimeProvider.System), TimeProvider.System, _ => { });
    }

    private string Table(int number) => _folder["t" + number.ToString(System.Globalization.CultureInfo.InvariantCulture)];

    private string[] Read(int number, string suffix) => Encoding.UTF8.GetString(File.ReadAllBytes(Table(number) + suffix)).Split('\n')[..^1];

    public void Dispose() => _folder.Dispose();
}
