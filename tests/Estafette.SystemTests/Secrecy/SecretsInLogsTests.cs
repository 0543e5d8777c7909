using System.Globalization;
using System.Text;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Secrecy;

/// <summary>
/// E54: logins that go well and every way they go wrong, on a daemon that traces everything, in each style of the log; then its end by a signal that other programs answer
/// with a core file. Nothing that it wrote holds the password.
/// </summary>
public sealed class SecretsInLogsTests
{
    [Theory]
    [InlineData("opensmtpd")]
    [InlineData("postfix")]
    [InlineData("json")]
    public async Task Traced_logins_of_every_kind_tell_no_secret(string style)
    {
        (string login, string password) = (Secrets.Login(), Secrets.Password());
        using var folder = new TemporaryFolder();
        Certificates.Write(folder);
        CommandResult hash = await Command.RunAsync(Published.Tool("smtpctl"), ["encrypt"], password + "\n");
        int clear = Ports.Free();
        await using Daemon daemon = await Daemon.StartAsync($$"""
            log style {{style}}
            log trace all
            pki mx.test cert "@DIR@/cert.pem"
            pki mx.test key "@DIR@/key.pem"
            table users { "{{login}}" = "{{hash.Output.Trim()}}" }
            listen on 127.0.0.1 port @PORT@ hostname mx.test tls pki mx.test auth-optional <users>
            listen on 127.0.0.1 port {{clear}} hostname mx.test
            limit auth-failures-per-client 1000
            action "out" relay host smtp://127.0.0.1:9
            match from auth for any action "out"
            """, folder);
        string plain = Base64($"\0{login}\0{password}");
        // What each says and hears; "*" before a line: no answer is waited for.
        string[][] sessions =
        [
            ["AUTH PLAIN " + plain, "MAIL FROM:<a@client.test>"],
            ["AUTH LOGIN", Base64(login), Base64(password)],
            ["AUTH LOGIN " + Base64(login), Base64(password)],
            // Refused: wrong, unfinished, malformed, cancelled, unknown, with blanks and in small letters.
            ["AUTH PLAIN " + Base64($"\0{Secrets.Login()}\0{password}"), "AUTH PLAIN " + Base64($"\0{login}\0{Secrets.Password()}")],
            ["AUTH PLAIN " + Base64($"{login}\0{password}"), "AUTH PLAIN " + plain[..^3], "AUTH PLAIN " + plain + " x"],
            ["AUTH PLAIN", "*", "AUTH LOGIN", Base64(login), "*"],
            ["AUTH " + plain, "AUTH " + Base64(password), "AUTH CRAM-MD5 " + plain, "AUTH XOAUTH2 " + plain, "auth  plain  " + plain],
            [" AUTH PLAIN " + plain, "AUTH\tPLAIN\t" + plain, "AUTHPLAIN " + plain, "HELP AUTH PLAIN " + plain, "AUTH=PLAIN " + plain],
            // Clients that go on with the login although it was refused.
            ["AUTH FOO", Base64(login), Base64(password), plain, password],
            ["AUTH LOGIN", "?", Base64(login), Base64(password)],
            ["AUTH SCRAM-SHA-256 " + Base64($"n,,n={login},r=abcdefgh"), Base64($"c=biws,r=abcdefgh,p={password}"), Base64(password)],
            ["AUTH LOGIN\r\n" + Base64(login) + "\r\n" + Base64(password)],
            ["MAIL FROM:<a@client.test> AUTH=<>", "AUTH PLAIN " + plain, "RSET", "STARTTLS", "AUTH PLAIN " + Base64(new string('x', 20_000) + password)],
        ];
        foreach (string[] said in sessions)
        {
            await using RawSmtp client = await RawSmtp.GreetedAsync(daemon.Port);
            Assert.StartsWith("220", await client.AskAsync("STARTTLS"), StringComparison.Ordinal);
            await client.StartTlsAsync();
            await client.AskAsync("EHLO client.test");
            foreach (string line in said)
                await client.AskAsync(line);
            await client.WriteAsync("QUIT\r\n");
            await client.RestAsync();
        }
        // Without TLS nothing is offered; there are clients that log in all the same.
        foreach (int port in (int[])[daemon.Port, clear])
        {
            await using RawSmtp client = await RawSmtp.GreetedAsync(port);
            foreach (string line in (string[])["AUTH PLAIN " + plain, "AUTH LOGIN", Base64(login), Base64(password), "STARTTLS AUTH PLAIN " + plain])
                await client.AskAsync(line);
        }
        CommandResult configuration = await daemon.ToolAsync("estafette", ["check", "--config", folder["smtpd.conf"]]);
        await daemon.Running!.TerminateAsync();
        string log = daemon.Log + configuration.Output + configuration.Error;
        Assert.Contains(login, log, StringComparison.Ordinal);
        Assert.Empty(SecretSearch.Octets("log", Encoding.UTF8.GetBytes(log)));
    }

    /// <summary>The runtime takes SIGABRT and SIGSEGV from outside for nothing; SIGXCPU ends every program with a core file.</summary>
    [Theory]
    [InlineData("QUIT", true)]
    [InlineData("XCPU", true)]
    [InlineData("XCPU", false)]
    public async Task A_daemon_that_is_killed_leaves_no_core_file(string signal, bool asRoot)
    {
        Assert.True(Environment.IsPrivilegedProcess, "starts the daemon as another user");
        (string login, string password) = (Secrets.Login(), Secrets.Password());
        using var folder = new TemporaryFolder();
        Configurations.GiveToLocalUser(folder["state"]);
        Certificates.Write(folder);
        await Command.ShellAsync($"chown {Configurations.LocalUser} {folder["key.pem"]} {folder["state"]}; mkdir -m 777 {folder["cwd"]}");
        CommandResult hash = await Command.RunAsync(Published.Tool("smtpctl"), ["encrypt"], password + "\n");
        await using Daemon daemon = Daemon.Prepare($$"""
            log trace all
            pki mx.test cert "@DIR@/cert.pem"
            pki mx.test key "@DIR@/key.pem"
            table users { "{{login}}" = "{{hash.Output.Trim()}}" }
            listen on 127.0.0.1 port @PORT@ hostname mx.test tls pki mx.test auth-optional <users>
            action "out" relay host smtp://127.0.0.1:9
            match from auth for any action "out"
            """, folder);
        string run = $"cd {folder["cwd"]} && ulimit -c unlimited && exec env --default-signal=QUIT {Published.Tool("estafette")} run --config {folder["smtpd.conf"]} --state {daemon.State}";
        await (asRoot ? daemon.StartAgainAsync("/bin/sh", ["-c", run]) : daemon.StartAgainAsync("/usr/sbin/runuser", ["-u", Configurations.LocalUser, "--", "/bin/sh", "-c", run]));
        await using (RawSmtp client = await RawSmtp.GreetedAsync(daemon.Port))
        {
            await client.AskAsync("STARTTLS");
            await client.StartTlsAsync();
            await client.AskAsync("EHLO client.test");
            Assert.StartsWith("235", await client.AskAsync("AUTH PLAIN " + Base64($"\0{login}\0{password}")), StringComparison.Ordinal);
        }
        string serving = asRoot ? daemon.Running!.Process.Id.ToString(CultureInfo.InvariantCulture)
            : (await Command.ShellAsync($"pgrep -P {daemon.Running!.Process.Id}")).Output.Trim();
        CommandResult killed = await Command.RunAsync("/bin/kill", ["-" + signal, serving]);
        Assert.True(killed.ExitCode == 0, killed.ToString());
        await daemon.Running.Process.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token);
        string[] cores = Directory.GetFiles(folder.Path, "core*", SearchOption.AllDirectories);
        foreach (string core in cores)
            Written.ByRun.Keep(core, "core");
        Assert.Empty(cores);
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
