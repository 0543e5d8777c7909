using System.Globalization;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Peers;

/// <summary>
/// An antivirus behind the queue as FILTER_README has it: main.cf's content_filter hands all mail to clamsmtp, which asks clamd and hands what is clean back to a second listener. The only
/// signature is one of our own that knows EICAR.
/// </summary>
public sealed class ContentFilterTests
{
    private const string Eicar = @"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";

    [Fact]
    public async Task V7_clean_mail_comes_back_from_the_filter_once_and_EICAR_does_not()
    {
        using var folder = new TemporaryFolder();
        File.SetUnixFileMode(folder.Path, (UnixFileMode)0b111_101_101);
        (int filter, int back) = (Ports.Free(), Ports.Free());
        await using Background clamd = await ClamdAsync(folder);
        await using var sink = new SmtpSink(folder["sink"]);
        await using Daemon daemon = Daemon.PreparePostfix(
            $"""
            myhostname = mx.filter.test
            mydestination =
            mynetworks = 127.0.0.0/8
            relayhost = [127.0.0.1]:{sink.Port}
            alias_maps =
            content_filter = scan:[127.0.0.1]:{filter}
            """,
            $"""
            127.0.0.1:@PORT@ inet n - n - - smtpd
            127.0.0.1:{back} inet n - n - - smtpd
              -o content_filter=
              -o receive_override_options=no_unknown_recipient_checks,no_header_body_checks,no_address_mappings
              -o smtpd_recipient_restrictions=permit_mynetworks,reject
            scan unix - - n - 10 smtp
            smtp unix - - n - - smtp
            """);
        await daemon.StartAgainAsync();
        // It greets with the words of the server behind it, so that one has to be there.
        await using Background clamsmtp = await ClamsmtpAsync(folder, filter, back);

        await SendAsync(daemon, "infected", Eicar);
        await SendAsync(daemon, "clean", "nothing in it");
        CommandResult local = await daemon.ToolAsync("sendmail", ["-f", "alice@home.test", "bob@far.test"], "Subject: mark local\n\nfrom a program\n");
        Assert.True(local.ExitCode == 0, local.ToString());

        await Wait.UntilAsync(() => Count(sink, "clean") == 1 && Count(sink, "local") == 1, "clean mail comes through the filter\n" + daemon.Log + clamsmtp.Output + clamd.Output);
        await Wait.UntilAsync(() => clamsmtp.Output.Contains("Own.Eicar", StringComparison.Ordinal) || clamd.Output.Contains("Own.Eicar", StringComparison.Ordinal), "EICAR is found\n" + clamsmtp.Output + clamd.Output);
        await Wait.UntilAsync(async () => (await daemon.ToolAsync("postqueue", ["-p"])).Output.Contains("Mail queue is empty", StringComparison.Ordinal), "the queue becomes empty\n" + daemon.Log);
        Assert.Equal((1, 1, 0), (Count(sink, "clean"), Count(sink, "local"), Count(sink, "infected")));
        // Twice taken in: before the filter and behind it.
        string clean = sink.Messages.Single(m => m.Contains("mark clean", StringComparison.Ordinal));
        Assert.Equal(2, clean.Split("by mx.filter.test (Postfix)").Length - 1);
    }

    private static int Count(SmtpSink sink, string mark) => sink.Messages.Count(m => m.Contains("Subject: mark " + mark, StringComparison.Ordinal));

    private static async Task SendAsync(Daemon daemon, string mark, string text)
    {
        CommandResult sent = await Command.RunAsync("swaks",
            ["--server", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{daemon.Port}"), "--from", "alice@home.test", "--to", "bob@far.test", "--header", "Subject: mark " + mark, "--body", text]);
        Assert.True(sent.ExitCode == 0, sent.ToString() + daemon.Log);
    }

    private static async Task<Background> ClamdAsync(TemporaryFolder folder)
    {
        string database = Directory.CreateDirectory(folder["db"]).FullName;
        await File.WriteAllTextAsync(Path.Combine(database, "own.ndb"), "Own.Eicar:0:*:" + Convert.ToHexString(System.Text.Encoding.ASCII.GetBytes(Eicar)) + "\n");
        string config = folder.Write("clamd.conf", $"""
            LocalSocket {folder["clamd.socket"]}
            DatabaseDirectory {database}
            TemporaryDirectory {folder.Path}
            Foreground yes
            LogVerbose yes
            ScanMail yes
            """ + "\n");
        var clamd = new Background("/usr/sbin/clamd", ["--config-file=" + config]);
        await Wait.UntilAsync(() => File.Exists(folder["clamd.socket"]) || clamd.Process.HasExited, "clamd is there\n" + clamd.Output);
        Assert.False(clamd.Process.HasExited, clamd.Output);
        return clamd;
    }

    private static async Task<Background> ClamsmtpAsync(TemporaryFolder folder, int port, int back)
    {
        string config = folder.Write("clamsmtpd.conf", $"""
            OutAddress: 127.0.0.1:{back}
            Listen: 127.0.0.1:{port}
            ClamAddress: {folder["clamd.socket"]}
            TempDirectory: {folder.Path}
            Action: drop
            Header: X-Virus-Scanned: ClamAV using ClamSMTP
            """ + "\n");
        var filter = new Background("/usr/sbin/clamsmtpd", ["-d", "4", "-f", config]);
        await Wait.UntilAsync(() => PeerPort.AnswersAsync(port), "clamsmtp listens\n" + filter.Output);
        return filter;
    }
}
