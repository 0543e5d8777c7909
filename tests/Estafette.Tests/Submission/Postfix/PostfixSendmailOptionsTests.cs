using Estafette.Program.Submission.Postfix;
using Estafette.Smtp;

namespace Estafette.Tests.Submission.Postfix;

/// <summary>Options and refusals of sendmail(1), as recorded from Postfix 3.7.11.</summary>
public sealed class PostfixSendmailOptionsTests
{
    [Theory]
    [InlineData("-n bob", "-n option not supported")]
    [InlineData("-B BOGUS bob", "-B option needs 8BITMIME or 7BIT")]
    [InlineData("-X /tmp/x bob", "unsupported: -X/")]
    [InlineData("-bz bob", "unsupported: -bz")]
    [InlineData("-bogus bob", "unsupported: -bo")]
    [InlineData("-bd bob", "daemon mode requires no recipient")]
    [InlineData("-q bob", "flush queue mode requires no recipient")]
    [InlineData("-qx", "-qx is not implemented")]
    [InlineData("-qR", "specify: -qRsitename")]
    [InlineData("-qI", "specify: -qIqueueid")]
    [InlineData("-bp bob", "display queue mode requires no recipient")]
    [InlineData("-bi bob", "alias initialization mode requires no recipient")]
    [InlineData("-bs bob", "stand-alone mode requires no recipient")]
    [InlineData("-t -bv bob", "-t option cannot be used with -bv")]
    [InlineData("-bv -N never bob", "-N option cannot be used with -bv")]
    [InlineData("-bv -R full bob", "-R option cannot be used with -bv")]
    [InlineData("-bv -v bob", "-v option cannot be used with -bv")]
    [InlineData("-bs -t", "-t can be used only in delivery mode")]
    [InlineData("-oA /nowhere bob", "-oA requires pathname")]
    [InlineData("-Z", "usage: sendmail [options]")]
    [InlineData("-f", "usage: sendmail [options]")]
    public void Wrong_words_are_refused_as_the_original_does(string line, string problem) => Assert.Equal(problem, Parse(line).Problem);

    [Fact]
    public void Options_of_forty_years_are_passed_over()
    {
        PostfixSendmailOptions options = Parse("-om -o7 -oXfoo -Ac -L tag -U -x -m -e m -h 5 -p x -c -OFoo=bar bob");
        Assert.Null(options.Problem);
        Assert.Equal(["bob"], options.Recipients);
        Assert.True(options.EndsAtDot);
    }

    [Fact]
    public void O_V_envelope_wishes_are_taken()
    {
        PostfixSendmailOptions options = Parse("-f a@b -F name -i -t -G -v -N success,failure -R hdrs -V ENV123 -B 8BITMIME bob carol");
        Assert.Null(options.Problem);
        Assert.Equal(("a@b", "name", false, true, true, SendmailReport.Delivery), (options.Sender, options.FullName, options.EndsAtDot, options.RecipientsFromHeader, options.IsGateway, options.Reports));
        Assert.Equal(("SUCCESS,FAILURE", "hdrs", "ENV123", "8BITMIME"), (options.Notify, options.Return, options.EnvelopeId, options.Body));
        Assert.Equal(["bob", "carol"], options.Recipients);
    }

    [Fact]
    public void Values_that_make_no_sense_are_told_and_ignored()
    {
        PostfixSendmailOptions options = Parse("-N bogus -R bogus bob");
        Assert.Null(options.Problem);
        Assert.Equal(["unknown DSN NOTIFY command value \"bogus\" in \"bogus\"", "bad -N option value -- ignored", "bad -R option value -- ignored"], options.Warnings);
    }

    [Theory]
    [InlineData("-q", PostfixSendmailOptions.Mode.FlushQueue)]
    [InlineData("-bp", PostfixSendmailOptions.Mode.ListQueue)]
    [InlineData("-bi", PostfixSendmailOptions.Mode.NewAliases)]
    [InlineData("-I", PostfixSendmailOptions.Mode.NewAliases)]
    [InlineData("-bs", PostfixSendmailOptions.Mode.Smtp)]
    [InlineData("-bh", PostfixSendmailOptions.Mode.Nothing)]
    [InlineData("-bm -- -odd", PostfixSendmailOptions.Mode.Enqueue)]
    internal void Modes_are_told_apart(string line, PostfixSendmailOptions.Mode mode)
    {
        PostfixSendmailOptions options = Parse(line);
        Assert.Null(options.Problem);
        Assert.Equal(mode, options.What);
    }

    [Theory]
    [InlineData("To: bob, \"Someone, Else\" <s@x>\nCc: c\nBcc: d\n\nTo: e\n", "bob|s@x|c|d")]
    [InlineData("To: bob\nResent-To: carol\nResent-Bcc: dave\n\n", "carol|dave")]
    [InlineData("From alice Sat Nov 21\n>From alice\nTo: bob\n\n", "bob")]
    [InlineData("to: bob (comment), group: carol, \"dave\"@x;\nApparently-To: nobody\n\n", "bob|carol|\"dave\"@x")]
    [InlineData("To : bob\nno field\nCc: c\n", "bob")]
    [InlineData("To: bob,\n carol\n", "bob|carol")]
    [InlineData("Subject: x", "")]
    public void E29_recipients_come_from_the_header_alone(string message, string expected)
    {
        var lines = new OutgoingLines(endsAtDot: true, extractsRecipients: true, 102_400);
        foreach (string line in message.Split('\n').SkipLast(message.EndsWith('\n') ? 1 : 0))
            lines.Take(System.Text.Encoding.UTF8.GetBytes(line + "\n"));
        lines.Complete();
        Assert.Equal(expected, string.Join('|', lines.Recipients));
    }

    [Theory]
    [InlineData("a\r\nb\r\n", "a\nb\n")]
    [InlineData("a\r\r\n", "a\n")]
    [InlineData("From x\n>From y\nSubject: s\n", "Subject: s\n")]
    [InlineData("before\n.\nafter\n", "before\n")]
    [InlineData("..\n.x\n", "..\n.x\n")]
    public void Lines_are_mended(string message, string expected)
    {
        var lines = new OutgoingLines(endsAtDot: true, extractsRecipients: false, 102_400);
        var text = new System.Text.StringBuilder();
        foreach (string line in message.Split('\n').SkipLast(1))
        {
            if (lines.Take(System.Text.Encoding.UTF8.GetBytes(line + "\n")) is not { } kept)
                break;
            text.Append(System.Text.Encoding.UTF8.GetString(kept.Span));
        }
        Assert.Equal(expected, text.ToString());
    }

    private static PostfixSendmailOptions Parse(string line) => PostfixSendmailOptions.Parse("sendmail", line.Split(' '));
}
