using System.Text;
using Estafette.Mail;

namespace Estafette.Tests.Mail;

public class DotQmailTests
{
    private static DotQmailFile Parse(string text) => DotQmail.Parse(Encoding.UTF8.GetBytes(text));

    [Fact]
    public void Every_kind_of_line()
    {
        DotQmailFile file = Parse("# comment\n|cat > x  \n\n./Mail/\n/var/log/copy\n&away@far.test\n& spaced@far.test\nplain@far.test\n&dave");
        Assert.Equal<DotQmailLine>(
            [
                new DotQmailLine.Command("cat > x"), new DotQmailLine.Maildir("./Mail/"), new DotQmailLine.Mbox("/var/log/copy"), new DotQmailLine.Forward("away@far.test"),
                new DotQmailLine.Forward("spaced@far.test"), new DotQmailLine.Forward("plain@far.test"), new DotQmailLine.Forward("dave"),
            ],
            [.. file.Lines]);
        Assert.False(file.IsEmpty);
    }

    [Fact]
    public void An_empty_file_is_the_default_delivery_and_one_of_comments_is_nobody()
    {
        Assert.True(Parse("").IsEmpty);
        DotQmailFile comments = Parse("# nobody\n");
        Assert.False(comments.IsEmpty);
        Assert.Empty(comments.Lines);
    }

    [Fact]
    public void A_blank_first_line_is_not_followed() => Assert.NotNull(Parse("\n|cat\n").Problem);

    [Theory]
    [InlineData("", "", ".qmail")]
    [InlineData("-", "list", ".qmail-list .qmail-default=list")]
    [InlineData("-", "Any-Thing", ".qmail-any-thing .qmail-any-default=Thing .qmail-default=Any-Thing")]
    [InlineData("-", "a.b-c-", ".qmail-a:b-c- .qmail-a:b-c-default= .qmail-a:b-default=c- .qmail-default=a.b-c-")]
    [InlineData("-", "../x", "")]
    public void Names_go_from_the_whole_extension_to_the_default(string dash, string extension, string names) =>
        Assert.Equal(names, string.Join(' ', DotQmail.Names(dash, extension).Select(n => n.Default is null ? n.Name : n.Name + "=" + n.Default)));
}
