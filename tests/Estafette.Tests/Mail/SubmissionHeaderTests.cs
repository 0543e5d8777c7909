using System.Buffers;
using System.Text;
using Estafette.Mail;

namespace Estafette.Tests.Mail;

public sealed class SubmissionHeaderTests
{
    private const string Date = "Date: Sat, 21 Nov 2026 00:00:00 +0000 (UTC)";

    private static readonly SubmissionHeaderOptions Usual = new()
    {
        Completions = HeaderCompletions.BySendmail,
        Sender = new("alice", "mx.conform.test"),
        FullName = "Alice Martin",
        HostName = "mx.conform.test",
        Now = new(2026, 11, 21, 0, 0, 0, TimeSpan.Zero),
        MessageId = "<1@mx.conform.test>",
    };

    [Fact]
    public void Sendmail_then_server_give_the_order_of_the_original() =>
        Assert.Equal(
            $"From: Alice Martin <alice@mx.conform.test>\n{Date}\nTo: bob@mx.conform.test, \"Someone, Else\" <someone@far.test>\nCc: carol@mx.conform.test\nSubject: recipients\nMessage-ID: <1@mx.conform.test>\n\n",
            Both("To: bob, \"Someone, Else\" <someone@far.test>\nCc: carol@mx.conform.test\nBcc: dave@mx.conform.test,\n eve\nSubject: recipients\n", Usual));

    [Fact]
    public void A_From_of_the_users_own_stays_where_it_is() =>
        Assert.Equal(
            $"{Date}\nSubject: -r\nFrom: set@client.test\nMessage-ID: <1@mx.conform.test>\n\n",
            Both("Subject: -r\nFrom: set@client.test\n", Usual));

    [Fact]
    public void V3_a_message_without_header_gets_one() =>
        Assert.Equal(
            $"From: <>\r\n{Date}\r\nMessage-ID: <1@mx.conform.test>\r\n\r\n",
            Both("", Usual with { Sender = MailAddress.Null, FullName = null }));

    [Fact]
    public void The_server_adds_date_and_id_behind_the_fields_and_masquerades() =>
        Assert.Equal(
            $"From: Forged <alice@conform.test>\r\nSubject: x\r\n{Date}\r\nMessage-Id: <1@mx.conform.test>\r\n\r\n",
            Server("From: Forged <boss@conform.test>\r\nSubject: x\r\n", Usual with { Masquerade = true, Sender = new("alice", "conform.test"), Spelling = MessageIdSpelling.MessageId }));

    [Fact]
    public void What_is_there_keeps_its_octets()
    {
        const string header = "DATE : then\r\nmessage-id:<x>\r\nX: caf\u00e9\r\n  folded\r\nTo: a@b\r\n";
        Assert.Equal(header + "\r\n", Server(header, Usual));
    }

    [Fact]
    public void A_mailbox_line_and_return_path_do_not_go_on() =>
        Assert.Equal("From: a@b\nDate: d\n\n", Write("From alice Sat Nov 21\nReturn-Path: <x>\nFrom: a@b\nDate: d", Usual));

    [Fact]
    public void E29_the_full_name_cannot_add_a_field() =>
        Assert.StartsWith("From: \"x  Bcc: y@z\" <alice@mx.conform.test>\r\nDate: ", Write("", Usual with { FullName = "x\r\nBcc: y@z" }), StringComparison.Ordinal);

    [Fact]
    public void E29_recipients_come_from_To_Cc_and_Bcc_or_from_the_Resent_fields_alone()
    {
        byte[] header = "To: a@x, b\nCC: c@x\nbcc : d@x\nSubject: e@x\n"u8.ToArray();
        Assert.Equal("a@x b c@x d@x", string.Join(' ', HeaderRecipients.Collect(header).Addresses));
        Assert.Equal("r@x", string.Join(' ', HeaderRecipients.Collect([.. header, .. "Resent-To: r@x\n"u8]).Addresses));
        Assert.True(HeaderRecipients.Collect("To: <a\n"u8).IsMalformed);
    }

    private static string Both(string header, SubmissionHeaderOptions options)
    {
        string first = Write(header, options);
        var scan = new HeaderScanner(new(100_000, 100));
        scan.Push(Encoding.UTF8.GetBytes(first));
        return Server(first[..(int)scan.HeaderLength], options);
    }

    private static string Server(string header, SubmissionHeaderOptions options) => Write(header, options with { Completions = HeaderCompletions.ByServer });

    private static string Write(string header, SubmissionHeaderOptions options)
    {
        var output = new ArrayBufferWriter<byte>();
        SubmissionHeader.Write(output, Encoding.UTF8.GetBytes(header), options);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
