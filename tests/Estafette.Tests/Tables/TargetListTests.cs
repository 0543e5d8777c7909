using Estafette.Tables;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Tables;

/// <summary>Right sides of aliases(5), forward files and included files, as local(8) reads them.</summary>
public sealed class TargetListTests
{
    private static string Show(ListedTarget t) => (t.IsDirect ? "\\" : "") + t.Kind + ":" + t.Text;

    [Theory]
    [InlineData("alice", "Address:alice")]
    [InlineData("alice, Bob Smith <bob@x.test> , \\carol", "Address:alice;Address:bob@x.test;\\Address:carol")]
    [InlineData("\"|cat > \\\"a b\\\"\"", "Command:cat > \"a b\"")]
    [InlineData("|/usr/bin/vacation, /var/mail/x, ~/y", "Command:/usr/bin/vacation;File:/var/mail/x;File:~/y")]
    [InlineData(":include:/etc/list, \":Include:/a b\"", "Include:/etc/list;Include:/a b")]
    [InlineData("\"a,b\"@x.test, c (not, this) , , d", "Address:\"a,b\"@x.test;Address:c;Address:d")]
    [InlineData("\"|exit, 1\"", "Command:exit, 1")]
    [InlineData("a\\\rb, c\td", "Address:a\\ b;Address:c d")]
    [InlineData("", "")]
    public void Values_of_aliases(string value, string expected) => Assert.Equal(expected, string.Join(';', TargetList.ReadValue(value).Select(Show)));

    [Fact]
    public void Files_have_a_list_a_line_and_comment_lines() =>
        Assert.Equal("Address:a;Address:b;Address:c;Command:x # y", string.Join(';', TargetList.ReadFile("# first, second\na,\n  b\n\n c\n\"|x # y\"\n#d").Select(Show)));

    [Fact]
    public void E12_nothing_makes_it_throw_and_no_control_character_gets_through() => Prop.ForAll(ArbMap.Default.ArbFor<string>(), text =>
    {
        foreach (ListedTarget target in TargetList.ReadFile(text ?? "").AddRange(TargetList.ReadValue(text ?? "")))
            Assert.DoesNotContain(target.Text, c => c is '\r' or '\n');
    }).QuickCheckThrowOnFailure();
}
