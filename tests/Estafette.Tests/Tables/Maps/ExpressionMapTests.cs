using System.Diagnostics;
using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Tables;

namespace Estafette.Tests.Tables.Maps;

/// <summary>Tables of regular expressions: regexp_table(5), pcre_table(5). Expectations are those of the real postmap.</summary>
public sealed class ExpressionMapTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("/^(.*)\\+(.*)@a\\.test$/ $1 at $2", "user+ext@a.test", "user at ext")]
    [InlineData("!/@a\\.test$/ not a", "USER@B.TEST", "not a")]
    [InlineData("/abc/ folded", "xABCx", "folded")]
    [InlineData("/abc/i exact", "xABCx", null)]
    [InlineData("/[[:digit:]]{3}-[^]x]/ ok", "123-y", "ok")]
    [InlineData("/[[:digit:]]{3}-[^]x]/ ok", "123-]", null)]
    [InlineData("/a+?b/ ok", "xb", "ok")]
    [InlineData("/^a**$/ ok", "aaa", "ok")]
    [InlineData("/\\<word\\>/ ok", "a word.", "ok")]
    [InlineData("/^(a|b)\\1$/ back", "bb", "back")]
    [InlineData("/a)b/ ok", "a)b", "ok")]
    [InlineData("/\\d/ ok", "a digit d", "ok")]
    [InlineData("/^a$/m line", "x\na\ny", "line")]
    [InlineData("/^a$/ whole", "a\n", null)]
    [InlineData("/^a.b$/ dot", "a\nb", "dot")]
    [InlineData("/\\(a\\)*b/x basic", "(a)b", "basic")]
    [InlineData("/^\\(a\\)b/x $1", "ab", "a")]
    [InlineData("|/path/|i ok", "/path/", "ok")]
    [InlineData("/a/!/b/ a without b", "xa", "a without b")]
    [InlineData("/a/!/b/ a without b", "ab", null)]
    [InlineData("/a/ $$1", "a", "$1")]
    [InlineData("/(a)(b)?/ <$2>${1}x", "a", "<>ax")]
    [InlineData("if /^x/\n/y/ xy\nendif\n/y/ y", "xy", "xy")]
    [InlineData("if /^x/\n/y/ xy\nendif\n/y/ y", "zy", "y")]
    [InlineData("if !/^x/\n/y/ other\nendif", "zy", "other")]
    [InlineData("if /^x/\n/y/ xy\n/z/ z", "yz", null)]
    [InlineData("/long/ first\n   second\n# comment\n   third", "long", "first   second   third")]
    [InlineData("/ü(..)/ <$1>é", "xüß", "<ß>é")]
    [InlineData("/ü(.)/ <$1>é", "xüß", "[regexp map, line 1: non-UTF-8 lookup result]")]
    public async Task Posix_expressions(string rules, string key, string? value) => Assert.Equal(value, await Ask("regexp", rules, key));

    [Theory]
    [InlineData(@"/^(?<u>[a-z]+)@(b)\.test$/ ${1}-$2-$$", "user@b.test", "user-b-$")]
    [InlineData(@"/(?P<x>a)(b)(?P=x)\2/ $1$2", "abab", "ab")]
    [InlineData(@"/^\d+\h\w+$/ ok", "12\tab", "ok")]
    [InlineData(@"/a++b/ ok", "aaab", "ok")]
    [InlineData(@"/a++ab/ ok", "aaab", null)]
    [InlineData(@"/^(?!no)/ ok", "yes", "ok")]
    [InlineData(@"/^(?!no)/ ok", "nobody", null)]
    [InlineData(@"/\Qa.b\E/ ok", "axb", null)]
    [InlineData(@"/\Qa.b\E/ ok", "a.b", "ok")]
    [InlineData(@"/[\w.-]+@[[:alpha:]]+/ ok", "x.y-z@abc", "ok")]
    [InlineData(@"/a b # comment/x ok", "ab", "ok")]
    [InlineData(@"/b/A ok", "ab", null)]
    [InlineData(@"/a$/ ok", "a" + "\n", "ok")]
    [InlineData(@"/a$/E ok", "a" + "\n", null)]
    [InlineData(@"/<(.*)>/U $1", "<a><b>", "a")]
    [InlineData(@"/<(.*)>/ $1", "<a><b>", "a><b")]
    [InlineData(@"/a.b/ ok", "a" + "\n" + "b", "ok")]
    [InlineData(@"/a.b/s ok", "a" + "\n" + "b", null)]
    [InlineData(@"/x{,2}/ ok", "x{,2}", "ok")]
    [InlineData(@"/\x41\x{42}\103/i ok", "ABC", "ok")]
    [InlineData(@"/(a)?(?(1)b|c)$/ ok", "c", "ok")]
    [InlineData(@"/(?i:A)B/i ok", "aB", "ok")]
    [InlineData(@"/(?i:A)B/i ok", "ab", null)]
    public async Task Perl_expressions(string rules, string key, string? value) => Assert.Equal(value, await Ask("pcre", rules, key));

    [Theory]
    [InlineData("regexp", "/a", "no closing regexp delimiter \"/\": skipping this rule")]
    [InlineData("pcre", "/a", "no closing regexp delimiter \"/\": ignoring this rule")]
    [InlineData("regexp", "/a/q x", "unknown regexp option \"q\": skipping this rule")]
    [InlineData("regexp", "/(a/ x", "Unmatched ( or \\(")]
    [InlineData("regexp", "/[a/ x", "Unmatched [, [^, [:, [., or [=")]
    [InlineData("regexp", "/*a/ x", "Invalid preceding regular expression")]
    [InlineData("regexp", "/a/ $1", "out of range replacement index \"1\": skipping this rule")]
    [InlineData("regexp", "!/(a)/ $1", "$number found in negative match replacement text: skipping this rule")]
    [InlineData("regexp", "/a/ $x", "non-numeric replacement index \"x\"")]
    [InlineData("regexp", "/a/", "no replacement text: using empty string")]
    [InlineData("regexp", "hello world", "ignoring unrecognized request")]
    [InlineData("regexp", "endif", "ignoring ENDIF without matching IF")]
    [InlineData("regexp", "if /x/", "IF has no matching ENDIF")]
    [InlineData("pcre", "/(a/ x", "error in regex at offset 2: missing closing parenthesis")]
    [InlineData("pcre", "/a)/ x", "error in regex at offset 1: unmatched closing parenthesis")]
    public void What_is_no_rule_is_told_in_the_original_words_and_left_out(string type, string rules, string note)
    {
        LoadedTable loaded = ExpressionRules.Read(rules, type == "pcre" ? ExpressionSyntax.Perl : ExpressionSyntax.Posix, default);
        Assert.Null(loaded.Failure);
        Assert.Contains(note, loaded.Notes.Select(n => n.Text));
    }

    [Theory]
    [InlineData(@"/a\Kb/ x")]
    [InlineData(@"/(?R)/ x")]
    [InlineData(@"/(?|a|b)/ x")]
    public async Task A_rule_that_cannot_be_expressed_here_makes_the_table_unreadable(string rules) =>
        Assert.Contains("is not supported here", await Ask("pcre", rules + "\n/./ rest", "ab"), StringComparison.Ordinal);

    [Fact]
    public async Task E60_a_pattern_that_looks_back_without_end_is_stopped_and_says_neither_yes_nor_no()
    {
        var watch = Stopwatch.StartNew();
        string? answer = await Ask("pcre", @"/^(a+)+\1b$/ x", new string('a', 60));
        Assert.Contains("line 1: the pattern took longer", answer, StringComparison.Ordinal);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20));
    }

    [Theory]
    [InlineData("pcre")]
    [InlineData("regexp")]
    public async Task E60_the_classic_catastrophe_is_linear(string type) => Assert.Equal("y", await Ask(type, "/^(a+)+b$/ x\n/^(a|aa)+$/ y", new string('a', 100_000)));

    [Theory]
    [InlineData("regexp")]
    [InlineData("pcre")]
    public async Task Results_with_text_of_the_key_are_left_out_where_they_are_forbidden(string type)
    {
        Assert.Equal("plain", await Ask(type, "/^(.*)$/ |$1\n/./ plain", "rm -rf", MapUse.NoSubstitution));
        Assert.Equal("|rm -rf", await Ask(type, "/^(.*)$/ |$1\n/./ plain", "rm -rf"));
    }

    [Fact]
    public async Task Octets_are_octets()
    {
        Assert.Equal("\xe9", await Ask("regexp", "/caf(.)/ $1", "caf\xe9", MapUse.Octets));
        Assert.Equal("é", await Ask("regexp", "/caf(..)/ $1", "café"));
    }

    private async Task<string?> Ask(string type, string rules, string key, MapUse use = MapUse.Whole) => await MapBench.AskAsync($"{type}:{_folder.Write("rules", rules)}", key, use);

    public void Dispose() => _folder.Dispose();
}
