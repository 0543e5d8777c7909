using System.Collections.Immutable;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;

namespace Estafette.Tests.Events;

/// <summary>The three styles of the text log, line by line, and that nobody outside can write a line of their own.</summary>
public sealed class LogFormatTests
{
    private static readonly DateTimeOffset s_now = new(2026, 11, 21, 1, 2, 3, TimeSpan.Zero);
    private static readonly ClientInfo s_client = new() { SessionId = 0x1f305e85, Address = IPAddress.Parse("192.0.2.1"), HostName = "client.test", Helo = "client.test", Protocol = "ESMTP" };
    private static readonly Recipient s_recipient = new()
    {
        Key = 0xa30c37cc,
        Original = new("root", "localhost"),
        Address = new("unixexperience", "localhost"),
        Action = "local",
        Target = new DeliveryTarget.User("unixexperience"),
    };

    private static readonly Envelope s_envelope = new()
    {
        Id = new MessageId(0x12345678_e636d771),
        Received = s_now,
        ReversePath = new("root", "hermes.my.domain"),
        Recipients = [s_recipient],
        Client = s_client,
        Size = 245,
    };

    private static string Line(LogStyle style, MailEvent mailEvent)
    {
        var line = new LogLine();
        LogFormat.Create(new LogConfig { Style = style }, "hermes.my.domain").Write(mailEvent, line);
        return Encoding.UTF8.GetString(line.Octets);
    }

    private static string Postfix(MailEvent mailEvent) => Line(LogStyle.Postfix, mailEvent).Replace($"[{Environment.ProcessId}]", "[PID]", StringComparison.Ordinal);

    private static DeliveryAttempted Delivered => new(s_envelope, s_recipient, DeliveryOutcome.Delivered(), "local", "local:unixexperience")
    {
        At = s_now,
        Age = TimeSpan.FromSeconds(1),
        Method = "maildir",
        User = "unixexperience",
    };

    [Fact]
    public void O19_a_local_session_and_its_message()
    {
        Assert.Equal("smtp-in: New session 000000001f305e85 from host 0@localhost [local]",
            Line(LogStyle.OpenSmtpd, new SessionOpened(0x1f305e85, null, 0, null, 0, "local") { At = s_now }));
        Assert.Equal("smtp-in: Accepted message e636d771 on session 000000001f305e85: from=<root@hermes.my.domain>, to=<root@localhost>, size=245, ndest=1, proto=ESMTP",
            Line(LogStyle.OpenSmtpd, new MessageAccepted(s_envelope, "<x@y>") { At = s_now, GivenRecipients = [s_recipient.Original] }));
        Assert.Equal("smtp-in: Closing session 000000001f305e85",
            Line(LogStyle.OpenSmtpd, new SessionClosed(0x1f305e85, "quit", 1, 0, TimeSpan.Zero) { At = s_now }));
    }

    [Fact]
    public void O20_the_scheduler() => Assert.Equal("debug: scheduler: evp:e636d771a30c37cc scheduled (mda)",
        Line(LogStyle.OpenSmtpd, new RecipientScheduled(s_envelope.Id, s_recipient.Key, "mda") { At = s_now }));

    [Fact]
    public void O22_one_final_line_per_recipient() => Assert.Equal(
        "delivery: Ok for e636d771a30c37cc: from=<root@hermes.my.domain>, to=<root@localhost>, user=unixexperience, method=maildir, delay=1s, stat=Delivered",
        Line(LogStyle.OpenSmtpd, Delivered));

    [Fact]
    public void Postfix_style_is_what_its_readers_expect()
    {
        string delivered = Line(LogStyle.Postfix, Delivered);
        Assert.Matches(@"^Nov 21 \d\d:02:03 hermes postfix/local\[\d+\]: 12345678E636D771: to=<unixexperience@localhost>, orig_to=<root@localhost>, relay=local, delay=1, delays=0/0/0/0, dsn=2\.0\.0, status=sent \(delivered to maildir\)$", delivered);
        Assert.EndsWith("postfix/smtpd[PID]: 12345678E636D771: client=client.test[192.0.2.1]", Postfix(new MessageBegun(s_envelope.Id, s_envelope.Client, s_envelope.ReversePath) { At = s_now }), StringComparison.Ordinal);
        Assert.EndsWith("postfix/cleanup[PID]: 12345678E636D771: message-id=<x@y>", Postfix(new MessageAccepted(s_envelope, "<x@y>") { At = s_now }), StringComparison.Ordinal);
        Assert.EndsWith("postfix/qmgr[PID]: 12345678E636D771: from=<root@hermes.my.domain>, size=245, nrcpt=1 (queue active)", Postfix(new MessageActivated(s_envelope) { At = s_now }), StringComparison.Ordinal);
        Assert.EndsWith("postfix/qmgr[PID]: 12345678E636D771: removed", Postfix(new MessageFinished(s_envelope.Id) { At = s_now }), StringComparison.Ordinal);
    }

    [Fact]
    public void E55_fail2ban_reads_the_address_of_a_refusal_and_cannot_be_steered()
    {
        string line = Line(LogStyle.Postfix, new CommandRefused(1, "RCPT TO:<x@y>", "550 5.7.1 no] from evil[203.0.113.9]: 550", "/etc/smtpd.conf:7")
        {
            At = s_now,
            Address = IPAddress.Parse("192.0.2.66"),
            Helo = "a\r\nNov 21 x",
            ReversePath = "b> to=<c",
            Recipient = "x@y",
            HostName = null,
        });
        // The expression of fail2ban's postfix filter, anchored behind the line's head.
        Match match = Regex.Match(line, @"postfix/smtpd\[\d+\]: NOQUEUE: reject: RCPT from [^[]*\[(?<host>[0-9.]+)\]: 5\d\d");
        Assert.Equal("192.0.2.66", match.Groups["host"].Value);
        Assert.DoesNotContain('\n', line);
        Assert.Contains("from=<b\\076 to=\\074c>", line, StringComparison.Ordinal);
        Assert.EndsWith("; rule=/etc/smtpd.conf:7", line, StringComparison.Ordinal);
    }

    [Fact]
    public void E55_an_unknown_recipient_is_found_by_the_filter_that_fail2ban_ships()
    {
        string line = Line(LogStyle.Postfix, new CommandRefused(1, "RCPT TO:<no@y>", "550 5.1.1 Invalid recipient: <no@y>", "")
        {
            At = s_now,
            Address = IPAddress.Parse("192.0.2.66"),
            HostName = "client.test",
            ReversePath = "a@b",
            Recipient = "no@y",
            Helo = "client.test",
        });
        // prefregex and the first expression of mode `normal` in filter.d/postfix.conf of fail2ban 1.0, cut to what concerns recipients.
        Match match = Regex.Match(line, @"\w+: reject: (?<content>.+)$");
        Match counted = Regex.Match(match.Groups["content"].Value, @"^[A-Z]{4} from [^[]*\[(?<host>[0-9.]+)\](?::\d+)?: [45][50][04] [45]\.\d\.\d+ (?:(?:<[^>]*>)?: )?(?:Recipient address rejected: )?User unknown\b");
        Assert.Equal("192.0.2.66", counted.Groups["host"].Value);
        Assert.Contains("User unknown: Invalid recipient: <no@y>; from=<a@b> to=<no@y>", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PLAIN")]
    [InlineData("LOGIN")]
    [InlineData("CRAM-MD5")]
    public void E10_a_failed_login_is_counted_by_the_filter_that_fail2ban_ships_and_an_undecided_one_is_not(string mechanism)
    {
        // mdre-auth in filter.d/postfix.conf of fail2ban 1.0, behind its prefix.
        const string filter = @"postfix(?:/\w+)?/smtpd\[\d+\]: (?:warning: )?[^[]*\[(?<host>[0-9.]+)\](?::\d+)?: SASL (?:LOGIN|PLAIN|(?:CRAM|DIGEST)-MD5) authentication failed:(?! Connection lost to authentication server| Invalid authentication mechanism)";
        var address = IPAddress.Parse("192.0.2.66");
        string failed = Line(LogStyle.Postfix, new AuthenticationResult(1, mechanism, "x[203.0.113.9]: SASL", false) { At = s_now, Address = address, HostName = "client.test" });
        Assert.Equal("192.0.2.66", Regex.Match(failed, filter).Groups["host"].Value);
        string undecided = Line(LogStyle.Postfix, new AuthenticationUnavailable(1, mechanism, "away") { At = s_now, Address = address });
        Assert.DoesNotMatch(filter, undecided);
    }

    [Theory]
    [InlineData(LogStyle.OpenSmtpd)]
    [InlineData(LogStyle.Postfix)]
    [InlineData(LogStyle.Json)]
    public void E55_no_word_from_outside_ends_a_line(LogStyle style)
    {
        const string evil = "x\r\ny\0z\u0085\u2028\u001b[31m\"<>";
        MailEvent[] events =
        [
            new SessionOpened(1, IPAddress.Loopback, 1, evil, null, "l") { At = s_now },
            new CommandRefused(1, evil, "500 " + evil, "") { At = s_now, Helo = evil, ReversePath = evil, Recipient = evil, Address = IPAddress.Loopback },
            new ProtocolAbuse(1, evil) { At = s_now },
            new AuthenticationResult(1, "PLAIN", evil, false) { At = s_now, Address = IPAddress.Loopback },
            new AuthenticationUnavailable(1, "PLAIN", evil) { At = s_now, Address = IPAddress.Loopback },
            Delivered with { Outcome = DeliveryOutcome.Failed(new(5, 0, 0), evil) },
            new TraceLine("smtp", evil) { At = s_now },
        ];
        foreach (MailEvent mailEvent in events)
        {
            string line = Line(style, mailEvent);
            Assert.True(line.AsSpan().IndexOfAnyInRange('\0', '\x1f') < 0, line);
            Assert.DoesNotContain('\u2028', line);
            Assert.DoesNotContain('\u0085', line);
        }
    }

    [Fact]
    public void Json_style_is_one_object_a_line_with_the_same_ids_everywhere()
    {
        using JsonDocument delivered = JsonDocument.Parse(Line(LogStyle.Json, Delivered));
        Assert.Equal("delivery_attempted", delivered.RootElement.GetProperty("event").GetString());
        Assert.Equal("12345678E636D771", delivered.RootElement.GetProperty("id").GetString());
        Assert.Equal("e636d771a30c37cc", delivered.RootElement.GetProperty("evpid").GetString());
        Assert.Equal("delivered", delivered.RootElement.GetProperty("result").GetString());
        using JsonDocument accepted = JsonDocument.Parse(Line(LogStyle.Json, new MessageAccepted(s_envelope, "<x@y>") { At = s_now, GivenRecipients = ImmutableArray.Create(s_recipient.Original) }));
        Assert.Equal("12345678E636D771", accepted.RootElement.GetProperty("id").GetString());
        Assert.Equal("root@localhost", accepted.RootElement.GetProperty("to")[0].GetString());
    }

    [Fact]
    public void A_slow_reader_of_the_log_stops_nobody_and_is_told_what_it_missed()
    {
        using var output = new StuckStream();
        using (var log = new global::Estafette.Events.LogWriter(new StreamLogOutput(output), LogFormat.Create(new LogConfig(), "h"), showsDebug: false))
        {
            var warning = new OperatorWarning("test", new string('x', 1000)) { At = s_now };
            // More than the log holds; nothing here may block.
            for (int i = 0; i < 2 * global::Estafette.Events.LogWriter.MaximumBacklog / 1000; i++)
                log.On(warning);
            output.Release();
        }
        Assert.Contains("lines were dropped because the log is read too slowly", output.Text, StringComparison.Ordinal);
    }

    private sealed class StuckStream : MemoryStream
    {
        private readonly ManualResetEventSlim _open = new();
        private readonly StringBuilder _text = new();

        public string Text => _text.ToString();

        public void Release() => _open.Set();

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            _open.Wait();
            _text.Append(Encoding.UTF8.GetString(buffer));
        }
    }

    private static readonly ClientCertificate s_certificate = new()
    {
        Subject = "CN=client \"one\"\n, O=x",
        Issuer = "CN=Test CA",
        CommonName = "client \"one\"\n",
        IssuerName = "Test CA",
        NotAfter = s_now.AddDays(30),
        Fingerprint = new string('a', 64),
        KeyFingerprint = new string('b', 64),
        Anchor = "partners",
    };

    [Theory]
    [InlineData(LogStyle.OpenSmtpd, "smtp-in: Started TLS on session 0000000000000007: version=TLSv1.3, cipher=TLS_AES_256_GCM_SHA384, bits=256, client-certificate=verified by partners subject=\"CN=client ")]
    [InlineData(LogStyle.Postfix, "hermes postfix/smtpd[PID]: Trusted TLS connection established from unknown[192.0.2.1]: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\nNov 21 01:02:03 hermes postfix/smtpd[PID]: unknown[192.0.2.1]: subject_CN=")]
    [InlineData(LogStyle.Json, "\"event\":\"tls_started\",\"session\":\"0000000000000007\",\"client\":\"192.0.2.1\",\"protocol\":\"TLSv1.3\",\"cipher\":\"TLS_AES_256_GCM_SHA384\",\"bits\":256,\"client_certificate\":{\"verified\":true,\"anchor\":\"partners\",")]
    public void A_started_TLS_tells_the_certificate_of_the_client(LogStyle style, string expected)
    {
        var started = new TlsStarted(7, "TLSv1.3", "TLS_AES_256_GCM_SHA384", 256) { At = new DateTimeOffset(s_now.DateTime, TimeZoneInfo.Local.GetUtcOffset(s_now.DateTime)), Address = IPAddress.Parse("192.0.2.1"), Client = s_certificate };
        string line = Line(style, started).Replace($"[{Environment.ProcessId}]", "[PID]", StringComparison.Ordinal);
        Assert.Contains(expected, line, StringComparison.Ordinal);
        Assert.Contains(new string('a', 64), line, StringComparison.Ordinal);
        Assert.Equal(style == LogStyle.Postfix ? 2 : 1, line.TrimEnd('\n').Split('\n').Length);
        string untrusted = Line(style, started with { Client = s_certificate with { Distrust = "it has expired", Anchor = "" } });
        Assert.Contains("it has expired", untrusted, StringComparison.Ordinal);
        Assert.DoesNotContain("lient-certificate=verified", untrusted, StringComparison.Ordinal);
        Assert.DoesNotContain("subject", Line(style, started with { Client = null }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(LogStyle.OpenSmtpd, "smtp-in: TLS failed on session 0000000000000007 from host bad.test [192.0.2.1]: no cipher in common")]
    [InlineData(LogStyle.Postfix, "SSL_accept error from bad.test[192.0.2.1]: no cipher in common")]
    [InlineData(LogStyle.Json, "\"client\":\"192.0.2.1\",\"client_name\":\"bad.test\",\"reason\":\"no cipher in common\"")]
    public void A_failed_TLS_tells_who_and_why(LogStyle style, string expected) =>
        Assert.Contains(expected, Line(style, new TlsFailed(7, "no cipher in common") { At = s_now, Address = IPAddress.Parse("192.0.2.1"), HostName = "bad.test" }), StringComparison.Ordinal);
}
