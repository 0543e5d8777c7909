using System.Text;
using Estafette.Smtp;

namespace Estafette.Tests.Smtp;

/// <summary>E54: which parts of a command line a log may tell.</summary>
public sealed class CommandTextTests
{
    [Theory]
    [InlineData("AUTH PLAIN AGEAYg==", "AUTH")]
    [InlineData("auth\tlogin", "AUTH")]
    [InlineData("  AUTH PLAIN AGEAYg==", "AUTH")]
    [InlineData("AUTHPLAIN AGEAYg==", "AUTH")]
    [InlineData("HELP AUTH PLAIN AGEAYg==", "HELP AUTH (hidden)")]
    [InlineData("STARTTLS auth PLAIN AGEAYg==", "STARTTLS AUTH (hidden)")]
    [InlineData("MAIL FROM:<a@x.test> AUTH=<b@x.test>", "MAIL FROM:<a@x.test> AUTH (hidden)")]
    [InlineData("EHLO authority.test", "EHLO authority.test")]
    [InlineData("EHLO auth.test", "EHLO auth.test")]
    [InlineData("HELP AUTH", "HELP AUTH")]
    [InlineData("AGEAYg==", "AGEAYg==")]
    [InlineData("", "")]
    public void Nothing_behind_AUTH_is_told(string line, string told) => Assert.Equal(told, CommandText.ForLog(Encoding.UTF8.GetBytes(line), afterLogin: false));

    [Theory]
    [InlineData("AGEAYg==", "(hidden)")]
    [InlineData("my password", "(hidden)")]
    [InlineData("GET password", "(hidden)")]
    [InlineData("MAIL FROM:<a@x.test>", "MAIL FROM:<a@x.test>")]
    [InlineData("QUIT", "QUIT")]
    public void After_a_login_unknown_commands_are_not_told(string line, string told) => Assert.Equal(told, CommandText.ForLog(Encoding.UTF8.GetBytes(line), afterLogin: true));

    [Fact]
    public void Long_lines_are_cut() => Assert.Equal(512, CommandText.ForLog(new byte[5000], afterLogin: false).Length);

    [Theory]
    [InlineData("CRAM-MD5", true)]
    [InlineData("xoauth2", true)]
    [InlineData("AGEAYg==", false)]
    [InlineData("c2VjcmV0", false)]
    [InlineData("ABCDEFGHIJKLMNOPQRSTUVWXYZ", false)]
    public void A_mechanism_is_repeated_when_it_can_be_the_name_of_one(string name, bool repeated) =>
        Assert.Equal(repeated, new Replies(ReplyStyle.OpenSmtpd, "mx.test").UnknownMechanism(name).ToString().Contains(name, StringComparison.Ordinal));
}
