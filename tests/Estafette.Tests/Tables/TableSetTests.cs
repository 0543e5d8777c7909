using System.Collections.Immutable;
using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Tables;

namespace Estafette.Tests.Tables;

public sealed class TableSetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly HandClock _clock = new();
    private readonly List<string> _warnings = [];

    [Theory]
    [InlineData(TableMatch.Exact, "ROOT", "alice")]
    [InlineData(TableMatch.Exact, "nobody", null)]
    public async Task Keys_are_found_whatever_their_case(TableMatch match, string key, string? value) =>
        Assert.Equal(value, await Ask(Inline(("Root", "alice")), match, key));

    [Theory]
    [InlineData("alice@conform.test", "alice@conform.test", true)]
    [InlineData("ALICE@Conform.Test", "alice@conform.test", true)]
    [InlineData("spam@bad.test", "@bad.test", true)]
    [InlineData("spam@notbad.test", "@bad.test", false)]
    [InlineData("alice@any.test", "alice", true)]
    [InlineData("alice@any.test", "alice@", true)]
    [InlineData("alice+tag@any.test", "alice@any.test", true)]
    [InlineData("alice+tag@any.test", "alice+tag@any.test", true)]
    [InlineData("alice@any.test", "alice+tag@any.test", false)]
    [InlineData("x@a.wild.test", "@*.wild.test", true)]
    [InlineData("y@a.wild.test", "x@*.wild.test", false)]
    [InlineData("@", "@", true)]
    [InlineData("@", "alice", false)]
    [InlineData("any@body.test", "@", true)]
    public async Task Mail_addresses_match_by_user_domain_or_both(string address, string key, bool matches) =>
        Assert.Equal(matches ? "" : null, await Ask(Inline((key, "")), TableMatch.MailAddress, address));

    [Theory]
    [InlineData("127.0.0.30", true)]
    [InlineData("127.0.0.31", false)]
    [InlineData("::ffff:10.9.8.7", true)]
    [InlineData("local", false)]
    public async Task E52_networks_are_matched(string address, bool matches) =>
        Assert.Equal(matches ? "" : null, await Ask(Inline(("127.0.0.30", ""), ("10.0.0.0/8", "")), TableMatch.Network, address));

    [Fact]
    public async Task E44_a_broken_pattern_makes_the_table_unavailable()
    {
        TableSet tables = Set(Inline(("ok", ""), ("(open", "")));
        Assert.IsType<TableAnswer.Unavailable>(await tables.MatchAsync("t", TableMatch.Regex, "ok", CancellationToken.None));
        Assert.IsType<TableAnswer.Unavailable>(await tables.LookupAsync("nosuch", "ok", CancellationToken.None));
    }

    [Theory]
    [InlineData(TableKind.File)]
    [InlineData(TableKind.Db)]
    public async Task What_root_hands_over_stands_before_the_disk_and_is_taken_anew_when_it_changes(TableKind kind)
    {
        HandedFiles Handed(string value, long inode)
        {
            string path = _folder.File("made");
            if (kind == TableKind.Db)
                MapCompiler.Write(path, [KeyValuePair.Create("a", value)], source: null);
            else
                File.WriteAllText(path, $"a: {value}\n");
            return new HandedFiles([new HandedFile("/keys/only", new FileStamp(1, (ulong)inode, 1, default, default, 0x8180), File.ReadAllBytes(path))]);
        }
        var files = new FileView(Handed("one", 1)) { RootStandsBehind = true };
        var tables = new TableSet(new MailConfig
        {
            Dialect = Dialect.OpenSmtpd,
            Source = "",
            HostName = "mx.test",
            Tables = ImmutableDictionary<string, TableConfig>.Empty.Add("t", Table(kind, "/keys/only")),
        }, files, new SystemUsers(TimeProvider.System), _clock, _warnings.Add);
        Assert.Equal("one", await Value(tables, "a"));
        Assert.Empty(_warnings);
        files.Handed = Handed("two", 2);
        Assert.Equal("one", await Value(tables, "a"));
        tables.Refresh();
        Assert.Equal("two", await Value(tables, "a"));
    }

    [Fact]
    public async Task A_file_is_read_again_after_a_change_at_most_once_a_second()
    {
        string path = _folder.Write("aliases", "a: one\n");
        TableSet tables = Set(Table(TableKind.File, path));
        Assert.Equal("one", await Value(tables, "a"));
        _folder.Write("aliases", "a: two\n");
        Assert.Equal("one", await Value(tables, "a"));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("two", await Value(tables, "a"));
    }

    [Fact]
    public async Task E44_a_file_that_goes_away_is_a_temporary_failure_until_it_is_back()
    {
        string path = _folder.Write("aliases", "a: one\n");
        TableSet tables = Set(Table(TableKind.File, path));
        File.Delete(path);
        _clock.Advance(TimeSpan.FromSeconds(1));
        var answer = Assert.IsType<TableAnswer.Unavailable>(await tables.LookupAsync("t", "a", CancellationToken.None));
        Assert.Contains("No such file", answer.Reason, StringComparison.Ordinal);
        Assert.Contains("No such file", Assert.Single(_warnings), StringComparison.Ordinal);
        _folder.Write("aliases", "a: back\n");
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("back", await Value(tables, "a"));
    }

    [Fact]
    public async Task A_file_that_became_malformed_keeps_what_was_read_before()
    {
        string path = _folder.Write("aliases", "a: one\n");
        TableSet tables = Set(Table(TableKind.File, path));
        _folder.Write("aliases", "a: two,\n  three\n");
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("one", await Value(tables, "a"));
        Assert.Contains(":2:", Assert.Single(_warnings), StringComparison.Ordinal);
        Diagnostic finding = Assert.Single(tables.Check());
        Assert.Equal((Severity.Error, path, 2), (finding.Severity, finding.At.File, finding.At.Line));
    }

    [Fact]
    public async Task A_file_that_is_malformed_from_the_start_answers_nothing()
    {
        TableSet tables = Set(Table(TableKind.File, _folder.Write("folded", "a: b,\n  c\n")));
        Assert.IsType<TableAnswer.Unavailable>(await tables.LookupAsync("t", "a", CancellationToken.None));
        Assert.Equal(Severity.Error, Assert.Single(tables.Check()).Severity);
    }

    [Fact]
    public async Task O8_a_missing_compiled_file_is_replaced_by_its_source_with_a_warning()
    {
        _folder.Write("aliases", "root: alice\n");
        TableSet tables = Set(Table(TableKind.Db, _folder.File("aliases.db")));
        Assert.Equal("alice", await Value(tables, "ROOT"));
        Assert.Contains("makemap", Assert.Single(_warnings), StringComparison.Ordinal);
        _folder.Write("aliases", "root: bob\n");
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("bob", await Value(tables, "root"));
        MapCompiler.Write(_folder.File("aliases.db"), [KeyValuePair.Create("root", "carol")], null);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("carol", await Value(tables, "root"));
    }

    [Fact]
    public async Task E44_a_compiled_file_older_than_its_source_is_used_with_a_warning()
    {
        MapCompiler.Write(_folder.File("aliases.db"), [KeyValuePair.Create("root", "carol")], null);
        File.SetLastWriteTimeUtc(_folder.File("aliases.db"), DateTime.UtcNow.AddHours(-1));
        _folder.Write("aliases", "root: bob\n");
        TableSet tables = Set(Table(TableKind.Db, _folder.File("aliases.db")));
        Assert.Equal("carol", await Value(tables, "root"));
        Assert.Contains("older", Assert.Single(_warnings), StringComparison.Ordinal);
        Assert.Equal(Severity.Warning, Assert.Single(tables.Check()).Severity);
    }

    [Fact]
    public async Task E44_neither_compiled_file_nor_source_is_a_temporary_failure()
    {
        TableSet tables = Set(Table(TableKind.Db, _folder.File("none.db")));
        Assert.IsType<TableAnswer.Unavailable>(await tables.LookupAsync("t", "a", CancellationToken.None));
        Assert.Equal(Severity.Error, Assert.Single(tables.Check()).Severity);
    }

    [Fact]
    public async Task Compiled_files_match_patterns_too()
    {
        MapCompiler.Write(_folder.File("d.db"), [KeyValuePair.Create("one.test", "<set>"), KeyValuePair.Create("*.two.test", "<set>")], null);
        TableSet tables = Set(Table(TableKind.Db, _folder.File("d.db")));
        foreach (string domain in new[] { "ONE.test", "a.two.test" })
            Assert.IsType<TableAnswer.Found>(await tables.MatchAsync("t", TableMatch.Domain, domain, CancellationToken.None));
        Assert.IsType<TableAnswer.NotFound>(await tables.MatchAsync("t", TableMatch.Domain, "two.test", CancellationToken.None));
    }

    [Fact]
    public async Task The_users_of_the_system_are_a_table()
    {
        TableSet tables = Set(Table(TableKind.Passwd, ""));
        Assert.Equal("0:0:/root", await Value(tables, "root"));
        Assert.Null(await Value(tables, "no-such-user-here"));
    }

    [Fact]
    public void Keys_are_walked_in_their_order() =>
        Assert.Equal("192.0.2.2 192.0.2.1", string.Join(' ', Set(Inline(("192.0.2.2", ""), ("192.0.2.1", ""))).Keys("t").Keys));

    [Theory]
    [InlineData("lab", "user:pass", "user", "pass")]
    [InlineData("alice", "$6$salt$hash", "alice", "$6$salt$hash")]
    [InlineData("lab", "user:pa:ss", "user", "pa:ss")]
    public void O25_credentials_are_read_and_never_shown(string key, string value, string user, string secret)
    {
        Assert.True(Credential.TryParse(key, value, out Credential? credential));
        Assert.Equal((user, secret), (credential.User, credential.Secret));
        Assert.DoesNotContain(secret, credential.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1000:100:/home/virtual/joe", true)]
    [InlineData("1000:100", false)]
    [InlineData("4294967295:100:/x", false)]
    [InlineData("-1:100:/x", false)]
    public void User_tables_hold_uid_gid_home(string value, bool valid) => Assert.Equal(valid, UserRecord.TryParse("joe", value, out _));

    private async Task<string?> Ask(TableConfig table, TableMatch match, string key) =>
        (await Set(table).MatchAsync("t", match, key, CancellationToken.None) as TableAnswer.Found)?.Value;

    private static async Task<string?> Value(TableSet tables, string key)
    {
        TableAnswer answer = await tables.LookupAsync("t", key, CancellationToken.None);
        Assert.IsNotType<TableAnswer.Unavailable>(answer);
        return (answer as TableAnswer.Found)?.Value;
    }

    private TableSet Set(TableConfig table) => new(
        new MailConfig { Dialect = Dialect.OpenSmtpd, Source = "", HostName = "mx.test", Tables = ImmutableDictionary<string, TableConfig>.Empty.Add("t", table) },
        new SystemUsers(_clock), _clock, _warnings.Add);

    private static TableConfig Inline(params (string Key, string Value)[] rows) =>
        Table(TableKind.Inline, "") with { Rows = [.. rows.Select(r => KeyValuePair.Create(r.Key, r.Value))] };

    private static TableConfig Table(TableKind kind, string path) => new() { Name = "t", Kind = kind, Path = path, At = new SourceSpan("smtpd.conf", 3, 7) };

    public void Dispose() => _folder.Dispose();
}
