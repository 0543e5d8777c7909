using System.Globalization;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Attacks;

/// <summary>Octets that no honest client sends, against the running daemon.</summary>
public sealed class WireAttackTests
{
    /// <summary>What other servers took, or take, for the end of a message (CVE-2023-51764, -51765, -51766).</summary>
    private static readonly string[] s_falseEnds =
    [
        "\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r.\r\n", "\n.\r", "\r.\n", "\r\n\0.\r\n", "\r\n.\0\r\n", "\r\r\n.\r\r\n", "\r\n.\r\r\n",
    ];

    [Fact]
    public async Task E1_E2_E3_only_crlf_dot_crlf_ends_a_message()
    {
        await using Target target = await Target.StartAsync();
        await Parallel.ForEachAsync(s_falseEnds, async (end, _) =>
        {
            await using RawSmtp client = await RawSmtp.GreetedAsync(target.Port);
            await client.BeginDataAsync("a@client.test", "victim@mx.test");
            await client.WriteAsync("Subject: outer\r\n\r\nouter" + end + "MAIL FROM:<boss@mx.test>\r\nRCPT TO:<victim@mx.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nsmuggled\r\n.\r\nQUIT\r\n");
            string answers = await client.RestAsync();
            string[] lines = answers.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.True(lines[0].StartsWith("550", StringComparison.Ordinal), $"{Show(end)}: {answers}");
            Assert.DoesNotContain(lines, l => l.StartsWith("250", StringComparison.Ordinal) || l.StartsWith("354", StringComparison.Ordinal));
        });
        await target.AssertServesAsync();
        Assert.Single(target.Sink.Messages);
    }

    [Fact]
    public async Task E1_local_submission_mends_line_ends_and_never_lets_them_end_a_message()
    {
        await using Target target = await Target.StartAsync();
        foreach (string end in s_falseEnds.Where(e => !e.Contains('\0', StringComparison.Ordinal)))
        {
            await using RawSmtp client = await RawSmtp.ConnectUnixAsync(Path.Combine(target.Daemon.State, "public", "submission.sock"));
            await client.ReplyAsync();
            await client.AskAsync("EHLO localhost");
            await client.BeginDataAsync("a@client.test", "victim@mx.test");
            await client.WriteAsync("Subject: outer\r\n\r\nouter" + end + "MAIL FROM:<boss@mx.test>\r\nRCPT TO:<victim@mx.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nsmuggled\r\n.\r\nQUIT\r\n");
            string answers = await client.RestAsync();
            Assert.True(answers.Split('\n', StringSplitOptions.RemoveEmptyEntries) is [['2', '5', '0', ..], ['2', '2', '1', ..]], $"{Show(end)}: {answers}");
        }
        await target.Daemon.UntilQueueIsEmptyAsync();
        Assert.All(target.Sink.Messages, m => Assert.Contains("Subject: outer", m, StringComparison.Ordinal));
        await target.AssertServesAsync();
    }

    [Fact]
    public async Task E5_what_was_pipelined_after_starttls_is_never_executed()
    {
        await using Target target = await Target.StartAsync("pki mx.test cert \"@DIR@/cert.pem\"\npki mx.test key \"@DIR@/key.pem\"", "tls pki mx.test", Certificates.Write);
        await using RawSmtp client = await RawSmtp.GreetedAsync(target.Port);
        await client.WriteAsync("STARTTLS\r\nMAIL FROM:<injected@client.test>\r\nRCPT TO:<victim@mx.test>\r\n");
        Assert.StartsWith("220", await client.ReplyAsync(), StringComparison.Ordinal);
        await client.StartTlsAsync();
        // Back at the beginning: neither the injected MAIL nor the earlier EHLO counts.
        Assert.StartsWith("503", await client.AskAsync("RCPT TO:<victim@mx.test>"), StringComparison.Ordinal);
        string hello = await client.AskAsync("EHLO attacker.test");
        Assert.DoesNotContain("STARTTLS", hello, StringComparison.Ordinal);
        await client.BeginDataAsync("a@client.test", "victim@mx.test");
        Assert.StartsWith("250", await client.AskAsync("Subject: x\r\n\r\nx\r\n."), StringComparison.Ordinal);
        await target.AssertServesAsync();
        Assert.DoesNotContain(target.Sink.Messages, m => m.Contains("injected", StringComparison.Ordinal));
        Assert.Contains("plaintext pipelined after STARTTLS", target.Daemon.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task E5_garbage_in_place_of_a_handshake_costs_one_session()
    {
        await using Target target = await Target.StartAsync("pki mx.test cert \"@DIR@/cert.pem\"\npki mx.test key \"@DIR@/key.pem\"", "tls pki mx.test", Certificates.Write);
        foreach (string garbage in (string[])["\u0016\u0003\u0001\u00ff\u00ff" + new string('x', 5000), "GET / HTTP/1.0\r\n\r\n", "\u0080\u00ff\u00ff", "\u0016\u0003\u0001\0\u0005\u0001\0\0\u0001\0"])
        {
            await using RawSmtp client = await RawSmtp.GreetedAsync(target.Port);
            Assert.StartsWith("220", await client.AskAsync("STARTTLS"), StringComparison.Ordinal);
            await client.WriteAsync(garbage);
            client.EndWriting();
            await client.RestAsync();
        }
        await target.AssertServesAsync();
    }

    [Fact]
    public async Task E21_a_huge_header_and_ten_thousand_Received_are_refused()
    {
        await using Target target = await Target.StartAsync();
        string[] headers =
        [
            string.Concat(Enumerable.Range(0, 10_000).Select(i => string.Create(CultureInfo.InvariantCulture, $"Received: from a{i} by b; Thu, 1 Jan 2026 00:00:00 +0000\r\n"))),
            string.Concat(Enumerable.Range(0, 20_000).Select(i => string.Create(CultureInfo.InvariantCulture, $"X-{i}: y\r\n"))),
            "X-Long: a\r\n" + string.Concat(Enumerable.Repeat(" " + new string('b', 900) + "\r\n", 2000)),
            string.Concat(Enumerable.Repeat("To: <" + new string('(', 20_000) + ">\r\n", 30)) + string.Concat(Enumerable.Repeat("X: " + new string('z', 900) + "\r\n", 1200)),
        ];
        foreach (string header in headers)
        {
            await using RawSmtp client = await RawSmtp.GreetedAsync(target.Port);
            await client.BeginDataAsync("a@client.test", "victim@mx.test");
            await client.WriteAsync(header + "\r\nbody\r\n.\r\n");
            Assert.StartsWith("554", await client.ReplyAsync(), StringComparison.Ordinal);
            // The session goes on.
            Assert.StartsWith("250", await client.AskAsync("NOOP"), StringComparison.Ordinal);
        }
        await target.AssertServesAsync();
    }

    [Fact]
    public async Task E21_deep_nesting_in_header_and_body_is_harmless()
    {
        await using Target target = await Target.StartAsync();
        string nested = string.Concat(Enumerable.Range(0, 3000).Select(i => string.Create(CultureInfo.InvariantCulture, $"Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n")));
        foreach (string message in (string[])["From: " + new string('(', 500_000) + "\r\nTo: " + new string('<', 300_000) + "\r\n\r\nx\r\n", "MIME-Version: 1.0\r\n" + nested + "\r\nGr\u00fc\u00dfe\r\n"])
        {
            await using RawSmtp client = await RawSmtp.GreetedAsync(target.Port);
            Assert.StartsWith("250", await client.AskAsync("MAIL FROM:<a@client.test> BODY=8BITMIME"), StringComparison.Ordinal);
            await client.AskAsync("RCPT TO:<victim@mx.test>");
            await client.AskAsync("DATA");
            Assert.Matches("^(250|55[0-9])", await client.AskAsync(message + "."));
        }
        await target.AssertServesAsync();
    }

    [Fact]
    public async Task E19_E20_NUL_and_endless_lines()
    {
        await using Target target = await Target.StartAsync();
        await using (RawSmtp client = await RawSmtp.GreetedAsync(target.Port))
        {
            Assert.StartsWith("500", await client.AskAsync("MAIL FROM:<a\0b@client.test>"), StringComparison.Ordinal);
            Assert.StartsWith("500", await client.AskAsync("\0\0\0"), StringComparison.Ordinal);
            Assert.StartsWith("500", await client.AskAsync("MAIL FROM:<" + new string('a', 100_000) + "@client.test>"), StringComparison.Ordinal);
            Assert.StartsWith("250", await client.AskAsync("NOOP"), StringComparison.Ordinal);
            foreach (string message in (string[])["Subject: \0\r\n\r\nx", "Subject: x\r\n\r\nbo\0dy", "Subject: x\r\n\r\n" + new string('l', 2_000_000)])
            {
                await client.BeginDataAsync("a@client.test", "victim@mx.test");
                Assert.StartsWith("550", await client.AskAsync(message + "\r\n."), StringComparison.Ordinal);
            }
        }
        // A command that never ends: the server stops reading long before its memory notices.
        await using (RawSmtp client = await RawSmtp.GreetedAsync(target.Port))
        {
            string piece = new('x', 64 << 10);
            int written = 0;
            while (written < 64 << 20 && await client.WriteAsync(piece))
                written += piece.Length;
            Assert.True(written < 64 << 20, "the server read an endless command");
        }
        await target.AssertServesAsync();
    }

    [Fact]
    public async Task E48_BDAT_of_impossible_sizes_and_orders()
    {
        await using Target target = await Target.StartAsync();
        string[] sizes = ["99999999999999999999999999", "9223372036854775807 LAST", "18446744073709551615", "4294967296", "-1", "0x10", "+5", "", "5 FIRST", "5 LAST LAST", "1e3"];
        await Parallel.ForEachAsync(sizes, async (size, _) =>
        {
            await using RawSmtp client = await RawSmtp.GreetedAsync(target.Port);
            await client.AskAsync("MAIL FROM:<a@client.test>");
            await client.AskAsync("RCPT TO:<victim@mx.test>");
            await client.WriteAsync($"BDAT {size}\r\nMAIL FROM:<b@client.test>\r\nQUIT\r\n");
            string answers = await client.RestAsync();
            Assert.True(answers.StartsWith('5') && answers.Count(c => c == '\n') == 1, $"BDAT {size}: {answers}");
        });
        // Octets of a refused chunk are not commands (CVE-2020-28019).
        await using (RawSmtp client = await RawSmtp.GreetedAsync(target.Port))
        {
            await client.AskAsync("MAIL FROM:<a@client.test>");
            Assert.StartsWith("550", await client.AskAsync("RCPT TO:<a@elsewhere.test>"), StringComparison.Ordinal);
            const string inner = "RSET\r\nQUIT\r\n";
            await client.WriteAsync($"BDAT {inner.Length} LAST\r\n{inner}NOOP\r\n");
            Assert.StartsWith("503", await client.ReplyAsync(), StringComparison.Ordinal);
            Assert.StartsWith("250", await client.ReplyAsync(), StringComparison.Ordinal);
        }
        // A chunk of a lone dot (CVE-2017-16944), split everywhere, is text.
        await using (RawSmtp client = await RawSmtp.GreetedAsync(target.Port))
        {
            await client.AskAsync("MAIL FROM:<a@client.test>");
            await client.AskAsync("RCPT TO:<victim@mx.test>");
            await client.WriteAsync("BDAT 16\r\nSubject: dots\r\n\r");
            Assert.StartsWith("250", await client.ReplyAsync(), StringComparison.Ordinal);
            await client.WriteAsync("BDAT 2\r\n\n.BDAT 0\r\nBDAT 3\r\n\r\n.BDAT 0\r\nBDAT 2 LAST\r\n\r\n");
            for (int i = 0; i < 5; i++)
                Assert.StartsWith("250", await client.ReplyAsync(), StringComparison.Ordinal);
        }
        await target.AssertServesAsync();
        await Wait.UntilAsync(() => target.Sink.Messages.Any(IsOfDots), "the message of dots arrives whole");

        static bool IsOfDots(string m) => m.Contains("Subject: dots\n", StringComparison.Ordinal) && m.TrimEnd().EndsWith("\n\n.\n.", StringComparison.Ordinal);
    }

    [Fact]
    public async Task E47_floods_of_junk_errors_and_recipients_end()
    {
        await using Target target = await Target.StartAsync("limit junk-commands 10\nlimit errors 5\nlimit recipients 3");
        await using (RawSmtp client = await RawSmtp.GreetedAsync(target.Port))
        {
            await client.WriteAsync(string.Concat(Enumerable.Repeat("NOOP\r\nRSET\r\nVRFY x\r\nHELP\r\n", 50)));
            Assert.Contains("\n421 4.7.0 mx.test Too many commands", "\n" + await client.RestAsync(), StringComparison.Ordinal);
        }
        await using (RawSmtp client = await RawSmtp.GreetedAsync(target.Port))
        {
            await client.WriteAsync(string.Concat(Enumerable.Repeat("XYZZY\r\n", 50)));
            Assert.Contains("\n421 4.7.0 mx.test Too many errors", "\n" + await client.RestAsync(), StringComparison.Ordinal);
        }
        await using (RawSmtp client = await RawSmtp.GreetedAsync(target.Port))
        {
            await client.AskAsync("MAIL FROM:<a@client.test>");
            for (int i = 0; i < 3; i++)
                Assert.StartsWith("250", await client.AskAsync($"RCPT TO:<r{i}@mx.test>"), StringComparison.Ordinal);
            Assert.StartsWith("452 4.5.3", await client.AskAsync("RCPT TO:<r4@mx.test>"), StringComparison.Ordinal);
            Assert.StartsWith("354", await client.AskAsync("DATA"), StringComparison.Ordinal);
            Assert.StartsWith("250", await client.AskAsync("Subject: three\r\n\r\nx\r\n."), StringComparison.Ordinal);
        }
        await target.AssertServesAsync();
        Assert.Equal(2, target.Sink.Messages.Count);
    }

    [Fact]
    public async Task A_browser_and_random_octets_get_nothing()
    {
        await using Target target = await Target.StartAsync();
        await using (RawSmtp client = await RawSmtp.ConnectAsync(target.Port))
        {
            await client.WriteAsync("POST / HTTP/1.1\r\nHost: mx.test\r\n\r\nMAIL FROM:<a@client.test>\r\nRCPT TO:<b@mx.test>\r\nDATA\r\n");
            Assert.DoesNotContain("354", await client.RestAsync(), StringComparison.Ordinal);
        }
        var random = new Random(2026);
        for (int round = 0; round < 40; round++)
        {
            await using RawSmtp client = await RawSmtp.ConnectAsync(target.Port);
            byte[] noise = new byte[random.Next(1, 8192)];
            random.NextBytes(noise);
            await client.WriteAsync((round % 2 == 0 ? "" : "EHLO x\r\nMAIL FROM:<a@client.test>\r\nRCPT TO:<b@mx.test>\r\nBDAT 100000\r\n") + System.Text.Encoding.Latin1.GetString(noise));
            client.EndWriting();
            await client.RestAsync();
        }
        await target.AssertServesAsync();
    }

    private static string Show(string octets) => octets.Replace("\r", "<CR>", StringComparison.Ordinal).Replace("\n", "<LF>", StringComparison.Ordinal).Replace("\0", "<NUL>", StringComparison.Ordinal);
}
