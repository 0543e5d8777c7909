using System.Globalization;
using System.Text.RegularExpressions;
using Estafette.SystemTests.Harness;
using Estafette.SystemTests.Peers;

namespace Estafette.SystemTests.Dialects;

/// <summary>
/// The same mail through a real Postfix and through Estafette, with the same main.cf: fail2ban, pflogsumm and logwatch, as Debian ships them, find the same in both logs, and nothing in ours
/// that they do not understand. Refused, relayed, deferred, bounced, discarded, piped, held and virtual mail; clients that break off, err, scan and guess passwords.
/// </summary>
public sealed class PostfixLogTests
{
    private const string Stranger = "127.0.0.9";

    /// <param name="From">The client's address.</param>
    /// <param name="Lines">Commands; an empty one ends the connection without QUIT. A line that begins with <c>=</c> is sent with its escapes and as many replies are read as the digit behind says.</param>
    private sealed record Session(string From, params string[] Lines);

    private static Session Mail(string from, string to, string subject = "hello", string client = "127.0.0.1") =>
        new(client, ["EHLO client.test", $"MAIL FROM:<{from}>", .. to.Split(' ').Select(one => $"RCPT TO:<{one}>"), "DATA", $"=1From: <{from}>\\r\\nSubject: {subject}\\r\\nMessage-ID: <{subject}@client.test>\\r\\n\\r\\nhello\\r\\n.\\r\\n", "QUIT"]);

    private static readonly Session[] s_sessions =
    [
        Mail("a@client.test", "joe@box.test"),
        Mail("a@client.test", "joe@box.test jim@box.test"),
        Mail("a@client.test", "two@alias.test"),
        Mail("a@client.test", "x@sink.test y@sink.test"),
        Mail("a@client.test", "x@wait.test"),
        Mail("a@client.test", "x@dead.test"),
        Mail("a@client.test", "x@gone.test"),
        Mail("a@client.test", "x@drop.test"),
        Mail("a@client.test", "x@pipe.test"),
        Mail("", "x@sink.test"),
        Mail("a@client.test", "joe@box.test", "rejectme"),
        Mail("a@client.test", "joe@box.test", "warnme"),
        Mail("a@client.test", "joe@box.test", "holdme"),
        Mail("a@client.test", "joe@box.test", "discardme"),
        new(Stranger, "EHLO client.test", "MAIL FROM:<a@client.test>", "RCPT TO:<x@elsewhere.test>", "QUIT"),
        new(Stranger, "EHLO client.test", "MAIL FROM:<a@client.test>", "RCPT TO:<nosuch@box.test>", "RCPT TO:<nosuch@alias.test>", "QUIT"),
        new(Stranger, "EHLO client.test", "MAIL FROM:<bad@spam.test>", "RCPT TO:<joe@box.test>", "QUIT"),
        new(Stranger, "EHLO client.test", "MAIL FROM:<nodomain>", "RCPT TO:<joe@box.test>", "QUIT"),
        new(Stranger, "EHLO bad.helo", "MAIL FROM:<a@client.test>", "RCPT TO:<joe@box.test>", "QUIT"),
        new("127.0.0.66", "EHLO client.test", "MAIL FROM:<a@client.test>", "RCPT TO:<joe@box.test>", "QUIT"),
        new(Stranger, "EHLO client.test", "MAIL FROM:<a@client.test> SIZE=999999999", "QUIT"),
        new(Stranger, "EHLO client.test", "MAIL FROM:<a@client.test>", ""),
        new(Stranger, ""),
        new(Stranger, "EHLO client.test", "FOO", "BAR", "BAZ", "QUX"),
        new(Stranger, "=0GET / HTTP/1.1\\r\\n", ""),
        new(Stranger, "EHLO client.test", "RSET", "NOOP", "VRFY joe@box.test", "QUIT"),
        new(Stranger, "=2NOOP\\r\\nNOOP\\r\\n", "QUIT"),
    ];

    [Fact]
    public async Task Readers_of_the_log_find_the_same_as_in_Postfix_log()
    {
        Assert.True(Environment.IsPrivilegedProcess, "Postfix's master needs root");
        using var folder = new TemporaryFolder();
        await using var sink = new SmtpSink(folder["sink"]);
        int waits = Ports.Free();
        await using var refusing = new Background("/usr/sbin/smtp-sink", ["-u", "nobody", "-r", "rcpt", $"127.0.0.1:{waits}", "10"]);
        await Wait.UntilAsync(() => PeerPort.AnswersAsync(sink.Port), "smtp-sink listens");
        await Wait.UntilAsync(() => PeerPort.AnswersAsync(waits), "the refusing one listens");
        int dead = Ports.Free();

        using var real = new TemporaryFolder();
        using var ours = new TemporaryFolder();
        string theirLog = await RunPostfixAsync(real, (sink.Port, waits, dead));
        string ourLog = await RunEstafetteAsync(ours, (sink.Port, waits, dead));
        string both = $"\n--- Postfix\n{theirLog}\n--- Estafette\n{ourLog}";
        string theirs = folder.Write("theirs.log", theirLog), mine = folder.Write("ours.log", ourLog);

        Equal(await LogReaders.Fail2BanAsync(theirs), await LogReaders.Fail2BanAsync(mine), both);
        Equal(await LogReaders.TotalsAsync(theirs), await LogReaders.TotalsAsync(mine), both);
        (IReadOnlyList<string> summary, IReadOnlyList<string> unmatched) = await LogReaders.LogwatchAsync(mine);
        (IReadOnlyList<string> expected, IReadOnlyList<string> unmatchedThere) = await LogReaders.LogwatchAsync(theirs);
        Equal(expected, summary, both);
        Assert.True(unmatched.Count <= unmatchedThere.Count, string.Join('\n', unmatched) + both);
    }

    private static void Equal(IReadOnlyList<string> expected, IReadOnlyList<string> actual, string both) =>
        Assert.True(expected.SequenceEqual(actual), "expected\n  " + string.Join("\n  ", expected.Except(actual)) + "\nbut got\n  " + string.Join("\n  ", actual.Except(expected)) + both);

    private static async Task<string> RunPostfixAsync(TemporaryFolder folder, (int Sink, int Waits, int Dead) peers)
    {
        int port = Ports.Free();
        SendingToPostfixTests.Certificate(folder).Dispose();
        SendingToPostfixTests.Configuration(folder, port, peers.Sink);
        Write(folder, folder.Path, peers);
        File.AppendAllText(folder["main.cf"], $"""
            queue_directory = {folder["queue"]}
            data_directory = {folder["data"]}
            mail_owner = postfix
            setgid_group = postdrop
            command_directory = /usr/sbin
            daemon_directory = /usr/lib/postfix/sbin
            maillog_file = /dev/stdout

            """);
        Configurations.GiveToEverybody(folder["box"]);
        File.AppendAllText(folder["master.cf"], Services);
        await using var postfix = new Background("/usr/lib/postfix/sbin/master", ["-c", folder.Path, "-d"]);
        await Wait.UntilAsync(() => PeerPort.AnswersAsync(port), "Postfix greets");
        await TalkAsync(port);
        await SettleAsync(() => postfix.Output);
        return Lines(postfix.Output);
    }

    private static async Task<string> RunEstafetteAsync(TemporaryFolder folder, (int Sink, int Waits, int Dead) peers)
    {
        int port = Ports.Free();
        string config = Directory.CreateDirectory(folder["etc"]).FullName;
        Write(folder, config, peers);
        Configurations.GiveToEverybody(folder["box"]);
        File.WriteAllText(Path.Combine(config, "master.cf"), string.Create(CultureInfo.InvariantCulture, $"""
            127.0.0.1:{port} inet n - n - - smtpd
            smtp unix - - n - - smtp
            relay unix - - n - - smtp
            error unix - - n - - error
            retry unix - - n - - error

            """) + Services);
        await using var estafette = new Background(Published.Tool("estafette"), ["run", "--config", config, "--state", folder["state"]]);
        await Wait.UntilAsync(() => PeerPort.AnswersAsync(port), "Estafette greets", null, () => estafette.Output);
        await TalkAsync(port);
        await SettleAsync(() => estafette.Output);
        return Lines(estafette.Output);
    }

    private const string Services = """
        local unix - n n - - local
        virtual unix - n n - - virtual
        lmtp unix - - n - - lmtp
        discard unix - - n - - discard
        swallow unix - n n - - pipe
          flags=Rq user=nobody argv=/bin/true
        refuse unix - n n - - pipe
          flags=Rq user=nobody argv=/bin/sh -c {exit 67}

        """;

    private static void Write(TemporaryFolder folder, string config, (int Sink, int Waits, int Dead) peers)
    {
        File.WriteAllText(Path.Combine(config, "header_checks"), "/^Subject: rejectme/ REJECT no such subject\n/^Subject: warnme/ WARN careful\n/^Subject: holdme/ HOLD\n/^Subject: discardme/ DISCARD\n");
        File.WriteAllText(Path.Combine(config, "transport"), $"""
            sink.test smtp:[127.0.0.1]:{peers.Sink}
            wait.test smtp:[127.0.0.1]:{peers.Waits}
            dead.test smtp:[127.0.0.1]:{peers.Dead}
            client.test smtp:[127.0.0.1]:{peers.Sink}
            gone.test refuse:
            drop.test discard:silently
            pipe.test swallow:

            """);
        File.WriteAllText(Path.Combine(config, "access"), "bad@spam.test REJECT go away\n127.0.0.66 REJECT\nbad.helo REJECT bad helo\n");
        File.WriteAllText(Path.Combine(config, "main.cf"), $"""
            compatibility_level = 3.6
            myhostname = mx.here.test
            mydestination =
            mynetworks = 127.0.0.1/32
            inet_protocols = ipv4
            inet_interfaces = 127.0.0.1
            alias_maps =
            alias_database =
            local_recipient_maps =
            virtual_mailbox_domains = box.test
            virtual_mailbox_base = {folder["box"]}
            virtual_mailbox_maps = inline:{"{"}joe@box.test=joe/ jim@box.test=jim/{"}"}
            virtual_uid_maps = static:65534
            virtual_gid_maps = static:65534
            virtual_alias_domains = alias.test
            virtual_alias_maps = inline:{"{"}two@alias.test=joe@box.test{"}"}
            transport_maps = texthash:{config}/transport
            header_checks = regexp:{config}/header_checks
            smtpd_client_restrictions = check_client_access texthash:{config}/access
            smtpd_helo_restrictions = check_helo_access texthash:{config}/access
            smtpd_sender_restrictions = reject_non_fqdn_sender, check_sender_access texthash:{config}/access
            smtpd_hard_error_limit = 4
            smtpd_error_sleep_time = 0
            smtpd_banner = $myhostname ESMTP
            smtp_tls_security_level = none
            notify_classes =

            """);
    }

    /// <summary>One after the other, so that both logs tell the same story.</summary>
    private static async Task TalkAsync(int port)
    {
        foreach (Session session in s_sessions)
        {
            await using RawSmtp client = await RawSmtp.ConnectAsync(port, session.From);
            await client.ReplyAsync();
            foreach (string line in session.Lines)
            {
                if (line.Length == 0)
                    break;
                if (line[0] != '=')
                {
                    if ((await client.AskAsync(line)).Length == 0)
                        break;
                    continue;
                }
                await client.WriteAsync(Regex.Unescape(line[2..]));
                for (int i = 0; i < line[1] - '0'; i++)
                    await client.ReplyAsync();
            }
        }
    }

    /// <summary>Every session has ended, and every message that does not wait is gone.</summary>
    private static Task SettleAsync(Func<string> log) => Wait.UntilAsync(() =>
    {
        string[] lines = log().Split('\n');
        int ended = lines.Count(l => l.Contains("disconnect from", StringComparison.Ordinal));
        var begun = lines.Select(l => Regex.Match(l, @"qmgr\[\d+\]: (\w+): from=")).Where(m => m.Success).Select(m => m.Groups[1].Value).ToHashSet();
        var settled = lines.Select(l => Regex.Match(l, @"(\w+): (removed|to=.*status=deferred)")).Where(m => m.Success).Select(m => m.Groups[1].Value).ToHashSet();
        return ended > s_sessions.Length && begun.Count >= 12 && begun.IsSubsetOf(settled);
    }, "the mail is dealt with", null, log);

    private static string Lines(string log) => string.Join('\n', log.Split('\n').Where(l => Regex.IsMatch(l, @"^[A-Z][a-z]{2} .* postfix"))) + "\n";
}
