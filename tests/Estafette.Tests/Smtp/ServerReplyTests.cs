using System.Text;
using Estafette.Mail;
using Estafette.Smtp;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Smtp;

public sealed class ServerReplyTests
{
    [Theory]
    [InlineData("250 2.0.0 Ok: queued as 4711\r\n", 250)]
    [InlineData("220\r\n", 220)]
    [InlineData("220 \n", 220)]
    [InlineData("250-first\r\n250-second\r\n250 third\r\n", 250)]
    [InlineData("554-\r\n554\r\n", 554)]
    public void A_whole_reply_is_found_and_every_prefix_of_it_asks_for_more(string text, int expected)
    {
        byte[] octets = Encoding.ASCII.GetBytes(text + "250 the next one\r\n");
        int whole = text.Length;
        for (int cut = 0; cut <= octets.Length; cut++)
        {
            ReplyReading reading = ServerReplyParser.Read(octets.AsSpan(0, cut), out int code, out int length);
            if (cut < whole)
            {
                Assert.Equal(ReplyReading.More, reading);
                continue;
            }
            Assert.Equal(ReplyReading.Complete, reading);
            Assert.Equal(expected, code);
            Assert.Equal(whole, length);
        }
    }

    [Theory]
    [InlineData("hello world\r\n")]
    [InlineData("HTTP/1.1 400 Bad Request\r\n")]
    [InlineData("250-one\r\n550 two\r\n")]
    [InlineData("250_ok\r\n")]
    [InlineData("25 ok\r\n")]
    [InlineData("150 ok\r\n")]
    [InlineData("650 ok\r\n")]
    [InlineData("\r\n")]
    [InlineData("250-one\r\n\r\n")]
    public void E39_what_is_no_reply_is_malformed(string text) =>
        Assert.Equal(ReplyReading.Malformed, ServerReplyParser.Read(Encoding.ASCII.GetBytes(text), out _, out _));

    [Fact]
    public void E39_lines_and_replies_beyond_the_limits_are_malformed()
    {
        byte[] line = Encoding.ASCII.GetBytes("250 " + new string('x', ServerReplyParser.MaximumLine));
        Assert.Equal(ReplyReading.Malformed, ServerReplyParser.Read(line, out _, out _));
        byte[] many = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("250-x\r\n", ServerReplyParser.MaximumLines + 1)));
        Assert.Equal(ReplyReading.Malformed, ServerReplyParser.Read(many, out _, out _));
        byte[] large = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("250-" + new string('x', 4000) + "\r\n", 20)));
        Assert.Equal(ReplyReading.Malformed, ServerReplyParser.Read(large, out _, out _));
    }

    [Fact]
    public void Any_octets_end_in_an_answer_that_does_not_change_when_more_follows()
    {
        Prop.ForAll<byte[], byte[]>((octets, more) =>
        {
            byte[] start = [.. "250"u8, .. octets];
            ReplyReading first = ServerReplyParser.Read(start, out int code, out int length);
            ReplyReading second = ServerReplyParser.Read([.. start, .. more], out int again, out int sameLength);
            return first == ReplyReading.More || (first == second && (first != ReplyReading.Complete || (code == again && length == sameLength)));
        }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData("550 5.1.1 no such user\r\n", "5.1.1", "550 5.1.1 no such user")]
    [InlineData("550 no such user\r\n", "5.0.0", "550 no such user")]
    [InlineData("451 5.1.1 odd\r\n", "4.0.0", "451 5.1.1 odd")]
    [InlineData("550-5.7.26 This mail is\r\n550-5.7.26 not signed.\r\n550 5.7.26 See the manual\r\n", "5.7.26", "550 5.7.26 This mail is not signed. See the manual")]
    [InlineData("250\r\n", "2.0.0", "250")]
    [InlineData("354 go\r\n", "4.0.0", "354 go")]
    public void The_text_is_one_line_that_keeps_the_codes(string octets, string status, string text)
    {
        ServerReply reply = ServerReply.Of(Encoding.UTF8.GetBytes(octets));
        Assert.Equal(status, reply.Status.ToString());
        Assert.Equal(text, reply.Text);
    }

    [Fact]
    public void E12_text_of_a_peer_is_escaped_and_cut()
    {
        ServerReply reply = ServerReply.Of("550 a\rb\u001b[31m\u0000c\u2028d\u202Ee\r\n"u8);
        Assert.Equal("550 a\\x0Db\\x1B[31m\\x00c\\u2028d\\u202Ee", reply.Text);
        ServerReply full = ServerReply.Of(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("550-" + new string('y', 900) + "\r\n", 5)) + "550 end\r\n"));
        Assert.Equal(ServerReply.MaximumText, full.Text.Length);
    }

    [Fact]
    public void Capabilities_are_read_from_the_lines_after_the_first()
    {
        EhloCapabilities found = EhloCapabilities.Read("250-PIPELINING.example greets\r\n250-SIZE 1000\r\n250-8bitmime\r\n250-AUTH LOGIN XOAUTH2 plain\r\n250-AUTH=CRAM-MD5\r\n250-XUNKNOWN 1\r\n250 DSN\r\n"u8);
        Assert.False(found.Has(EhloKeywords.Pipelining));
        Assert.Equal(EhloKeywords.Size | EhloKeywords.EightBitMime | EhloKeywords.Auth | EhloKeywords.Dsn, found.Keywords);
        Assert.Equal(1000, found.MaximumSize);
        Assert.Equal(SaslMechanisms.Login | SaslMechanisms.Plain | SaslMechanisms.CramMd5, found.Mechanisms);
        Assert.Equal(0, EhloCapabilities.Read("250-x\r\n250 SIZE\r\n"u8).MaximumSize);
    }
}
