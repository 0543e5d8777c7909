using System.Text;
using Estafette.Mail;

namespace Estafette.Tests.Mail;

public class QsbmfNotificationTests
{
    private static async Task<string> WriteAsync(QsbmfRequest request, string original)
    {
        byte[] octets = Encoding.UTF8.GetBytes(original);
        var written = new StringBuilder();
        await QsbmfNotification.WriteAsync(
            request,
            (offset, buffer, _) =>
            {
                ReadOnlySpan<byte> rest = octets.AsSpan((int)offset);
                int count = Math.Min(rest.Length, buffer.Length);
                rest[..count].CopyTo(buffer.Span);
                return ValueTask.FromResult(count);
            },
            (piece, _) =>
            {
                written.Append(Encoding.UTF8.GetString(piece.Span));
                return ValueTask.CompletedTask;
            },
            CancellationToken.None);
        return written.ToString();
    }

    private static QsbmfRequest Request { get; } = new()
    {
        Host = "mx.example.org",
        From = new MailAddress("MAILER-DAEMON", "mx.example.org"),
        To = new MailAddress("bob", "example.org"),
        Recipients = [new(new MailAddress("gone", "example.org"), "Sorry, no mailbox here by that name. (#5.1.1)\n")],
        ReversePath = new MailAddress("bob", "example.org"),
        Now = new DateTimeOffset(2024, 1, 1, 10, 0, 0, TimeSpan.Zero),
    };

    [Fact]
    public async Task The_form_that_programs_recognise()
    {
        string text = await WriteAsync(Request, "Subject: x\r\n\r\nbody\r\n");
        int body = text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
        Assert.StartsWith("Hi. This is the qmail-send program at mx.example.org.\r\n", text[body..], StringComparison.Ordinal);
        Assert.Contains("\r\n\r\n<gone@example.org>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n\r\n--- Below this line is a copy of the message.\r\n\r\n", text, StringComparison.Ordinal);
        Assert.EndsWith("Return-Path: <bob@example.org>\r\nSubject: x\r\n\r\nbody\r\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_double_bounce_says_so() =>
        Assert.Contains("but the bounce bounced!\r\n", await WriteAsync(Request with { IsDouble = true }, ""), StringComparison.Ordinal);

    [Fact]
    public async Task A_peers_words_end_no_paragraph_and_begin_no_other()
    {
        string text = await WriteAsync(Request with { Recipients = [new(new MailAddress("a\r\nb", "x"), "first\n\n--- Below this line is a lie\n\r\nlast")] }, "");
        Assert.Contains("<\"a__b\"@x>:\r\nfirst\r\n --- Below this line is a lie\r\nlast\r\n\r\n--- Below", text.Replace("<a__b@x>", "<\"a__b\"@x>", StringComparison.Ordinal), StringComparison.Ordinal);
    }
}
