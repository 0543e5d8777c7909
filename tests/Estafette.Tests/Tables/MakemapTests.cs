using Estafette.Program.Commands;
using Estafette.Tables;

namespace Estafette.Tests.Tables;

public sealed class MakemapTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void O27_a_map_is_made_and_dumped()
    {
        string source = _folder.Write("domains", "InDb.test x\nother.test: y z\n");
        Assert.Equal((0, "", ""), Run(source));
        Assert.Equal((0, "indb.test\tx\nother.test\ty z\n", ""), Run("-U", source + ".db"));
    }

    [Fact]
    public void O27_a_set_needs_no_values()
    {
        string source = _folder.Write("domains", "one.test\ntwo.test\n");
        Assert.Equal((1, "", $"makemap: {source}:1: invalid entry\n"), Run(source));
        Assert.Equal((0, "", ""), Run("-t", "set", source));
        Assert.Equal((0, "one.test\t<set>\ntwo.test\t<set>\n", ""), Run("-U", source + ".db"));
    }

    [Fact]
    public void Errors_are_told_as_opensmtpd_tells_them()
    {
        string source = _folder.Write("al", "a: b\nA: c\n");
        Assert.Equal((1, "", "makemap: unsupported type 'nosuch'\n"), Run("-t", "nosuch", source));
        Assert.Equal((1, "", "makemap: stat: /etc/mail/nosuchfile: No such file or directory\n"), Run("-o", _folder.File("x.db"), "/etc/mail/nosuchfile"));
        Assert.Equal((1, "", $"makemap: {source}:2: duplicate entry for a\n"), Run("-t", "aliases", source));
        Assert.Equal(1, Run("-x").Code);
        Assert.Equal(1, Run("-d", "gdbm", source).Code);
        Assert.False(File.Exists(source + ".db"));
    }

    [Fact]
    public void A_failed_run_leaves_the_old_map_and_no_litter()
    {
        string source = _folder.Write("al", "a: b\n");
        Run("-t", "aliases", source);
        _folder.Write("al", "a: two words\n");
        Assert.Equal(1, Run("-t", "aliases", source).Code);
        Assert.Equal((0, "a\tb\n", ""), Run("-U", source + ".db"));
        Assert.Equal(2, Directory.GetFiles(_folder.Path).Length);
    }

    [Fact]
    public void E54_a_map_is_no_more_open_than_its_source_and_open_secrets_are_told()
    {
        string source = _folder.Write("secrets", "label user@gmail.test:PASSWD\n");
        File.SetUnixFileMode(source, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        Assert.Equal((0, "", ""), Run(source));
        Assert.Equal(File.GetUnixFileMode(source), File.GetUnixFileMode(source + ".db"));
        File.SetUnixFileMode(source, File.GetUnixFileMode(source) | UnixFileMode.OtherRead);
        (int code, _, string errors) = Run(source);
        Assert.Equal(0, code);
        Assert.Contains("everybody may read", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_map_is_made_with_a_warning()
    {
        string source = _folder.Write("empty", "# nothing\n");
        Assert.Equal((0, "", $"makemap: warning: empty map created: {source}.db\n"), Run(source));
        Assert.Empty(MapCompiler.Dump(source + ".db"));
    }

    [Fact]
    public void O6_newaliases_compiles_the_table_of_the_configuration()
    {
        string source = _folder.Write("aliases", "postmaster: root\nroot      : alice\n");
        string configuration = _folder.Write("smtpd.conf", $"listen on lo\ntable aliases db:{source}.db\n");
        var output = new StringWriter();
        Assert.Equal(0, NewaliasesCommand.Run(["-f", configuration], output, TextWriter.Null));
        Assert.Equal($"{source}: 2 aliases\n", output.ToString());
        Assert.Equal("alice", MapCompiler.Dump(source + ".db").Single(r => r.Key == "root").Value);
    }

    [Fact]
    public void O6_newaliases_refuses_a_configuration_that_is_not_there()
    {
        var errors = new StringWriter();
        Assert.Equal(1, NewaliasesCommand.Run(["-f", "/nonexistent/smtpd.conf"], TextWriter.Null, errors));
        Assert.Equal("newaliases: the configuration /nonexistent/smtpd.conf: No such file or directory\n", errors.ToString());
    }

    [Fact]
    public void Asked_for_help_both_explain_their_options_and_end_well()
    {
        var output = new StringWriter();
        Assert.Equal(0, NewaliasesCommand.Run(["--help"], output, TextWriter.Null));
        Assert.Equal(0, MakemapCommand.Run(["--help"], output, TextWriter.Null));
        Assert.Contains("-t aliases | set", output.ToString(), StringComparison.Ordinal);
    }

    private static (int Code, string Output, string Errors) Run(params string[] args)
    {
        var output = new StringWriter();
        var errors = new StringWriter();
        int code = MakemapCommand.Run(args, output, errors);
        return (code, output.ToString(), errors.ToString());
    }

    public void Dispose() => _folder.Dispose();
}
