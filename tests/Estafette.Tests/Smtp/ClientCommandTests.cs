using System.Buffers;
using System.Text;
using Estafette.Mail;
using Estafette.Smtp;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Smtp;

public sealed class ClientCommandTests
{
    [Fact]
    public void MAIL_carries_what_is_set() =>
        Assert.Equal(
            "MAIL FROM:<bob@example.org> SIZE=4711 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ314159\r\n",
            Written(w => CommandWriter.TryMail(w, new MailAddress("bob", "example.org"),
                new MailArguments { Size = 4711, EightBitMime = true, SmtpUtf8 = true, Return = DsnReturn.Headers, EnvelopeId = "QQ314159" })));

    [Fact]
    public void The_null_reverse_path_and_quoted_local_parts_are_written_as_the_RFC_has_them()
    {
        Assert.Equal("MAIL FROM:<>\r\n", Written(w => CommandWriter.TryMail(w, MailAddress.Null, default)));
        Assert.Equal("RCPT TO:<\"a <b>\\\" c\"@example.org>\r\n", Written(w => CommandWriter.TryRcpt(w, new MailAddress("a <b>\" c", "example.org").ToString())));
        Assert.Equal("RCPT TO:<jürgen@bücher.example>\r\n", Written(w => CommandWriter.TryRcpt(w, "jürgen@bücher.example")));
    }

    [Theory]
    [InlineData(DsnNotify.Never, " NOTIFY=NEVER")]
    [InlineData(DsnNotify.Success | DsnNotify.Failure | DsnNotify.Delay, " NOTIFY=SUCCESS,FAILURE,DELAY")]
    public void RCPT_hands_the_sender_s_wishes_on(DsnNotify notify, string text) =>
        Assert.Equal($"RCPT TO:<a@b.example>{text} ORCPT=rfc822;a+2Bb@b.example\r\n", Written(w => CommandWriter.TryRcpt(w, "a@b.example", notify, "rfc822;a+2Bb@b.example")));

    [Fact]
    public void One_call_writes_one_line_or_nothing_whatever_the_envelope_holds()
    {
        Prop.ForAll<string?, string?>((local, domain) =>
        {
            string mail = Written(w => CommandWriter.TryMail(w, new MailAddress(local ?? "", domain ?? ""), new MailArguments { EnvelopeId = domain }));
            string rcpt = Written(w => CommandWriter.TryRcpt(w, (local + "@" + domain), DsnNotify.Unspecified, local));
            string hello = Written(w => CommandWriter.TryHello(w, "EHLO", local ?? ""));
            return IsOneLineOrNothing(mail) && IsOneLineOrNothing(rcpt) && IsOneLineOrNothing(hello);
        }).QuickCheckThrowOnFailure();
        Assert.Equal("", Written(w => CommandWriter.TryMail(w, new MailAddress("a\r\nRCPT TO:<x@y>", "b"), default)));
        Assert.Equal("", Written(w => CommandWriter.TryRcpt(w, "a@b> NOTIFY=NEVER")));
        Assert.Equal("", Written(w => CommandWriter.TryRcpt(w, "a@b", DsnNotify.Never, "rfc822;a b")));
    }

    [Fact]
    public void PLAIN_sends_its_message_with_the_command_and_again_when_asked()
    {
        SaslClient client = SaslClient.Choose(SaslMechanisms.Plain | SaslMechanisms.Login, new SaslCredentials("tim", "tanstaaftanstaaf"), new SaslChannel(true, true))!;
        Assert.Equal("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", client.Begin());
        Assert.Equal("AHRpbQB0YW5zdGFhZnRhbnN0YWFm", client.Answer(""));
        Assert.Null(client.Answer(""));
    }

    [Fact]
    public void LOGIN_answers_twice()
    {
        SaslClient client = SaslClient.Choose(SaslMechanisms.Login, new SaslCredentials("tim", "geheim"), new SaslChannel(true, true))!;
        Assert.Equal("AUTH LOGIN", client.Begin());
        Assert.Equal("dGlt", client.Answer("VXNlcm5hbWU6"));
        Assert.Equal("Z2VoZWlt", client.Answer("UGFzc3dvcmQ6"));
        Assert.Null(client.Answer("more?"));
    }

    [Fact]
    public void CRAM_MD5_computes_what_RFC_2195_shows()
    {
        SaslClient client = SaslClient.Choose(SaslMechanisms.CramMd5 | SaslMechanisms.Plain, new SaslCredentials("tim", "tanstaaftanstaaf"), new SaslChannel(false, true))!;
        Assert.Equal("AUTH CRAM-MD5", client.Begin());
        Assert.Equal("dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw", client.Answer("PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+"));
        SaslClient other = SaslClient.Choose(SaslMechanisms.CramMd5, new SaslCredentials("tim", "x"), new SaslChannel(false, true))!;
        Assert.Null(other.Answer("not base64!"));
    }

    [Fact]
    public void E54_credentials_do_not_print_the_password() =>
        Assert.DoesNotContain("geheim", new SaslCredentials("tim", "geheim").ToString(), StringComparison.Ordinal);

    private static bool IsOneLineOrNothing(string text) =>
        text.Length == 0 || (text.EndsWith("\r\n", StringComparison.Ordinal) && text.AsSpan(0, text.Length - 2).IndexOfAny('\r', '\n') < 0);

    private static string Written(Func<ArrayBufferWriter<byte>, bool> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        bool written = write(buffer);
        Assert.Equal(written, buffer.WrittenCount > 0);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
