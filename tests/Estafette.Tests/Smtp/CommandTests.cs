using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using global::Estafette.Mail;
using global::Estafette.Smtp;

namespace Estafette.Tests.Smtp;

public sealed class CommandTests
{
    [Theory]
    [InlineData("EHLO a", SmtpVerb.Ehlo, "a", false)]
    [InlineData("ehlo  a ", SmtpVerb.Ehlo, "a", false)]
    [InlineData("MAIL FROM:<a@b> X=1", SmtpVerb.Mail, "<a@b> X=1", true)]
    [InlineData("mail from: <a@b>", SmtpVerb.Mail, "<a@b>", true)]
    [InlineData("MAIL <a@b>", SmtpVerb.Mail, "<a@b>", false)]
    [InlineData("RCPT TO:a", SmtpVerb.Rcpt, "a", true)]
    [InlineData("starttls", SmtpVerb.StartTls, "", false)]
    [InlineData("NOOP", SmtpVerb.Noop, "", false)]
    [InlineData("NOOPS", SmtpVerb.Unknown, "", false)]
    [InlineData(" NOOP", SmtpVerb.Unknown, "NOOP", false)]
    [InlineData("", SmtpVerb.Unknown, "", false)]
    [InlineData("GET / HTTP/1.1", SmtpVerb.Foreign, "/ HTTP/1.1", false)]
    public void Lines_become_commands(string line, SmtpVerb verb, string argument, bool keyword)
    {
        SmtpCommand command = CommandParser.Parse(Encoding.ASCII.GetBytes(line));
        Assert.Equal((verb, argument, keyword), (command.Verb, Encoding.ASCII.GetString(command.Argument.Span), command.HasKeyword));
    }

    [Fact]
    public void Lines_are_found_whatever_the_segments() =>
        Prop.ForAll(
            (from octets in Gen.ArrayOf(Gen.Elements("ab\r\n"u8.ToArray())) from cut in Gen.Choose(0, 20) from limit in Gen.Choose(1, 12) select (octets, cut, limit)).ToArbitrary(),
            x =>
            {
                int cut = Math.Min(x.cut, x.octets.Length);
                return Take(new ReadOnlySequence<byte>(x.octets), x.limit) == Take(Split(x.octets, cut), x.limit);
            }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("abc", 10, LineStatus.More, "")]
    [InlineData("abc\r\nd", 10, LineStatus.Line, "abc")]
    [InlineData("abc\nd", 10, LineStatus.Line, "abc")]
    [InlineData("abcdefgh\r\n", 10, LineStatus.Line, "abcdefgh")]
    [InlineData("abcdefghi\r\n", 10, LineStatus.TooLong, "")]
    [InlineData("abcdefghij", 10, LineStatus.TooLong, "")]
    public void E20_a_line_is_never_longer_than_its_limit(string text, int limit, LineStatus status, string line) =>
        Assert.Equal((status, line), Take(new ReadOnlySequence<byte>(Encoding.ASCII.GetBytes(text)), limit));

    [Theory]
    [InlineData("SIZE=100 BODY=8BITMIME SMTPUTF8 RET=full ENVID=a+2Bb AUTH=<>", ParameterProblem.None)]
    [InlineData("SIZE=", ParameterProblem.BadValue)]
    [InlineData("SIZE=1 size=2", ParameterProblem.BadValue)]
    [InlineData("BODY=BINARYMIME", ParameterProblem.Unsupported)]
    [InlineData("SMTPUTF8=1", ParameterProblem.BadValue)]
    [InlineData("RET=half", ParameterProblem.BadValue)]
    [InlineData("ENVID=a=b", ParameterProblem.BadValue)]
    [InlineData("X=1", ParameterProblem.Unsupported)]
    [InlineData("=1", ParameterProblem.Unsupported)]
    public void Mail_parameters(string text, ParameterProblem problem) =>
        Assert.Equal(problem, MailParameters.TryParse(Encoding.ASCII.GetBytes(text), (ParameterGroups)7, out _).Problem);

    [Theory]
    [InlineData("NOTIFY=SUCCESS,delay ORCPT=rfc822;a+2Bb@c", ParameterProblem.None)]
    [InlineData("NOTIFY=NEVER", ParameterProblem.None)]
    [InlineData("NOTIFY=NEVER,SUCCESS", ParameterProblem.Contradiction)]
    [InlineData("NOTIFY=", ParameterProblem.BadValue)]
    [InlineData("ORCPT=a@b", ParameterProblem.BadValue)]
    [InlineData("ORCPT=rfc822;a+2", ParameterProblem.BadValue)]
    [InlineData("SIZE=1", ParameterProblem.Unsupported)]
    public void E35_recipient_parameters(string text, ParameterProblem problem) =>
        Assert.Equal(problem, RcptParameters.TryParse(Encoding.ASCII.GetBytes(text), (ParameterGroups)7, out _).Problem);

    [Fact]
    public void Parameters_are_kept_as_received()
    {
        MailParameters.TryParse("SIZE=7 ENVID=QQ+2B RET=HDRS"u8, (ParameterGroups)7, out MailParameters mail);
        RcptParameters.TryParse("NOTIFY=FAILURE,DELAY ORCPT=rfc822;x@y"u8, (ParameterGroups)7, out RcptParameters rcpt);
        Assert.Equal((7L, "QQ+2B", DsnReturn.Headers), (mail.Size, mail.EnvelopeId, mail.Return));
        Assert.Equal((DsnNotify.Failure | DsnNotify.Delay, "rfc822;x@y"), (rcpt.Notify, rcpt.OriginalRecipient));
    }

    [Theory]
    [InlineData("10", true, 10, false)]
    [InlineData("0 LAST", true, 0, true)]
    [InlineData("5 last", true, 5, true)]
    [InlineData("", false, 0, false)]
    [InlineData("-1", false, 0, false)]
    [InlineData("+1", false, 0, false)]
    [InlineData("1 FIRST", false, 0, false)]
    [InlineData("9999999999999999999", false, 0, false)]
    public void E48_bdat_arguments(string text, bool ok, long size, bool last)
    {
        Assert.Equal(ok, BdatCommand.TryParse(Encoding.ASCII.GetBytes(text), out BdatCommand command));
        Assert.Equal(new BdatCommand(size, last), command);
    }

    [Fact]
    public void E55_a_reply_carries_no_octet_that_could_break_it()
    {
        string wire = Encoding.Latin1.GetString(new Reply(550, "5.1.1 a\r\nb\0ü" + new string('x', 1000)).Wire.Span);
        Assert.Matches("^550 [ -~]{1,506}\r\n$", wire);
        Assert.Equal(512, wire.Length);
    }

    [Theory]
    [InlineData("550 5.7.1 no", 550, "5.7.1 no")]
    [InlineData("421", 421, "")]
    public void A_filter_s_text_becomes_a_reply(string text, int code, string words)
    {
        Reply reply = Reply.FromText(text)!;
        Assert.Equal((code, words), (reply.Code, reply.Text));
    }

    [Theory]
    [InlineData("250 ok")]
    [InlineData("5x0 no")]
    [InlineData("550-no")]
    [InlineData("")]
    public void A_filter_s_text_without_a_failure_code_is_none(string text) => Assert.Null(Reply.FromText(text));

    private static (LineStatus, string) Take(ReadOnlySequence<byte> input, int limit)
    {
        LineStatus status = LineFraming.TryTake(input, limit, out ReadOnlySequence<byte> line, out _);
        return (status, Encoding.ASCII.GetString(line));
    }

    private static ReadOnlySequence<byte> Split(byte[] octets, int at)
    {
        var first = new Segment(octets.AsMemory(0, at), 0, null);
        var second = new Segment(octets.AsMemory(at), at, first);
        return new ReadOnlySequence<byte>(first, 0, second, second.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long index, Segment? before)
        {
            Memory = memory;
            RunningIndex = index;
            before?.Next = this;
        }
    }
}
