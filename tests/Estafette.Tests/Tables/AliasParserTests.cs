using Estafette.Tables;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Tables;

public sealed class AliasParserTests
{
    [Theory]
    [InlineData("alice", "user alice")]
    [InlineData("alice, bob,carol", "user alice; user bob; user carol")]
    [InlineData("\\alice, bob", "direct alice; user bob")]
    [InlineData("someone@far.test", "address someone@far.test")]
    [InlineData("user+tag@x.test.", "address user+tag@x.test")]
    [InlineData("\"a b\"@x.test", "address \"a b\"@x.test")]
    [InlineData("joe@[127.0.0.1]", "address joe@[127.0.0.1]")]
    [InlineData("|cat > /x", "command cat > /x")]
    [InlineData("\"|cat > /x, y\", bob", "command cat > /x, y; user bob")]
    [InlineData("|\"/usr/bin/vacation alice\"", "command /usr/bin/vacation alice")]
    [InlineData("|sh -c 'a, b'", "command sh -c 'a, b'")]
    [InlineData("/var/mail/archive", "file /var/mail/archive")]
    [InlineData("\"/var/mail/with blank\"", "file /var/mail/with blank")]
    [InlineData(":include:/etc/list", "include /etc/list")]
    [InlineData("include:/etc/list", "include /etc/list")]
    [InlineData("error:550 5.7.1 closed for ever", "error 550 5.7.1 closed for ever")]
    [InlineData("error:\"450 later\"", "error 450  later")]
    [InlineData("\"error:550 no, never\"", "error 550  no, never")]
    [InlineData("error:550 4.7.1 odd class", "error 550  4.7.1 odd class")]
    [InlineData("alice # a comment, bob", "user alice")]
    [InlineData("", "")]
    [InlineData(" , ,", "")]
    public void Targets_are_read(string value, string expected)
    {
        AliasTargets targets = AliasParser.ParseValue(value);
        Assert.True(targets.IsValid, targets.Error);
        Assert.Equal(expected, string.Join("; ", targets.Targets.Select(Show)));
    }

    [Theory]
    [InlineData("\"open")]
    [InlineData("alice\\")]
    [InlineData("two words")]
    [InlineData("@x.test")]
    [InlineData("x@")]
    [InlineData("x@y z")]
    [InlineData("|")]
    [InlineData(":include:relative")]
    [InlineData("error:no code")]
    [InlineData("error:650 what")]
    [InlineData("alice, $(reboot)")]
    [InlineData("alice\u0001bob")]
    public void What_is_no_target_makes_the_whole_value_invalid(string value)
    {
        AliasTargets targets = AliasParser.ParseValue(value);
        Assert.False(targets.IsValid);
        Assert.Empty(targets.Targets);
    }

    [Fact]
    public void Files_hold_targets_on_lines_with_comments_and_continuations()
    {
        AliasTargets targets = AliasParser.ParseFile("# members\ncarol\n\ndave, bob # two\nalice, \\\n  eve\n|cat > /x\n");
        Assert.True(targets.IsValid, targets.Error);
        Assert.Equal("user carol; user dave; user bob; user alice; user eve; command cat > /x", string.Join("; ", targets.Targets.Select(Show)));
    }

    [Fact]
    public void A_bad_line_in_a_file_is_named() => Assert.Contains("line 2", AliasParser.ParseFile("alice\nb c d\n").Error, StringComparison.Ordinal);

    [Fact]
    public void E12_any_text_is_read_without_exception_and_no_target_holds_a_control_character() =>
        Prop.ForAll<string>(text =>
        {
            AliasTargets value = AliasParser.ParseValue(text ?? "");
            AliasTargets file = AliasParser.ParseFile(text ?? "");
            return value.Targets.Concat(file.Targets).All(t => !Show(t).Any(c => c is < ' ' or '\x7f'));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Plain_users_survive_any_spelling_of_their_list() =>
        Prop.ForAll(Gen.Elements("alice", "bob", "c.d", "e-f", "g_h+i").NonEmptyListOf().ToArbitrary(), Gen.Elements(",", " , ", ",  ", ",,").ToArbitrary(), (names, comma) =>
            AliasParser.ParseValue(string.Join(comma, names)).Targets.Select(t => ((AliasTarget.User)t).Name).SequenceEqual(names)).QuickCheckThrowOnFailure();

    private static string Show(AliasTarget target) => target switch
    {
        AliasTarget.User user => (user.Direct ? "direct " : "user ") + user.Name,
        AliasTarget.Address address => "address " + address.Value,
        AliasTarget.Command command => "command " + command.CommandLine,
        AliasTarget.File file => "file " + file.Path,
        AliasTarget.Include include => "include " + include.Path,
        AliasTarget.Error error => $"error {error.Code} {error.Status} {error.Text}",
        _ => throw new InvalidOperationException(),
    };
}
