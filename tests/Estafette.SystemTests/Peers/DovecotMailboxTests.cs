using System.Globalization;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Peers;

/// <summary>Dovecot on both sides of a mailbox: what we deliver into a Maildir it serves by IMAP, and what we hand to its LMTP lands in the same place.</summary>
public sealed class DovecotMailboxTests
{
    [Fact]
    public async Task Imap_reads_what_our_Maildir_and_our_LMTP_delivered()
    {
        Assert.True(Environment.IsPrivilegedProcess, "Dovecot's master needs root");
        using var folder = new TemporaryFolder();
        await using TestUser user = await TestUser.MakeAsync(folder);
        int imap = Ports.Free(), lmtp = Ports.Free();
        CommandResult id = await user.RunAsync("echo $(id -u):$(id -g)");
        folder.Write("users", $"{user.Name}::{id.Output.Trim()}::{user.Home}::\n");
        await using var dovecot = new Background("/usr/sbin/dovecot", ["-F", "-c", Configuration(folder, imap, lmtp)]);
        await Wait.UntilAsync(() => PeerPort.AnswersAsync(imap), "Dovecot listens");

        await using var daemon = await Daemon.StartAsync($$"""
            listen on 127.0.0.1 port @PORT@ hostname mx.test
            action "maildir" maildir
            action "lmtp" lmtp "127.0.0.1:{{lmtp}}"
            match for domain mx.test action "maildir"
            match for domain lmtp.test action "lmtp"
            """, folder);
        await using (SmtpClient client = await SmtpClient.ConnectAsync(daemon.Port))
        {
            Assert.StartsWith("250", await client.SendAsync("a@client.test", user.Name + "@mx.test", "Subject: by maildir\n\nGr\u00fc\u00dfe\n..\nFrom here\n"), StringComparison.Ordinal);
            Assert.StartsWith("250", await client.SendAsync("a@client.test", user.Name + "@lmtp.test", "Subject: by lmtp\n\n..second\n"), StringComparison.Ordinal);
        }
        await daemon.UntilQueueIsEmptyAsync();

        await using RawSmtp session = await RawSmtp.ConnectAsync(imap);
        Assert.StartsWith("* OK", await session.LineAsync(), StringComparison.Ordinal);
        Assert.StartsWith("1 OK", (await AskAsync(session, $"1 LOGIN {user.Name} secret"))[^1], StringComparison.Ordinal);
        Assert.Contains("* 2 EXISTS", await AskAsync(session, "2 SELECT INBOX"));
        string all = string.Join('\n', [.. await AskAsync(session, "3 FETCH 1 BODY[]"), .. await AskAsync(session, "4 FETCH 2 BODY[]")]);
        Assert.Contains("Subject: by maildir\n", all, StringComparison.Ordinal);
        Assert.Contains("\n\nGr\u00fc\u00dfe\n.\nFrom here\n", all, StringComparison.Ordinal);
        Assert.Contains("\n\n.second\n", all, StringComparison.Ordinal);
        Assert.Contains("Return-Path: <a@client.test>\n", all, StringComparison.Ordinal);
        // The size in a Maildir name is a promise that IMAP servers believe.
        Assert.DoesNotContain("size", dovecot.Output, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Error", dovecot.Output, StringComparison.Ordinal);
    }

    private static async Task<List<string>> AskAsync(RawSmtp session, string command)
    {
        await session.WriteAsync(command + "\r\n");
        var lines = new List<string>();
        while (await session.LineAsync() is string line)
        {
            lines.Add(line);
            if (line.StartsWith(command[..2], StringComparison.Ordinal))
                break;
        }
        return lines;
    }

    private static string Configuration(TemporaryFolder folder, int imap, int lmtp) => folder.Write("dovecot.conf", string.Create(CultureInfo.InvariantCulture, $$"""
        base_dir = {{folder["run"]}}
        state_dir = {{folder["dovecot-state"]}}
        log_path = /dev/stderr
        protocols = imap lmtp
        listen = 127.0.0.1
        ssl = no
        disable_plaintext_auth = no
        first_valid_uid = 1
        mail_location = maildir:~/Maildir
        auth_username_format = %n
        passdb {
          driver = static
          args = password=secret
        }
        userdb {
          driver = passwd-file
          args = {{folder["users"]}}
        }
        service imap-login {
          inet_listener imap {
            address = 127.0.0.1
            port = {{imap}}
          }
          inet_listener imaps {
            port = 0
          }
        }
        service lmtp {
          inet_listener lmtp {
            address = 127.0.0.1
            port = {{lmtp}}
          }
        }

        """));
}
