using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Operation;

/// <summary>postfix(1) on a configuration folder: start into the background, status, reload, a log file and its rotation, check, stop.</summary>
public sealed class PostfixControlTests
{
    [Fact]
    public async Task P18_a_folder_is_started_reloaded_rotated_and_stopped()
    {
        using var folder = new TemporaryFolder();
        int port = Ports.Free();
        string log = Path.Combine(Directory.CreateDirectory(folder["log"]).FullName, "mail.log");
        string config = Folder(folder, port, log);
        var environment = new Dictionary<string, string> { ["ESTAFETTE_STATE"] = folder["state"] };
        Task<CommandResult> PostfixAsync(string command) => Command.RunAsync(Published.Tool("postfix"), ["-c", config, command], environment: environment);
        string Log() => File.ReadAllText(log);

        Assert.Equal(1, (await PostfixAsync("status")).ExitCode);
        CommandResult started = await PostfixAsync("start");
        try
        {
            Assert.True(started.ExitCode == 0, started.ToString());
            // It listens when the command returns.
            Assert.True(await GreetsAsync(port), "the port answers");
            Assert.Contains(" postfix/master[", Log(), StringComparison.Ordinal);
            Assert.Contains("daemon started -- version ", Log(), StringComparison.Ordinal);
            Assert.Equal(0, (await PostfixAsync("status")).ExitCode);
            Assert.Equal(1, (await PostfixAsync("start")).ExitCode);
            Assert.Equal(new CommandResult(0, "", ""), await PostfixAsync("flush"));

            Assert.Equal(0, (await PostfixAsync("reload")).ExitCode);
            Assert.Contains("reload -- version ", Log(), StringComparison.Ordinal);
            Assert.Equal(0, (await Command.RunAsync(Published.Tool("postlog"), ["-t", "postfix/mine", "-p", "warn", "hello\nNov 21 forged"], environment: environment)).ExitCode);
            if (Environment.IsPrivilegedProcess)
                Assert.Contains("warning: hello\\012Nov 21 forged\n", Log(), StringComparison.Ordinal);

            CommandResult rotated = await PostfixAsync("logrotate");
            Assert.True(rotated.ExitCode == 0, rotated.ToString());
            Assert.Single(Directory.GetFiles(folder["log"], "mail.log.*.gz"));
            Assert.True(await GreetsAsync(port), "the port still answers");
            await Wait.UntilAsync(() => Log().Contains("connect from", StringComparison.Ordinal), "the new file is written");
        }
        finally
        {
            Assert.Equal(0, (await PostfixAsync("stop")).ExitCode);
        }
        Assert.Contains("terminating on signal 15", Log(), StringComparison.Ordinal);
        Assert.False(await GreetsAsync(port), "nothing listens when stop returns");
        Assert.Equal(1, (await PostfixAsync("stop")).ExitCode);
    }

    [Fact]
    public async Task A_start_that_fails_says_why_and_leaves_nothing_running()
    {
        using var folder = new TemporaryFolder();
        int port = Ports.Free();
        string config = Folder(folder, port, "");
        File.AppendAllText(Path.Combine(config, "main.cf"), "syslog_facility = nosuch\n");
        var environment = new Dictionary<string, string> { ["ESTAFETTE_STATE"] = folder["state"] };
        foreach (string command in (string[])["check", "start"])
        {
            CommandResult result = await Command.RunAsync(Published.Tool("postfix"), ["-c", config, command], environment: environment);
            Assert.Equal(1, result.ExitCode);
            Assert.Contains("main.cf:", result.Error, StringComparison.Ordinal);
            Assert.Contains("nosuch", result.Error, StringComparison.Ordinal);
        }
        Assert.Equal(1, (await Command.RunAsync(Published.Tool("postfix"), ["-c", config, "status"], environment: environment)).ExitCode);
        Assert.Equal(1, (await Command.RunAsync(Published.Tool("postfix"), ["-c", config, "nosuch"], environment: environment)).ExitCode);
    }

    [Fact]
    public async Task A_port_that_is_taken_ends_the_start_with_its_reason()
    {
        using var folder = new TemporaryFolder();
        var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        try
        {
            string config = Folder(folder, ((IPEndPoint)taken.LocalEndpoint).Port, "");
            var environment = new Dictionary<string, string> { ["ESTAFETTE_STATE"] = folder["state"] };
            CommandResult result = await Command.RunAsync(Published.Tool("postfix"), ["-c", config, "start"], environment: environment);
            Assert.Equal(1, result.ExitCode);
            Assert.Contains("cannot listen on 127.0.0.1:", result.Error, StringComparison.Ordinal);
        }
        finally
        {
            taken.Stop();
        }
    }

    private static string Folder(TemporaryFolder folder, int port, string log)
    {
        string config = Directory.CreateDirectory(folder["etc"]).FullName;
        File.WriteAllText(Path.Combine(config, "main.cf"), $"""
            compatibility_level = 3.6
            myhostname = mx.here.test
            mydestination =
            inet_protocols = ipv4
            inet_interfaces = 127.0.0.1
            alias_maps =
            alias_database =
            {(log.Length == 0 ? "" : $"maillog_file = {log}\nmaillog_file_prefixes = {Path.GetDirectoryName(log)}")}

            """);
        File.WriteAllText(Path.Combine(config, "master.cf"), string.Create(CultureInfo.InvariantCulture, $"""
            127.0.0.1:{port} inet n - n - - smtpd
            smtp unix - - n - - smtp
            relay unix - - n - - smtp
            local unix - n n - - local
            virtual unix - n n - - virtual
            error unix - - n - - error
            retry unix - - n - - error
            discard unix - - n - - discard
            lmtp unix - - n - - lmtp

            """));
        return config;
    }

    private static async Task<bool> GreetsAsync(int port)
    {
        try
        {
            await using RawSmtp client = await RawSmtp.ConnectAsync(port);
            return true;
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return false;
        }
    }
}
