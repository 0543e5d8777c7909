using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Dialects;

/// <summary>local(8), pipe(8) and virtual(8) through a whole server, where something goes wrong on the way.</summary>
public sealed class PostfixDeliveryTests
{
    private const string Master = """
        127.0.0.1:@PORT@ inet n - n - - smtpd
        pickup    unix  n       -       n       60      1       pickup
        cleanup   unix  n       -       n       -       0       cleanup
        qmgr      unix  n       -       n       300     1       qmgr
        rewrite   unix  -       -       n       -       -       trivial-rewrite
        bounce    unix  -       -       n       -       0       bounce
        smtp      unix  -       -       n       -       -       smtp
        relay     unix  -       -       n       -       -       smtp
        local     unix  -       n       n       -       -       local
        virtual   unix  -       n       n       -       -       virtual
        error     unix  -       -       n       -       -       error
        retry     unix  -       -       n       -       -       error
        discard   unix  -       -       n       -       -       discard
        tofile    unix  -       n       n       -       -       pipe
          flags=Rq user=@USER@ argv=/bin/sh @DIR@/tofile.sh ${sender} ${recipient}
        """;

    private const string Main = """
        compatibility_level = 3.6
        myhostname = mx.conform.test
        mydestination = $myhostname, conform.test
        mynetworks = 127.0.0.0/8
        home_mailbox = Maildir/
        recipient_delimiter = +
        alias_maps = inline:{ { both = @USER@, "|test -e @DIR@/ready || exit 75" }, { strange = "|exit 3" } }
        local_recipient_maps =
        relay_domains = piped.test
        transport_maps = inline:{ piped.test=tofile }
        """;

    [Fact]
    public async Task Parts_of_an_alias_that_have_their_copy_get_no_second_one_while_another_waits()
    {
        using var folder = new TemporaryFolder();
        await using TestUser user = await TestUser.MakeAsync(folder);
        await using Daemon daemon = Daemon.PreparePostfix(Filled(Main, user), Filled(Master, user), folder);
        await Command.ShellAsync($"chmod a+x '{folder.Path}'");
        string maildir = Path.Combine(user.Home, "Maildir/new");
        await daemon.StartAgainAsync();
        await using (SmtpClient client = await SmtpClient.ConnectAsync(daemon.Port))
            await client.SendAsync("a@client.test", "both@conform.test", "Subject: two parts\n\nbody\n");
        await Wait.UntilAsync(() => daemon.Log.Contains("status=deferred (temporary failure)", StringComparison.Ordinal), "the command waits\n" + daemon.Log);
        Assert.True(Directory.Exists(maildir), daemon.Log);
        string first = Assert.Single(Directory.GetFiles(maildir));
        Assert.Contains("\nDelivered-To: both@conform.test\n", await File.ReadAllTextAsync(first), StringComparison.Ordinal);
        folder.Write("ready", "");
        await Wait.UntilAsync(async () => (await daemon.ToolAsync("postqueue", ["-f"])).ExitCode == 0 && (await daemon.QueueAsync()).Count == 0, "the command is done\n" + daemon.Log);
        Assert.Single(Directory.GetFiles(maildir));
        Assert.Contains("(delivered to command: test -e", daemon.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task E11_a_pipe_gets_what_strangers_write_as_single_words()
    {
        using var folder = new TemporaryFolder();
        await using TestUser user = await TestUser.MakeAsync(folder);
        // The user of the command must get there, and write there.
        await Command.ShellAsync($"chmod a+x '{folder.Path}'; mkdir -m 777 '{folder["out"]}'");
        folder.Write("tofile.sh", $"for i in \"$@\"; do echo \"[$i]\"; done > '{folder["out"]}/words'; cat > '{folder["out"]}/message'\n");
        await Command.ShellAsync($"chmod a+r '{folder["tofile.sh"]}'");
        await using Daemon daemon = Daemon.PreparePostfix(Filled(Main, user), Filled(Master, user), folder);
        await daemon.StartAgainAsync();
        await using (SmtpClient client = await SmtpClient.ConnectAsync(daemon.Port))
            await client.SendAsync("a@client.test", "\"x; touch $HOME/bad `id`\"@piped.test", "Subject: piped\n\nbody\n");
        await Wait.UntilAsync(() => daemon.Log.Contains("(delivered via tofile service)", StringComparison.Ordinal), "the pipe has it\n" + daemon.Log);
        Assert.Equal("[a@client.test]\n[\"x; touch $HOME/bad `id`\"@piped.test]\n", await File.ReadAllTextAsync(folder["out/words"]));
        Assert.StartsWith("Return-Path: <a@client.test>\n", await File.ReadAllTextAsync(folder["out/message"]), StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(user.Home, "bad")));
    }

    private static string Filled(string text, TestUser user) => text.Replace("@USER@", user.Name, StringComparison.Ordinal);
}
