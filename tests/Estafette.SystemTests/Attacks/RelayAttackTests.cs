using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Attacks;

/// <summary>Strangers who want to send elsewhere through us, and who want to write our log.</summary>
public sealed class RelayAttackTests
{
    private const string Configuration = """
        listen on 127.0.0.1 port @PORT@ hostname mx.test
        action "in" relay host smtp://127.0.0.1:9
        action "out" relay host smtp://127.0.0.1:9
        match from any for domain mx.test action "in"
        match from src 127.0.0.1 for any action "out"
        """;

    [Fact]
    public async Task E27_no_spelling_of_an_address_relays_for_a_stranger()
    {
        await using Daemon daemon = await Daemon.StartAsync(Configuration);
        foreach (string recipient in (string[])
        [
            "victim@elsewhere.test", "victim%elsewhere.test@mx.test", "elsewhere.test!victim@mx.test", "@mx.test:victim@elsewhere.test", "@a.test,@mx.test:victim@elsewhere.test",
            "\"victim@elsewhere.test\"@mx.test", "\"victim%elsewhere.test\"@mx.test", "victim@elsewhere.test@mx.test", "victim@mx.test@elsewhere.test", "victim@[192.0.2.1]", "victim@elsewhere.test.", "victim",
            "victim@mx.test\\@elsewhere.test", "victim@mx.test (x)@elsewhere.test", "victim@elsewhere.test\u00a0@mx.test", "victim@localhost", "\"\\\r\"@elsewhere.test", "|/bin/sh@elsewhere.test", "/etc/passwd",
        ])
        {
            await using RawSmtp client = await RawSmtp.GreetedAsync(daemon.Port, "127.0.0.9");
            await client.AskAsync("MAIL FROM:<a@stranger.test>");
            string reply = await client.AskAsync($"RCPT TO:<{recipient}>");
            // With our own domain at the end, or none, it may be taken, and then it stays with us: the local part is never read as another address.
            if (!reply.StartsWith('5'))
            {
                Assert.True(!recipient.Contains('@', StringComparison.Ordinal) || recipient.EndsWith("@mx.test", StringComparison.Ordinal), recipient + ": " + reply);
                Assert.StartsWith("354", await client.AskAsync("DATA"), StringComparison.Ordinal);
                Assert.StartsWith("250", await client.AskAsync("Subject: x\r\n\r\nx\r\n."), StringComparison.Ordinal);
            }
        }
        Assert.All(await daemon.QueueAsync(), q => Assert.EndsWith("@mx.test", q.Split('|')[6], StringComparison.Ordinal));
    }

    [Fact]
    public async Task E27_a_source_route_loses_its_route()
    {
        await using Daemon daemon = await Daemon.StartAsync(Configuration);
        await using RawSmtp client = await RawSmtp.GreetedAsync(daemon.Port, "127.0.0.9");
        await client.AskAsync("MAIL FROM:<@x.test,@y.test:a@stranger.test>");
        Assert.StartsWith("250", await client.AskAsync("RCPT TO:<@elsewhere.test:user@mx.test>"), StringComparison.Ordinal);
        await client.AskAsync("DATA");
        Assert.StartsWith("250", await client.AskAsync("Subject: x\r\n\r\nx\r\n."), StringComparison.Ordinal);
        string[] entry = Assert.Single(await daemon.QueueAsync()).Split('|');
        Assert.Equal(("a@stranger.test", "user@mx.test"), (entry[4], entry[5]));
    }

    [Theory]
    [InlineData("opensmtpd")]
    [InlineData("postfix")]
    [InlineData("json")]
    public async Task E55_clients_write_no_lines_of_the_log(string style)
    {
        await using Daemon daemon = await Daemon.StartAsync(Configuration + "\nlog style " + style);
        const string forged = "FORGED";
        await using (RawSmtp client = await RawSmtp.ConnectAsync(daemon.Port, "127.0.0.9"))
        {
            await client.ReplyAsync();
            // Lone CR, LF, escape sequences, C1 controls (raw and in UTF-8), the line separator, and quotes.
            foreach (string command in (string[])
            [
                $"EHLO x\r{forged}: line", $"EHLO x\u001b[2K{forged}", $"EHLO x\n{forged}: line", $"EHLO x\"y={forged}\\", "EHLO ok.test",
                $"MAIL FROM:<a\u001b]0;{forged}\u0007@x.test>", $"MAIL FROM:<a\u0085{forged}@x.test>", $"MAIL FROM:<\u00c2\u0085{forged}@x.test> SMTPUTF8", $"MAIL FROM:<\"a\u00e2\u0080\u00a8{forged}: b\"@x.test> SMTPUTF8",
                "MAIL FROM:<\"a>, to=<b, stat=Sent\"@x.test>", $"RCPT TO:<\u00e2\u0080\u00ae{forged}@elsewhere.test>", $"RCPT TO:<x\u009b2K{forged}@elsewhere.test>",
            ])
                await client.AskAsync(command);
        }
        // A daemon that has ended has written all of its log.
        await daemon.Running!.TerminateAsync();
        string log = daemon.Log;
        Assert.Contains(forged, log, StringComparison.Ordinal);
        Assert.All(log.Split('\n'), l => Assert.False(l.TrimStart().StartsWith(forged, StringComparison.Ordinal), log));
        Assert.DoesNotContain(log, c => (char.IsControl(c) && c != '\n') || c is '\u2028' or '\u2029' or '\u202e');
    }
}
