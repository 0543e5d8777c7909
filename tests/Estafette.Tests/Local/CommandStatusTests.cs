using Estafette.Local;
using Estafette.Mail;

namespace Estafette.Tests.Local;

/// <summary>The end of a command in Postfix's words, and the words of pipe(8)'s command line.</summary>
public sealed class CommandStatusTests
{
    [Theory]
    [InlineData(0, "", "250 2.0.0 Delivered")]
    [InlineData(0, "fine", "250 2.0.0 fine")]
    [InlineData(69, "", "550 5.3.0 service unavailable")]
    [InlineData(69, "gone", "550 5.3.0 service unavailable. Command output: gone")]
    [InlineData(75, "", "450 4.3.0 temporary failure")]
    [InlineData(67, "", "550 5.1.1 user unknown")]
    [InlineData(1, "", "550 5.3.0 Command died with status 1: \"x\"")]
    [InlineData(1, "4.2.2 box full", "450 4.2.2 box full")]
    [InlineData(1, "5.2.2 box is full", "550 5.2.2 box is full")]
    [InlineData(127, "no such program", "550 5.3.0 Command died with status 127: \"x\". Command output: no such program")]
    public void Exit_codes(int code, string output, string expected)
    {
        LocalReply reply = CommandStatus.Answer(code << 8, output, "x");
        Assert.Equal(expected, $"{reply.Code} {reply.Status} {reply.Text}");
    }

    [Fact]
    public void A_signal_waits_and_a_time_out_does_not()
    {
        Assert.Equal("Command died with signal 9: \"x\"", CommandStatus.Answer(9, "", "x").Text);
        Assert.Equal((450, 550), (CommandStatus.Answer(9, "", "x").Code, CommandStatus.TooLate("", "x").Code));
    }

    private static LocalEnvelope To(string recipient, string user) => new()
    {
        User = "",
        Action = "pipe",
        Destination = MailAddress.Null,
        Original = MailAddress.Null,
        Values = new Dictionary<string, string> { ["recipient"] = recipient, ["user"] = user, ["sender"] = "s@x.test; rm -rf /" },
    };

    [Theory]
    [InlineData("${recipient}", "a@x.test|b@x.test")]
    [InlineData("--to=$recipient/${user}", "--to=a@x.test/a|--to=b@x.test/b")]
    [InlineData("$sender", "s@x.test; rm -rf /")]
    [InlineData("x${nexthop}x", "xx")]
    [InlineData("plain", "plain")]
    public void E11_a_value_is_one_word_whatever_it_says(string template, string expected)
    {
        var words = new List<string>();
        Assert.True(PipeTargets.TryExpand(template, [To("a@x.test", "a"), To("b@x.test", "b")], words, out _));
        Assert.Equal(expected, string.Join('|', words));
    }

    /// <summary>The original hands it over.</summary>
    [Theory]
    [InlineData("${extension}", "-x", false)]
    [InlineData("$sender", "-oQ/tmp@x.test", false)]
    [InlineData("-f${sender}", "-x@x.test", true)]
    [InlineData("${extension}", "x-y", true)]
    public void E11_no_value_becomes_an_option(string template, string value, bool passes)
    {
        LocalEnvelope to = To("a@x.test", "a") with { Values = new Dictionary<string, string> { ["extension"] = value, ["sender"] = value } };
        Assert.Equal(passes, PipeTargets.TryExpand(template, [to], [], out _));
    }

    [Fact]
    public void Each_recipient_is_named_where_a_condition_names_it()
    {
        var words = new List<string>();
        Assert.True(PipeTargets.TryExpand("${size?${recipient}}", [Sized("a@x.test"), Sized("b@x.test")], words, out _));
        Assert.Equal(["a@x.test", "b@x.test"], words);

        static LocalEnvelope Sized(string recipient) => To(recipient, "a") with { Values = new Dictionary<string, string> { ["recipient"] = recipient, ["size"] = "1" } };
    }

    [Fact]
    public void A_macro_that_is_none_is_refused() => Assert.False(PipeTargets.TryExpand("$nosuch", [To("a", "a")], [], out _));

    [Fact]
    public void Only_a_text_that_means_something_to_a_shell_gets_one()
    {
        Assert.Equal("/usr/bin/vacation", LocalCommand.Postfix("/usr/bin/vacation -a x", [], 1).Path);
        Assert.Equal("/bin/sh", LocalCommand.Postfix("/usr/bin/vacation > x", [], 1).Path);
        Assert.Equal("/bin/sh", LocalCommand.Postfix("exit 1", [], 1).Path);
    }
}
