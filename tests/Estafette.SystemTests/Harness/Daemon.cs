using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Estafette.SystemTests.Harness;

/// <summary>
/// A running Estafette with a state folder of its own. The configuration's text may use <c>@PORT@</c> and <c>@DIR@</c>. Its log is kept and is
/// part of every failure's message. As root the daemon gives root up, as it does in life.
/// </summary>
internal sealed class Daemon : IAsyncDisposable
{
    private readonly string _config;

    private Daemon(TemporaryFolder folder, string config, int port)
    {
        Folder = folder;
        _config = config;
        Port = port;
        State = folder["state"];
    }

    public TemporaryFolder Folder { get; }
    public int Port { get; }

    /// <summary>The state folder; a test may put it on another file system before the start.</summary>
    public string State { get; set; }
    public Background? Running { get; private set; }

    public string Log => _earlierLog + Running?.Output;
    private string _earlierLog = "";

    /// <summary>Variables for the daemon and its tools; a test may add some before the start.</summary>
    public Dictionary<string, string> Environment
    {
        get
        {
            _environment["ESTAFETTE_STATE"] = State;
            _environment["ESTAFETTE_CONFIG"] = _config;
            return _environment;
        }
    }

    private readonly Dictionary<string, string> _environment = [];

    public static Daemon Prepare(string configuration, TemporaryFolder? folder = null, int? port = null)
    {
        folder ??= new TemporaryFolder();
        int listen = port ?? Ports.Free();
        string text = configuration.Replace("@PORT@", listen.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal).Replace("@DIR@", folder.Path, StringComparison.Ordinal);
        return new Daemon(folder, folder.Write("smtpd.conf", text), listen);
    }

    /// <summary>With Postfix's two files; <c>@PORT@</c> is where it is waited for.</summary>
    public static Daemon PreparePostfix(string mainCf, string masterCf, TemporaryFolder? folder = null)
    {
        folder ??= new TemporaryFolder();
        int listen = Ports.Free();
        string config = Directory.CreateDirectory(folder["postfix"]).FullName;
        folder.Write("postfix/main.cf", Filled(mainCf) + "\n");
        folder.Write("postfix/master.cf", Filled(masterCf) + "\n");
        return new Daemon(folder, config, listen);

        string Filled(string text) => text.Replace("@PORT@", listen.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal).Replace("@DIR@", folder.Path, StringComparison.Ordinal);
    }

    public static async Task<Daemon> StartAsync(string configuration, TemporaryFolder? folder = null, int? port = null)
    {
        Daemon daemon = Prepare(configuration, folder, port);
        await daemon.StartAgainAsync();
        return daemon;
    }

    /// <summary>Starts (again) on the same state and configuration and waits until it greets.</summary>
    public Task StartAgainAsync() => StartAgainAsync(Published.Tool("estafette"), ["run", "--config", _config, "--state", State]);

    public async Task StartAgainAsync(string program, string[] arguments)
    {
        _earlierLog += Running?.Output;
        if (Running is not null)
            await Running.DisposeAsync();
        Written.ByRun.WatchProcesses();
        Running = new Background(program, arguments, Environment);
        await Wait.UntilAsync(async () =>
        {
            Assert.False(Running.Process.HasExited, "the daemon ended:\n" + Running.Output);
            return await GreetsAsync();
        }, "the daemon greets\n" + Log);
    }

    public async Task<bool> GreetsAsync()
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Port);
            byte[] start = new byte[3];
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            await client.GetStream().ReadExactlyAsync(start, limit.Token);
            return start.AsSpan().SequenceEqual("220"u8);
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Runs one of the program's names with this daemon's state.</summary>
    public Task<CommandResult> ToolAsync(string name, IEnumerable<string> arguments, string? input = null) =>
        Command.RunAsync(Published.Tool(name), arguments, input, Environment);

    public async Task<IReadOnlyList<string>> QueueAsync()
    {
        CommandResult result = await ToolAsync("smtpctl", ["show", "queue"]);
        Assert.True(result.ExitCode == 0, result.ToString());
        return result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    public Task UntilQueueIsEmptyAsync(TimeSpan? deadline = null) =>
        Wait.UntilAsync(async () => (await QueueAsync()).Count == 0, "the queue becomes empty\n" + Log, deadline);

    public async ValueTask DisposeAsync()
    {
        if (Running is not null)
        {
            if (!Running.Process.HasExited)
                await Running.TerminateAsync();
            await Running.DisposeAsync();
        }
        Written.ByRun.Keep(State, "state");
        Folder.Dispose();
    }
}
