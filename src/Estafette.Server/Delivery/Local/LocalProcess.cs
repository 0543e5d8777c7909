using System.Diagnostics;
using System.Globalization;
using Estafette.Events;

namespace Estafette.Delivery.Local;

/// <summary>
/// Starts the privileged process beside the daemon's own program and watches it. It ends when our end of its standard input closes, so it never outlives the daemon. Where
/// it dies it is started again after a growing pause as long as that gives the same process; a daemon that has dropped root can only tell the operator, and
/// deliveries defer with a reason.
/// </summary>
public sealed class LocalProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan EndTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    private readonly LocalProcessOptions _options;
    private readonly EventSink _events;
    private readonly CancellationTokenSource _stop = new();

    /// <summary>A daemon that started as root under another identity to come cannot start the same process again.</summary>
    private readonly bool _restartable;
    private Process _process;
    private readonly Task _watch;
    private int _disposed;

    private LocalProcess(LocalProcessOptions options, EventSink events, Process process)
    {
        _options = options;
        _events = events;
        _process = process;
        _restartable = !Environment.IsPrivilegedProcess || options.DaemonUid == 0;
        _watch = WatchAsync();
    }

    /// <summary>Starts it and waits until it listens. Throws <see cref="IOException"/> with a reason for the operator where it does not.</summary>
    public static async Task<LocalProcess> StartAsync(LocalProcessOptions options, EventSink events, CancellationToken cancellationToken) =>
        new(options, events, await LaunchAsync(options, cancellationToken).ConfigureAwait(false));

    private static async Task<Process> LaunchAsync(LocalProcessOptions options, CancellationToken cancellationToken)
    {
        string program = options.Program ?? Path.Combine(AppContext.BaseDirectory, "estafette-local");
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            WorkingDirectory = "/",
            ArgumentList = { "--socket", options.SocketPath, "--actions", options.ActionsPath, "--daemon", options.DaemonUid.ToString(CultureInfo.InvariantCulture) },
        };
        if (options.Compile is { } compile)
        {
            foreach (string word in (string[])["--watch", compile.WatchList, "--compile", compile.Program, .. compile.Arguments])
                start.ArgumentList.Add(word);
        }
        // No diagnostics port for a root process, and nothing of a caller's environment that the runtime or the loader would act on.
        foreach (string name in start.Environment.Keys.Where(k => k is not ("DOTNET_ROOT" or "PATH" or "TZ" or "LANG" or "LC_ALL")).ToList())
            start.Environment.Remove(name);
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        start.Environment["DOTNET_TieredPGO"] = "0";
        Process process;
        try
        {
            process = Process.Start(start) ?? throw new IOException($"cannot start {program}");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new IOException($"cannot start {program}: {e.Message}", e);
        }
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(StartTime);
        string? line;
        try
        {
            line = await process.StandardOutput.ReadLineAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            line = null;
        }
        if (line == "ready")
            return process;
        process.StandardInput.Close();
        process.Dispose();
        cancellationToken.ThrowIfCancellationRequested();
        throw new IOException($"{program} did not start");
    }

    private async Task WatchAsync()
    {
        TimeSpan pause = TimeSpan.FromSeconds(1);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _process.WaitForExitAsync(_stop.Token).ConfigureAwait(false);
                Warn($"the local delivery process ended with status {_process.ExitCode}; " + (_restartable ? "it is started again" : "restart the server to deliver local mail again"));
                if (!_restartable)
                    return;
                await Task.Delay(pause, _stop.Token).ConfigureAwait(false);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
                Process next = await LaunchAsync(_options, _stop.Token).ConfigureAwait(false);
                _process.Dispose();
                _process = next;
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (IOException e)
            {
                Warn(e.Message);
            }
        }
    }

    private void Warn(string text) => _events.Publish(new OperatorWarning("local", text) { At = _events.Now });

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        await _stop.CancelAsync().ConfigureAwait(false);
        await _watch.ConfigureAwait(false);
        if (!_process.HasExited)
        {
            _process.StandardInput.Close();
            using var limit = new CancellationTokenSource(EndTime);
            try
            {
                await _process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // It leaves when its last command does; nothing of ours hangs on that.
            }
        }
        _process.Dispose();
        _stop.Dispose();
    }
}

/// <param name="SocketPath">Where it listens; at most 107 octets.</param>
/// <param name="ActionsPath">The file of <see cref="LocalActionsFile"/>.</param>
/// <param name="DaemonUid">The only uid besides root that may connect: the one the daemon has after it dropped root.</param>
public sealed record LocalProcessOptions(string SocketPath, string ActionsPath, uint DaemonUid)
{
    /// <summary>The program; null means <c>estafette-local</c> beside the daemon.</summary>
    public string? Program { get; init; }

    /// <summary>What it starts when the daemon asks for root's part of a reload; null where the daemon can do that itself.</summary>
    public LocalCompile? Compile { get; init; }
}

/// <param name="WatchList">The list of files that it looks at for the daemon.</param>
/// <param name="Program">The program of the compile step.</param>
/// <param name="Arguments">Its whole command line, but for its name: fixed here, because nothing of it may ever come from the socket.</param>
public sealed record LocalCompile(string WatchList, string Program, IReadOnlyList<string> Arguments);
