using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Peers;

/// <summary>Dovecot's auth service as our back end: its mechanisms are offered and passed through; it goes away and comes back.</summary>
public sealed class DovecotLoginTests
{
    [Fact]
    public async Task Every_mechanism_that_Dovecot_has_works_through_us()
    {
        var folder = new TemporaryFolder();
        string right = "simple" + Secrets.PasswordMarker;
        await using Background dovecot = await StartAsync(folder, right);
        await using LoginServer server = await LoginServer.StartAsync("auth dovecot \"@DIR@/run/auth-client\"", folder: folder);
        foreach (string mechanism in (string[])["PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5"])
        {
            CommandResult sent = await server.SwaksAsync(mechanism, "alice", right);
            Assert.True(sent.ExitCode == 0, mechanism + sent + server.Log + dovecot.Output);
            Assert.Contains($"Accepted authentication for user \"alice\"", server.Log, StringComparison.Ordinal);
        }
        foreach (string mechanism in (string[])["scram-sha-256", "scram-sha-1"])
        {
            CommandResult good = await server.MsmtpAsync(mechanism, "alice", right);
            Assert.True(good.ExitCode == 0, mechanism + good + server.Log + dovecot.Output);
        }
        foreach (string mechanism in (string[])["PLAIN", "CRAM-MD5"])
        {
            CommandResult wrong = await server.SwaksAsync(mechanism, "alice", Secrets.Password());
            Assert.True(wrong.ExitCode != 0 && wrong.Output.Contains("535 5.7.8 Authentication failed", StringComparison.Ordinal), wrong + server.Log);
        }
        await server.ArriveAsync(6);
    }

    [Fact]
    public async Task E44_without_Dovecot_logins_are_put_off_and_work_again_when_it_is_back()
    {
        var folder = new TemporaryFolder();
        string right = "simple" + Secrets.PasswordMarker;
        await using LoginServer server = await LoginServer.StartAsync("auth dovecot \"@DIR@/run/auth-client\" mechanisms \"PLAIN CRAM-MD5\"", folder: folder);
        await PutOffAsync(server, right);
        Assert.Contains("by PLAIN: Dovecot at " + folder["run/auth-client"] + ": there is no such socket (does Dovecot run", server.Log, StringComparison.Ordinal);
        Background first = await StartAsync(folder, right);
        await using (first)
        {
            await LogsInAsync(server, "CRAM-MD5", right);
            // On the connection of the first.
            await LogsInAsync(server, "PLAIN", right);
            Assert.DoesNotContain("LOGIN", (await server.SwaksAsync("PLAIN", "alice", right)).Output.Split("AUTH PLAIN")[0].Split("EHLO")[^1], StringComparison.Ordinal);
        }
        await PutOffAsync(server, right);
        await using Background second = await StartAsync(folder, right);
        await LogsInAsync(server, "PLAIN", right);
    }

    private static async Task PutOffAsync(LoginServer server, string password)
    {
        CommandResult undecided = await server.SwaksAsync("PLAIN", "alice", password);
        Assert.True(undecided.ExitCode != 0 && undecided.Output.Contains("454 4.7.0 Temporary authentication failure", StringComparison.Ordinal), undecided + server.Log);
    }

    private static Task LogsInAsync(LoginServer server, string mechanism, string password) =>
        Wait.UntilAsync(async () => (await server.SwaksAsync(mechanism, "alice", password)).ExitCode == 0, "a login through Dovecot that is back");

    private static async Task<Background> StartAsync(TemporaryFolder folder, string password)
    {
        folder.Write("passwd", "alice:{PLAIN}" + password + "::::::\n");
        var dovecot = new Background("/usr/sbin/dovecot", ["-F", "-c", DovecotAuth.Write(folder, "plain login cram-md5 digest-md5 scram-sha-1 scram-sha-256", "auth-client")]);
        await Wait.UntilAsync(() => File.Exists(folder["run/auth-client"]), "Dovecot's auth service listens\n" + dovecot.Output);
        return dovecot;
    }
}
