using System.Buffers;
using System.Net;
using System.Text;
using Estafette.Mail;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Mail;

public sealed class TraceFieldsTests
{
    private static readonly DateTimeOffset Midnight = new(2026, 11, 21, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void OpenSmtpd_names_client_server_id_and_the_single_recipient() =>
        Assert.Equal(
            "Received: from client.test (mx.conform.test [127.0.0.1])\r\n\tby mx.conform.test (OpenSMTPD) with ESMTP id 1a2b3c4d\r\n\tfor <alice@mx.conform.test>;\r\n\tSat, 21 Nov 2026 00:00:00 +0000 (UTC)\r\n",
            Received(TraceStyle.OpenSmtpd, Trace(Network()) with { For = new("alice", "mx.conform.test") }));

    [Fact]
    public void OpenSmtpd_tells_TLS_after_the_id() =>
        Assert.Equal(
            "Received: from client.test (mx.conform.test [127.0.0.1])\r\n\tby mx.conform.test (OpenSMTPD) with ESMTPSA id 1a2b3c4d (TLSv1.3:TLS_AES_256_GCM_SHA384:256:NO);\r\n\tSat, 21 Nov 2026 00:00:00 +0000 (UTC)\r\n",
            Received(TraceStyle.OpenSmtpd, Trace(Network() with { Protocol = "ESMTPSA", TlsProtocol = "TLSv1.3", TlsCipher = "TLS_AES_256_GCM_SHA384", TlsBits = 256 })));

    [Theory]
    [InlineData(TraceStyle.OpenSmtpd, "from client.test (<unknown> [127.0.0.1])")]
    [InlineData(TraceStyle.OpenSmtpdOld, "from client.test (127.0.0.1 [127.0.0.1])")]
    [InlineData(TraceStyle.Postfix, "from client.test (unknown [127.0.0.1])")]
    public void A_client_without_a_reverse_name_is_told_as_the_dialect_does(TraceStyle style, string expected) =>
        Assert.Contains(expected, Received(style, Trace(Network() with { HostName = null })), StringComparison.Ordinal);

    [Fact]
    public void Local_submission_reads_as_in_the_tutorial() =>
        Assert.StartsWith(
            "Received: from localhost (mx.conform.test [local])\r\n\tby mx.conform.test (OpenSMTPD) with ESMTPA id 1a2b3c4d;\r\n",
            Received(TraceStyle.OpenSmtpd, Trace(new ClientInfo { SessionId = 1, Protocol = "ESMTPA", LocalUid = 1000, Helo = "localhost" })), StringComparison.Ordinal);

    [Fact]
    public void E30_postfix_style_tells_the_submitters_uid() =>
        Assert.StartsWith(
            "Received: by mx.conform.test (Postfix, from userid 1000)\r\n\tid 000000011A2B3C4D; ",
            Received(TraceStyle.Postfix, Trace(new ClientInfo { SessionId = 1, LocalUid = 1000 })), StringComparison.Ordinal);

    [Fact]
    public void P21_postfix_style_tells_TLS_on_lines_of_its_own() =>
        Assert.Contains(
            "\r\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\r\n\t(No client certificate requested)\r\n\tby mx.conform.test (Postfix) with ESMTPS id ",
            Received(TraceStyle.Postfix, Trace(Network() with { Protocol = "ESMTPS", TlsProtocol = "TLSv1.3", TlsCipher = "TLS_AES_256_GCM_SHA384", TlsBits = 256 })), StringComparison.Ordinal);

    [Fact]
    public void E56_a_masked_source_leaves_no_trace_of_the_client()
    {
        foreach (TraceStyle style in Enum.GetValues<TraceStyle>())
        {
            string text = Received(style, Trace(Network()) with { MaskSource = true });
            Assert.DoesNotContain("127.0.0.1", text, StringComparison.Ordinal);
            Assert.DoesNotContain("client.test", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_IPv6_client_is_written_as_a_tagged_literal_and_a_mapped_one_as_IPv4()
    {
        Assert.Contains("[IPv6:2001:db8::1]", Received(TraceStyle.OpenSmtpd, Trace(Network() with { Address = IPAddress.Parse("2001:db8::1") })), StringComparison.Ordinal);
        Assert.Contains("[192.0.2.1]", Received(TraceStyle.OpenSmtpd, Trace(Network() with { Address = IPAddress.Parse("::ffff:192.0.2.1") })), StringComparison.Ordinal);
    }

    [Fact]
    public void Return_path_and_delivered_to_follow_the_dialect()
    {
        MailAddress a = new("a", "client.test");
        Assert.Equal("Return-Path: <a@client.test>\r\n", Text(o => TraceFields.WriteReturnPath(o, TraceStyle.OpenSmtpd, a)));
        Assert.Equal("Return-Path: a@client.test\r\n", Text(o => TraceFields.WriteReturnPath(o, TraceStyle.OpenSmtpdOld, a)));
        Assert.Equal("", Text(o => TraceFields.WriteReturnPath(o, TraceStyle.OpenSmtpd, MailAddress.Null)));
        Assert.Equal("Return-Path: <>\r\n", Text(o => TraceFields.WriteReturnPath(o, TraceStyle.Postfix, MailAddress.Null)));
        Assert.Equal("Delivered-To: Root@localhost\r\n", Text(o => TraceFields.WriteDeliveredTo(o, new("Root", "localhost"))));
        Assert.Equal("X-Original-To: bob@x\r\n", Text(o => TraceFields.WriteOriginalTo(o, new("bob", "x"))));
    }

    [Fact]
    public void E15_E55_nothing_the_client_says_starts_a_line() =>
        Prop.ForAll<string, string, string>((helo, name, local) =>
        {
            foreach (TraceStyle style in Enum.GetValues<TraceStyle>())
            {
                ClientInfo client = Network() with { Helo = (helo ?? "") + "\r\nX-Evil: 1", HostName = (name ?? "") + "\nX-Evil: 2", TlsProtocol = "T\rX", TlsCipher = "\u0085" };
                var certificate = new ClientCertificate { Subject = "", Issuer = "", CommonName = "c\r\nX-Evil: 3\")(" + name, IssuerName = helo ?? "", Fingerprint = "", KeyFingerprint = "" };
                string text = Received(style, Trace(client) with { ClientCertificate = certificate, For = new((local ?? "") + "\r\n\r\nbody", "x") });
                string[] lines = text.Split("\r\n");
                Assert.All(lines[1..^1], line => Assert.StartsWith("\t", line, StringComparison.Ordinal));
                Assert.DoesNotContain(lines, line => line.AsSpan().ContainsAny('\r', '\n', '\u0085'));
            }
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(2, "Sun, 5 Jan 2025 03:04:05 +0200")]
    [InlineData(-5, "Sun, 5 Jan 2025 03:04:05 -0500")]
    [InlineData(0, "Sun, 5 Jan 2025 03:04:05 +0000 (UTC)")]
    public void Dates_are_those_of_RFC_5322(int hours, string expected) =>
        Assert.Equal(expected, HeaderDate.Format(new DateTimeOffset(2025, 1, 5, 3, 4, 5, TimeSpan.FromHours(hours))));

    [Fact]
    public void A_message_id_is_bracketed_and_carries_the_host() =>
        Assert.Matches("^<[0-9a-f]{16}@mx\\.test>$", MessageIdField.Generate("mx.test"));

    private static ClientInfo Network() =>
        new() { SessionId = 1, Address = IPAddress.Loopback, HostName = "mx.conform.test", Helo = "client.test", Protocol = "ESMTP" };

    private static ReceivedTrace Trace(ClientInfo client) =>
        new() { Client = client, ByHost = "mx.conform.test", Id = new(0x11a2b3c4d), Time = Midnight };

    private static string Received(TraceStyle style, ReceivedTrace trace) => Text(o => TraceFields.WriteReceived(o, style, trace));

    private static string Text(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
