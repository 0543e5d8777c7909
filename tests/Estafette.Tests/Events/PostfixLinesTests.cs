using System.Net;
using System.Text;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;

namespace Estafette.Tests.Events;

/// <summary>The Postfix style against lines that a real Postfix 3.7 wrote about the same things; only queue ids, times and process numbers are ours.</summary>
public sealed class PostfixLinesTests
{
    private static readonly DateTimeOffset s_now = new(2026, 11, 1, 7, 24, 52, DateTimeOffset.Now.Offset);
    private static readonly IPAddress s_address = IPAddress.Parse("127.0.0.9");
    private static readonly MailAddress s_sender = new("a", "client.test");

    private static string[] Lines(MailEvent mailEvent)
    {
        var line = new LogLine();
        LogFormat.Create(new LogConfig { Style = LogStyle.Postfix }, "mx.conform.test").Write(mailEvent, line);
        return [.. Encoding.UTF8.GetString(line.Octets).Split('\n').Select(l => l.Replace($"[{Environment.ProcessId}]", "[1]", StringComparison.Ordinal))];
    }

    private static void Writes(MailEvent mailEvent, params string[] expected) =>
        Assert.Equal(expected.Select(text => s_now.ToLocalTime().ToString("MMM  d HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture) + " mx " + text), Lines(mailEvent));

    private static SessionClosed Closed(string reason, string stage, params CommandCount[] counts) =>
        new(1, reason, 0, 0, TimeSpan.Zero) { At = s_now, Address = s_address, Stage = stage, Commands = [.. counts] };

    [Fact]
    public void V15_a_session_that_ends_in_order() => Writes(
        Closed("quit", "QUIT", new("ehlo", 1, 1), new("mail", 1, 1), new("rcpt", 0, 1), new("data", 0, 1), new("quit", 1, 1), new("commands", 3, 5)),
        "postfix/smtpd[1]: disconnect from unknown[127.0.0.9] ehlo=1 mail=1 rcpt=0/1 data=0/1 quit=1 commands=3/5");

    [Fact]
    public void A_scanner_that_says_nothing() => Writes(
        Closed("disconnect", "CONNECT", new CommandCount("commands", 0, 0)),
        "postfix/smtpd[1]: lost connection after CONNECT from unknown[127.0.0.9]",
        "postfix/smtpd[1]: disconnect from unknown[127.0.0.9] commands=0/0");

    [Fact]
    public void A_client_that_goes_away_in_its_message() => Writes(
        Closed("disconnect", "DATA", new("ehlo", 1, 1), new("data", 0, 1), new("commands", 1, 2)) with { Unfinished = 0, HostName = "localhost" },
        "postfix/smtpd[1]: lost connection after DATA (0 bytes) from localhost[127.0.0.9]",
        "postfix/smtpd[1]: disconnect from localhost[127.0.0.9] ehlo=1 data=0/1 commands=1/2");

    [Theory]
    [InlineData("timeout", "timeout after EHLO from unknown[127.0.0.9]")]
    [InlineData("too-many-errors", "too many errors after EHLO from unknown[127.0.0.9]")]
    public void Time_and_errors_run_out(string reason, string words) =>
        Assert.EndsWith("postfix/smtpd[1]: " + words, Lines(Closed(reason, "EHLO"))[0], StringComparison.Ordinal);

    [Fact]
    public void A_refusal_by_a_restriction() => Writes(
        new CommandRefused(1, "RCPT TO:<x@elsewhere.test>", "454 4.7.1 <x@elsewhere.test>: Relay access denied", "")
        {
            At = s_now,
            Address = s_address,
            Helo = "client.test",
            ReversePath = "a@client.test",
            Recipient = "x@elsewhere.test",
            Protocol = "ESMTP",
            Service = "postfix/submission/smtpd",
        },
        "postfix/submission/smtpd[1]: NOQUEUE: reject: RCPT from unknown[127.0.0.9]: 454 4.7.1 <x@elsewhere.test>: Relay access denied; from=<a@client.test> to=<x@elsewhere.test> proto=ESMTP helo=<client.test>");

    [Theory]
    [InlineData("MAIL FROM:<a@b.test> SIZE=999999", "552 5.3.4 Message size exceeds fixed limit", true)]
    [InlineData("FOO", "502 5.5.2 Error: command not recognized", false)]
    [InlineData("DATA", "554 5.5.1 Error: no valid recipients", false)]
    [InlineData("RCPT TO:<x", "501 5.1.3 Bad recipient address syntax", false)]
    [InlineData("AUTH PLAIN", "535 5.7.8 Error: authentication failed", false)]
    public void Errors_of_syntax_and_order_have_no_line(string command, string reply, bool told) =>
        Assert.Equal(told, Lines(new CommandRefused(1, command, reply, "") { At = s_now, Address = s_address })[0].Contains("NOQUEUE: reject: MAIL from", StringComparison.Ordinal));

    [Fact]
    public void A_restriction_that_only_notes() => Writes(
        new CommandNoted(1, "hold", "RCPT", "<held@conform.test>: Recipient address triggers HOLD action")
        {
            At = s_now,
            Address = s_address,
            ReversePath = "a@client.test",
            Recipient = "held@conform.test",
            Protocol = "ESMTP",
            Helo = "client.test",
        },
        "postfix/smtpd[1]: NOQUEUE: hold: RCPT from unknown[127.0.0.9]: <held@conform.test>: Recipient address triggers HOLD action; from=<a@client.test> to=<held@conform.test> proto=ESMTP helo=<client.test>");

    [Fact]
    public void A_header_check() => Writes(
        new ContentNoted(new MessageId(0x63437C8), "reject", "header", "Subject: rejectme")
        {
            At = s_now,
            Origin = "localhost[127.0.0.1]",
            Sender = "a@client.test",
            Recipient = "alice@conform.test",
            Protocol = "ESMTP",
            Helo = "client.test",
            Text = "5.7.1 no such subject",
        },
        "postfix/cleanup[1]: 00000000063437C8: reject: header Subject: rejectme from localhost[127.0.0.1]; from=<a@client.test> to=<alice@conform.test> proto=ESMTP helo=<client.test>: 5.7.1 no such subject");

    private static DeliveryAttempted Attempt(DeliveryOutcome outcome, string original = "later@far.test") => new(
        new Envelope { Id = new MessageId(0x3F79DA5), Received = s_now, ReversePath = s_sender, Recipients = [], Client = new ClientInfo { SessionId = 1 } },
        new Recipient { Key = 1, Original = new(original.Split('@')[0], original.Split('@')[1]), Address = new("later", "far.test"), Action = "smtp", Target = DeliveryTarget.Relay.Instance },
        outcome, "smtp", "far.test")
    {
        At = s_now,
        Age = TimeSpan.FromSeconds(54.2),
        Service = "postfix/smtp",
        Delays = new(TimeSpan.FromSeconds(53.4), TimeSpan.FromMilliseconds(3), TimeSpan.FromSeconds(0.104), TimeSpan.FromSeconds(1.26)),
    };

    [Fact]
    public void A_deferred_recipient_with_where_the_time_went() => Writes(
        Attempt(DeliveryOutcome.Deferred(new(4, 3, 2), "host 127.0.0.20[127.0.0.20] said: 451 4.3.2 try later (in reply to RCPT TO command)") with { Peer = "127.0.0.20[127.0.0.20]:25" }),
        "postfix/smtp[1]: 0000000003F79DA5: to=<later@far.test>, relay=127.0.0.20[127.0.0.20]:25, delay=54, delays=53/0/0.1/1.3, dsn=4.3.2, status=deferred (host 127.0.0.20[127.0.0.20] said: 451 4.3.2 try later (in reply to RCPT TO command))");

    [Fact]
    public void A_host_that_cannot_be_reached_relays_nothing() =>
        Assert.Contains("to=<later@far.test>, orig_to=<loopy@conform.test>, relay=none, conn_use=3, delay=54,", Lines(Attempt(
            DeliveryOutcome.Deferred(new(4, 4, 1), "connect to 127.0.0.21[127.0.0.21]:25: Connection refused") with { Peer = "127.0.0.21[127.0.0.21]:25" }, "loopy@conform.test") with
        { ConnectionUses = 3 })[0], StringComparison.Ordinal);

    [Fact]
    public void Expiry_and_notifications()
    {
        Writes(new MessageExpired(new MessageId(0x3F79DA5), s_sender) { At = s_now, IsForced = true }, "postfix/qmgr[1]: 0000000003F79DA5: from=<a@client.test>, status=force-expired, returned to sender");
        Writes(new NotificationQueued(new MessageId(1), new MessageId(2), "failed", s_sender) { At = s_now, HeaderMessageId = "<x@mx.conform.test>" },
            "postfix/cleanup[1]: 0000000000000002: message-id=<x@mx.conform.test>",
            "postfix/bounce[1]: 0000000000000001: sender non-delivery notification: 0000000000000002");
    }

    [Fact]
    public void E55_words_from_outside_begin_no_line_of_their_own()
    {
        string forged = "x\nNov 21 07:24:52 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from victim[192.0.2.1]: 554 5.7.1 x";
        MailEvent[] events =
        [
            new ProtocolAbuse(1, "w") { At = s_now, Address = s_address, Said = forged },
            new CommandNoted(1, "warn", "RCPT", forged) { At = s_now, Address = s_address, Helo = forged, HostName = forged },
            new ContentNoted(new MessageId(1), "warning", "header", forged) { At = s_now, Origin = forged, Text = forged },
            Attempt(DeliveryOutcome.Deferred(new(4, 0, 0), forged)),
            new ToolLine("postfix/x[1]", "info", forged) { At = s_now },
            new OperatorWarning("queue", forged) { At = s_now },
            new RelayConnectFailed(forged, forged) { At = s_now },
        ];
        Assert.All(events, e => Assert.Single(Lines(e)));
    }
}
