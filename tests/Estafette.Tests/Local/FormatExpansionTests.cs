using Estafette.Local;
using Estafette.Mail;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Local;

public sealed class FormatExpansionTests
{
    private static FormatValues Values(string sender = "Some.One@client.test", string local = "user+tag", string domain = "example.org") => new()
    {
        Sender = sender,
        Envelope = new LocalEnvelope { User = "alice", Action = "a", Original = new MailAddress(local, domain), Destination = new MailAddress("Alice", "conform.test") },
        User = new LocalUser("alice", 1000, 1000, "/home/alice"),
    };

    [Theory]
    [InlineData("~/Maildir", "/home/alice/Maildir")]
    [InlineData("/var/conform/%{dest}", "/var/conform/Alice@conform.test")]
    [InlineData("%{dest.user:lowercase}-%{dest.domain:uppercase}", "alice-CONFORM.TEST")]
    [InlineData("%{rcpt:strip}", "user@example.org")]
    [InlineData("%{rcpt.user:strip|uppercase}", "USER")]
    [InlineData("%{rcpt.domain[0]}%{rcpt.domain[1]}", "ex")]
    [InlineData("%{rcpt.domain[8:]}", "org")]
    [InlineData("%{rcpt.domain[-3:]}", "org")]
    [InlineData("%{rcpt.domain[0:6]}", "example")]
    [InlineData("%{rcpt.domain[0:-4]}", "example")]
    [InlineData("%{rcpt.domain[0:99]}", "example.org")]
    [InlineData("%{user.directory}/%{user.username}", "/home/alice/alice")]
    [InlineData("%{mbox.from} %{sender.user}@%{sender.domain}", "Some.One@client.test Some.One@client.test")]
    [InlineData("100%% %x %", "100% %x %")]
    public void Formats_expand_as_the_manual_says(string template, string expected)
    {
        Assert.True(FormatExpansion.TryExpand(template, Values(), out string result, out _));
        Assert.Equal(expected, result);
    }

    [Theory]
    [InlineData("%{nonsense}")]
    [InlineData("%{rcpt:nonsense}")]
    [InlineData("%{rcpt")]
    [InlineData("%{rcpt[99]}")]
    [InlineData("%{rcpt[]}")]
    [InlineData("%{rcpt[3:1]}")]
    public void What_cannot_be_expanded_is_told(string template) => Assert.False(FormatExpansion.TryExpand(template, Values(), out _, out string problem) || problem.Length == 0);

    [Fact]
    public void The_null_sender_is_mailer_daemon_in_a_from_line()
    {
        Assert.True(FormatExpansion.TryExpand("%{sender}|%{mbox.from}", Values(sender: ""), out string result, out _));
        Assert.Equal("|MAILER-DAEMON", result);
    }

    [Theory]
    [InlineData("..")]
    [InlineData("../../etc/passwd")]
    [InlineData("a/../b")]
    [InlineData(".")]
    public void E16_a_recipient_is_no_step_in_a_path(string local)
    {
        Assert.True(FormatExpansion.TryExpandPath("/var/mail/%{rcpt.user}/x", Values(local: local), out string path, out _));
        Assert.Equal(4, path.Split('/').Length - 1);
        Assert.DoesNotContain("..", path.Split('/'));
    }

    [Fact]
    public void E11_nothing_from_mail_means_anything_to_a_shell()
    {
        Prop.ForAll<string>(text =>
        {
            string given = text ?? "";
            Assert.True(FormatExpansion.TryExpand("%{sender:raw} %{rcpt} %{rcpt.user} %{mbox.from}", Values(sender: given + "@x", local: given), out string result, out string problem) || problem.StartsWith("expands", StringComparison.Ordinal));
            Assert.DoesNotContain(result, c => "\"'`$\\;&|<>(){}[]*?!#~^/\n\r\t\0".Contains(c, StringComparison.Ordinal));
            Assert.DoesNotContain(result.Split(' '), w => w.StartsWith('-'));
        }).QuickCheckThrowOnFailure();
    }
}
