using Estafette.Program.Submission;

namespace Estafette.Tests.Submission;

/// <summary>The command lines that real programs use, and what they must mean.</summary>
public sealed class SendmailOptionsTests
{
    [Fact]
    public void Cron()
    {
        SendmailOptions options = SendmailOptions.Parse(["-FCronDaemon", "-i", "-B8BITMIME", "-oem", "alice"]);
        Assert.Null(options.Problem);
        Assert.Equal("CronDaemon", options.FullName);
        Assert.True(options.IgnoreDots);
        Assert.Equal("8BITMIME", options.Body);
        Assert.Equal(["alice"], options.Recipients);
    }

    [Fact]
    public void Logwatch_and_php()
    {
        Assert.True(SendmailOptions.Parse(["-t"]).RecipientsFromHeader);
        SendmailOptions php = SendmailOptions.Parse(["-t", "-i"]);
        Assert.True(php.RecipientsFromHeader && php.IgnoreDots);
    }

    [Fact]
    public void Fail2ban_and_git_send_email()
    {
        SendmailOptions options = SendmailOptions.Parse(["-f", "fail2ban@host.test", "root"]);
        Assert.Equal("fail2ban@host.test", options.Sender);
        Assert.Equal(["root"], options.Recipients);
        Assert.Equal("a@b.test", SendmailOptions.Parse(["-i", "-fa@b.test", "x@y.test"]).Sender);
        Assert.Equal("", SendmailOptions.Parse(["-f", "<>", "x@y.test"]).Sender);
    }

    [Fact]
    public void Mailx_mutt_and_joined_flags()
    {
        Assert.Null(SendmailOptions.Parse(["-oem", "-oi", "-om", "-odb", "-O", "DeliveryMode=b", "-G", "x"]).Problem);
        SendmailOptions joined = SendmailOptions.Parse(["-ti", "-Nsuccess,failure", "-Rhdrs", "-Venv1", "-v", "--", "-odd@address.test"]);
        Assert.Null(joined.Problem);
        Assert.True(joined is { RecipientsFromHeader: true, IgnoreDots: true, Verbose: true, Notify: "success,failure", Return: "hdrs", EnvelopeId: "env1" });
        Assert.Equal(["-odd@address.test"], joined.Recipients);
    }

    [Theory]
    [InlineData("-bp", SendmailOptions.Mode.ListQueue)]
    [InlineData("-bs", SendmailOptions.Mode.Smtp)]
    [InlineData("-bi", SendmailOptions.Mode.NewAliases)]
    [InlineData("-q", SendmailOptions.Mode.RunQueue)]
    [InlineData("-q30m", SendmailOptions.Mode.RunQueue)]
    [InlineData("-bm", SendmailOptions.Mode.Deliver)]
    [InlineData("--help", SendmailOptions.Mode.Help)]
    public void Modes(string argument, object mode) => Assert.Equal((SendmailOptions.Mode)mode, SendmailOptions.Parse([argument]).What);

    [Theory]
    [InlineData("-f", "a@b\r\nBcc: c@d")]
    [InlineData("-F", "Name\nX-Header: y")]
    [InlineData("-V", "id\n")]
    public void E29_no_line_end_gets_into_a_header_or_a_command(string flag, string value) =>
        Assert.Contains("control character", SendmailOptions.Parse([flag, value, "x"]).Problem, StringComparison.Ordinal);

    [Fact]
    public void E29_nor_through_a_recipient() => Assert.NotNull(SendmailOptions.Parse(["x@y\nRCPT TO:<z>"]).Problem);

    [Theory]
    [InlineData("-Nsometimes")]
    [InlineData("-Nnever,success")]
    [InlineData("-Rall")]
    [InlineData("-B9BIT")]
    [InlineData("-Z")]
    [InlineData("-f")]
    public void Nonsense_is_told(string argument) => Assert.NotNull(SendmailOptions.Parse([argument]).Problem);
}
