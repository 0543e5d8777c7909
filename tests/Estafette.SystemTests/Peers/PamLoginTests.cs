using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Peers;

/// <summary>Logins of the system's users, by PAM in the privileged process: a real account, a real service file. As an ordinary user only what is refused can be seen.</summary>
public sealed class PamLoginTests
{
    private const string Service = "estafette-test";

    [Fact]
    public async Task A_user_of_the_system_logs_in_by_PAM_and_a_locked_one_does_not()
    {
        if (!Environment.IsPrivilegedProcess)
            return;
        var folder = new TemporaryFolder();
        await using TestUser user = await TestUser.MakeAsync(folder);
        string right = Secrets.Password();
        string file = "/etc/pam.d/" + Service;
        await File.WriteAllTextAsync(file, "auth required pam_unix.so\naccount required pam_unix.so\n");
        try
        {
            await SetPasswordAsync(user.Name, right, "YESCRYPT");
            await using LoginServer server = await LoginServer.StartAsync($"auth pam \"{Service}\"", folder: folder);
            foreach (string mechanism in (string[])["PLAIN", "LOGIN"])
            {
                CommandResult sent = await server.SwaksAsync(mechanism, user.Name, right);
                Assert.True(sent.ExitCode == 0, sent + server.Log);
            }
            foreach ((string login, string password) in ((string, string)[])[(user.Name, Secrets.Password()), ("nobody-such", right), ("root", right), ("../root", right)])
                Refused(await server.SwaksAsync("PLAIN", login, password), server);
            Assert.Equal(0, (await Command.RunAsync("/usr/sbin/usermod", ["--expiredate", "1", user.Name])).ExitCode);
            Refused(await server.SwaksAsync("PLAIN", user.Name, right), server);
            Assert.Equal(0, (await Command.RunAsync("/usr/sbin/usermod", ["--expiredate", "", "--lock", user.Name])).ExitCode);
            Refused(await server.SwaksAsync("PLAIN", user.Name, right), server);
            Assert.Equal(0, (await Command.RunAsync("/usr/sbin/usermod", ["--unlock", user.Name])).ExitCode);
            CommandResult again = await server.SwaksAsync("PLAIN", user.Name, right);
            Assert.True(again.ExitCode == 0, again + server.Log);
            await server.ArriveAsync(3);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Root_never_logs_in_even_with_its_own_password()
    {
        if (!Environment.IsPrivilegedProcess)
            return;
        string file = "/etc/pam.d/" + Service + "-permit";
        await File.WriteAllTextAsync(file, "auth required pam_permit.so\naccount required pam_permit.so\n");
        try
        {
            await using LoginServer server = await LoginServer.StartAsync($"auth pam \"{Service}-permit\"");
            Refused(await server.SwaksAsync("PLAIN", "root", "x"), server);
            Refused(await server.SwaksAsync("PLAIN", "nobody-such", "x"), server);
            Assert.Equal(0, (await server.SwaksAsync("PLAIN", "games", "x")).ExitCode);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task E44_what_PAM_cannot_tell_is_told_as_temporary_with_its_reason()
    {
        if (!Environment.IsPrivilegedProcess)
            return;
        string file = "/etc/pam.d/" + Service + "-broken";
        await File.WriteAllTextAsync(file, "auth required pam_no_such_module.so\naccount required pam_permit.so\n");
        try
        {
            await using LoginServer server = await LoginServer.StartAsync($"auth pam \"{Service}-broken\"");
            CommandResult undecided = await server.SwaksAsync("PLAIN", "games", "x");
            Assert.True(undecided.ExitCode != 0 && undecided.Output.Contains("454 4.7.0 Temporary authentication failure", StringComparison.Ordinal), undecided + server.Log);
            Assert.Contains("a login of the system's users could not be checked: PAM service", server.Log, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Without_root_the_own_user_logs_in_and_others_are_put_off_with_the_reason()
    {
        if (!Environment.IsPrivilegedProcess)
            return;
        using var folder = new TemporaryFolder();
        await using TestUser user = await TestUser.MakeAsync(folder);
        string right = Secrets.Password();
        await SetPasswordAsync(user.Name, right, "YESCRYPT");
        int port = Ports.Free();
        string config = folder.Write("smtpd.conf", $"""
            listen on 127.0.0.1 port {port} auth auth-without-tls
            action "out" discard
            match from auth for any action "out"
            """);
        await using var daemon = new Background("/usr/sbin/runuser", ["-u", user.Name, "--", Published.Tool("estafette"), "run", "--config", config, "--state", user.Home + "/state"],
            new Dictionary<string, string> { ["HOME"] = user.Home, ["USER"] = user.Name });
        await Wait.UntilAsync(() => PeerPort.AnswersAsync(port), "the daemon greets", null, () => daemon.Output);
        async Task<string> ReplyAsync(string login, string password)
        {
            await using RawSmtp client = await RawSmtp.GreetedAsync(port);
            return await client.AskAsync("AUTH PLAIN " + Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"\0{login}\0{password}")));
        }
        Assert.StartsWith("235", await ReplyAsync(user.Name, right), StringComparison.Ordinal);
        Assert.StartsWith("535", await ReplyAsync(user.Name, Secrets.Password()), StringComparison.Ordinal);
        Assert.StartsWith("454", await ReplyAsync("games", right), StringComparison.Ordinal);
        await Wait.UntilAsync(() => daemon.Output.Contains("the server runs without root, and PAM refuses to check others", StringComparison.Ordinal), "the warning", null, () => daemon.Output);
    }

    private static void Refused(CommandResult sent, LoginServer server) =>
        Assert.True(sent.ExitCode != 0 && sent.Output.Contains("535 5.7.8 Authentication failed", StringComparison.Ordinal), sent + server.Log);

    private static async Task SetPasswordAsync(string user, string password, string method)
    {
        CommandResult set = await Command.RunAsync("/usr/sbin/chpasswd", ["--crypt-method", method], user + ":" + password + "\n");
        Assert.True(set.ExitCode == 0, set.ToString());
    }
}
