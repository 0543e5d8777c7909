using System.Collections.Immutable;
using System.Net;
using System.Text;
using Estafette.Mail;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Mail;

public sealed class StatusNotificationTests
{
    private const string Message = "Received: from x\r\nSubject: some refused\r\n\r\nHello.\r\n";
    private const string Boundary = "0000000000000001000000000000002a/mx.conform.test";

    private static readonly DateTimeOffset Now = new(2026, 11, 21, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task A_failure_is_told_as_OpenSMTPD_tells_it_in_the_form_of_RFC_3464()
    {
        string text = await WriteAsync(Request(Failed("bad", 550, "5.1.1", "550 5.1.1 no such user here")));
        Assert.StartsWith(
            "Subject: Delivery status notification: failed\r\nFrom: Mailer Daemon <MAILER-DAEMON@mx.conform.test>\r\nTo: alice@mx.conform.test\r\n"
            + "Date: Sat, 21 Nov 2026 00:00:00 +0000 (UTC)\r\nMessage-ID: <0000000000000001@mx.conform.test>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
            + $"Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{Boundary}\"\r\n\r\n",
            text, StringComparison.Ordinal);
        Assert.Equal(
            "Content-Description: Delivery report\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.conform.test\r\n"
            + "Arrival-Date: Fri, 20 Nov 2026 00:00:00 +0000 (UTC)\r\n\r\nFinal-Recipient: rfc822; bad@far.test\r\nAction: failed\r\nStatus: 5.0.0\r\n"
            + "Remote-MTA: dns; mx.far.test\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user here\r\n",
            Part(text, 1));
        Assert.Equal("Content-Description: Message header\r\nContent-Type: text/rfc822-headers\r\n\r\nReceived: from x\r\nSubject: some refused\r\n", Part(text, 2));
        Assert.EndsWith($"\r\n--{Boundary}--\r\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task E36_the_whole_message_comes_back_for_RET_FULL_unless_it_is_large()
    {
        StatusNotificationRequest full = Request(Failed("bad", 550, "5.1.1", "x"));
        full = full with { Original = full.Original with { Return = DsnReturn.Full, Size = Message.Length } };
        Assert.Equal($"Content-Description: Message\r\nContent-Type: message/rfc822\r\n\r\n{Message}", Part(await WriteAsync(full), 2));
        Assert.DoesNotContain("Hello.", await WriteAsync(full with { MaximumReturned = 10 }), StringComparison.Ordinal);
        Assert.Contains("Hello.", await WriteAsync(full with { Style = NotificationStyle.Postfix, Original = full.Original with { Return = DsnReturn.Unspecified } }), StringComparison.Ordinal);
        Assert.DoesNotContain("Hello.", await WriteAsync(full with { Style = NotificationStyle.Postfix, Original = full.Original with { Return = DsnReturn.Headers } }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task E35_ENVID_and_ORCPT_are_decoded_and_broken_ones_left_out()
    {
        StatusNotificationRequest request = Request(Failed("bad", 550, "5.1.1", "x") with { Recipient = To("bad") with { DsnOriginalRecipient = "rfc822;a+2Bb@x.test" } });
        request = request with { Original = request.Original with { DsnEnvelopeId = "id+3D1" } };
        string part = Part(await WriteAsync(request), 1);
        Assert.Contains("Original-Envelope-Id: id=1\r\n", part, StringComparison.Ordinal);
        Assert.Contains("\r\n\r\nOriginal-Recipient: rfc822; a+b@x.test\r\nFinal-Recipient: ", part, StringComparison.Ordinal);
        foreach (string broken in (string[])["rfc822", "rfc822;+4", "rfc822;+0D+0AX: y", "rf c;x", ";x", "rfc822;" + new string('x', 501), "rfc822;+FF"])
        {
            request = request with { Recipients = [Failed("bad", 550, "5.1.1", "x") with { Recipient = To("bad") with { DsnOriginalRecipient = broken } }] };
            Assert.DoesNotContain("Original-Recipient", Part(await WriteAsync(request), 1), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(NotificationAction.Delayed, "4.4.1", "delayed", "4.4.1")]
    [InlineData(NotificationAction.Delivered, "2.0.0", "delivered", "2.0.0")]
    [InlineData(NotificationAction.Relayed, "2.0.0", "relayed", "2.0.0")]
    [InlineData(NotificationAction.Failed, "4.4.7", "failed", "5.4.7")]
    [InlineData(NotificationAction.Failed, "5.1.1", "failed", "5.1.1")]
    public async Task Action_and_status_belong_together(NotificationAction action, string status, string word, string written)
    {
        Assert.True(EnhancedStatus.TryParse(status, out EnhancedStatus given));
        NotifiedRecipient notified = new()
        {
            Recipient = To("bad"),
            Action = action,
            Outcome = DeliveryOutcome.Deferred(given, "text"),
            WillRetryUntil = Now.AddDays(4),
        };
        string text = await WriteAsync(Request(notified) with { Style = NotificationStyle.Postfix });
        Assert.Contains($"Final-Recipient: rfc822; bad@far.test\r\nAction: {word}\r\nStatus: {written}\r\n", text, StringComparison.Ordinal);
        Assert.Equal(action is NotificationAction.Delayed, text.Contains("Will-Retry-Until: Wed, 25 Nov 2026 00:00:00", StringComparison.Ordinal));
    }

    [Fact]
    public void OpenSMTPD_keeps_the_code_of_its_own_verdicts()
    {
        NotifiedRecipient relayed = Failed("bad", 0, "5.4.7", "expired");
        Assert.Equal("5.4.7", DeliveryStatusPart.StatusOf(NotificationStyle.OpenSmtpd, relayed).ToString());
        NotifiedRecipient local = Failed("bad", 0, "5.3.0", "x") with { Recipient = To("bad") with { Target = new DeliveryTarget.User("bad") } };
        Assert.Equal("5.3.0", DeliveryStatusPart.StatusOf(NotificationStyle.OpenSmtpd, local).ToString());
    }

    [Fact]
    public async Task E26_an_SMTPUTF8_message_has_an_international_report()
    {
        StatusNotificationRequest request = Request(Failed("bad", 550, "5.1.1", "h\u00e9") with { Recipient = To("b\u00e9") });
        string ascii = await WriteAsync(request);
        Assert.Contains("Final-Recipient: utf-8; b\\x{E9}@far.test\r\n", ascii, StringComparison.Ordinal);
        Assert.True(Ascii.IsValid(ascii));
        string utf8 = await WriteAsync(request with { Original = request.Original with { SmtpUtf8 = true } });
        Assert.Contains("Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n", utf8, StringComparison.Ordinal);
        Assert.Contains("Final-Recipient: utf-8; b\u00e9@far.test\r\n", utf8, StringComparison.Ordinal);
        Assert.Contains("Content-Type: message/global-headers\r\n", utf8, StringComparison.Ordinal);
    }

    [Fact]
    public void E12_E15_nothing_a_peer_says_starts_a_field_or_a_part_and_lines_stay_short() =>
        Prop.ForAll<string, string>((said, host) =>
        {
            string evil = $"{said}\r\n--{Boundary}--\r\nX-Evil: 1 {new string('x', 3000)}";
            NotifiedRecipient notified = Failed("bad", 550, "5.1.1", evil);
            string text = WriteAsync(Request(notified with { Outcome = notified.Outcome with { RemoteMta = host + "\nX-Evil: 2" } })).GetAwaiter().GetResult();
            string[] lines = text.Split("\r\n");
            Assert.DoesNotContain(lines, line => line.StartsWith("X-Evil", StringComparison.Ordinal) || line.Length > 998 || line.AsSpan().ContainsAny('\r', '\n'));
            Assert.Equal(4, lines.Count(line => line.StartsWith("--" + Boundary, StringComparison.Ordinal)));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public async Task The_returned_header_is_cut_at_its_limit_and_read_in_any_pieces()
    {
        string header = "A: b\r\n" + string.Concat(Enumerable.Repeat("Received: from somewhere\r\n", 10_000)) + "\r\nbody";
        StatusNotificationRequest request = Request(Failed("bad", 550, "5.1.1", "x"));
        string text = await WriteAsync(request, header, 16 * 1024);
        Assert.Equal(request.MaximumReturnedHeader, Part(text, 2).Length - "Content-Description: Message header\r\nContent-Type: text/rfc822-headers\r\n\r\n".Length);
        Assert.Equal(await WriteAsync(request, Message, 1), await WriteAsync(request));
    }

    [Fact]
    public void Xtext_goes_both_ways() =>
        Prop.ForAll<string>(text =>
        {
            text = FieldText.Sanitize(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text ?? "")));
            Assert.True(Xtext.TryDecode(Xtext.Encode(text), int.MaxValue, out string decoded));
            Assert.Equal(text, decoded);
        }).QuickCheckThrowOnFailure();

    private static Recipient To(string local) =>
        new() { Key = 1, Original = new(local, "far.test"), Address = new(local, "far.test"), Action = "relay", Target = DeliveryTarget.Relay.Instance };

    private static NotifiedRecipient Failed(string local, int code, string status, string text)
    {
        Assert.True(EnhancedStatus.TryParse(status, out EnhancedStatus parsed));
        return new()
        {
            Recipient = To(local),
            Action = NotificationAction.Failed,
            Outcome = DeliveryOutcome.Failed(parsed, text) with { ReplyCode = code, RemoteMta = "mx.far.test" },
        };
    }

    private static StatusNotificationRequest Request(params ImmutableArray<NotifiedRecipient> recipients) => new()
    {
        Style = NotificationStyle.OpenSmtpd,
        ReportingHost = "mx.conform.test",
        Original = new Envelope
        {
            Id = new(1),
            Received = Now.AddDays(-1),
            ReversePath = new("alice", "mx.conform.test"),
            Recipients = [.. recipients.Select(r => r.Recipient)],
            Client = new ClientInfo { SessionId = 1, Address = IPAddress.Loopback },
        },
        To = new("alice", "mx.conform.test"),
        Recipients = recipients,
        Now = Now,
        Random = new UInt128(1, 42),
    };

    private static async Task<string> WriteAsync(StatusNotificationRequest request, string message = Message, int piece = 7)
    {
        byte[] octets = Encoding.UTF8.GetBytes(message);
        using var output = new MemoryStream();
        await StatusNotification.WriteAsync(
            request,
            (offset, buffer, _) =>
            {
                int length = (int)Math.Min(Math.Min(piece, buffer.Length), octets.Length - offset);
                octets.AsMemory((int)offset, length).CopyTo(buffer);
                return ValueTask.FromResult(length);
            },
            (written, cancellation) => output.WriteAsync(written, cancellation),
            CancellationToken.None);
        return Encoding.UTF8.GetString(output.ToArray());
    }

    private static string Part(string text, int index)
    {
        string part = text.Split("--" + Boundary)[index + 1];
        return part["\r\n".Length..^"\r\n".Length];
    }
}
