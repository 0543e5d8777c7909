using System.Runtime.InteropServices;
using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Delivery.Local;
using Estafette.Events;
using Estafette.Program.Daemon;
using Estafette.Smtpd;
using Estafette.Spool;

namespace Estafette.Program.Commands;

/// <summary><c>estafette run</c>: from the command line to a running server, and down again on SIGTERM. Exit 1 with words when it cannot start.</summary>
internal static class DaemonCommand
{
    public static async Task<int> RunAsync(DaemonOptions options)
    {
        try
        {
            return await StartAsync(options);
        }
        catch (Exception e) when (e is StartupException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine("estafette: " + e.Message);
            return ExitCode.Failure;
        }
    }

    private static async Task<int> StartAsync(DaemonOptions options)
    {
        using BackgroundProcess? background = options.Background ? BackgroundProcess.Detach() : null;
        try
        {
            return await StartAsync(options, background);
        }
        catch (Exception e) when (background is not null && e is StartupException or IOException or UnauthorizedAccessException)
        {
            // While the starter still listens.
            Console.Error.WriteLine("estafette: " + e.Message);
            return ExitCode.Failure;
        }
    }

    private static async Task<int> StartAsync(DaemonOptions options, BackgroundProcess? background)
    {
        Native.SetMask(0b000_010_111);
        // From here on the memory holds passwords and keys: no core file, whoever the user is (E54).
        _ = Native.ProcessControl(Native.SetDumpable, 0, 0, 0, 0);
        DaemonUser? user = null;
        if (Environment.IsPrivilegedProcess)
            user = DaemonUser.Find() ?? throw new StartupException("no user to run as: make one with 'useradd --system estafette'");
        var loader = new ConfigurationLoader(options, user?.Name ?? Environment.UserName);
        ConfigResult read = loader.Read(new FileView());
        Console.Error.Write(CheckCommand.Printer(read).Print(read.Diagnostics));
        if (read.Config is not MailConfig config)
            throw new StartupException($"{loader.Source} has errors; nothing was started");

        try
        {
            StatePreparation.Prepare(options.State, user);
        }
        catch (UnauthorizedAccessException)
        {
            throw new StartupException($"the state folder {options.State.Root} cannot be made or written: permission denied (name another with --state DIR, or start as root)");
        }
        using var log = new LogWriter(LogPlace.Open(config.Log, options.Background, user), LogPlace.Format(config, options.Background), options.Verbose || !config.Log.Trace.IsEmpty);
        var events = new EventSink(TimeProvider.System, log);
        events.SetTrace(options.Verbose ? ["all"] : config.Log.Trace);
        LoadedConfiguration loaded = await Bootstrap.LoadAsync(options, loader, read, user, text => events.Publish(new OperatorWarning("config", text) { At = events.Now }));
        IReadOnlyList<BoundListener> listeners = Bootstrap.Bind(config);
        Task<LocalProcess> starting = LocalProcess.StartAsync(
            new LocalProcessOptions(options.State.LocalSocket, options.State.LocalActions, user?.User ?? Native.EffectiveUser())
            {
                Compile = user is null ? null : new LocalCompile(options.State.WatchList, Path.Combine(AppContext.BaseDirectory, "estafette"), EstafetteCommand.CompileLine(options, user)),
            }, events, CancellationToken.None);
        user?.Become();
        return await ServeAsync(new DaemonStart(options, loader, loaded, listeners, starting) { ReopenLog = log.Reopen, Listening = () => background?.TellReady() }, events);
    }

    /// <summary>What is ready when root has been given up.</summary>
    private sealed record DaemonStart(
        DaemonOptions Options, ConfigurationLoader Loader, LoadedConfiguration Loaded, IReadOnlyList<BoundListener> Listeners, Task<LocalProcess> Local)
    {
        public required Func<string?> ReopenLog { get; init; }

        /// <summary>Called once the server listens.</summary>
        public required Action Listening { get; init; }
    }

    private static async Task<int> ServeAsync(DaemonStart start, EventSink events)
    {
        (DaemonOptions options, ConfigurationLoader loader, LoadedConfiguration loaded, _, _) = start;
        SpoolOpening opening = await LogSpool.OpenAsync(new LogSpoolOptions { Directory = options.State.Spool, DamageFound = damaged => Warn(damaged, events) }, TimeProvider.System, CancellationToken.None);
        await using LocalProcess local = await start.Local;
        if (opening.Spool is null)
            throw new StartupException(opening.Refusal!);
        Report(opening.Report!, events);
        await using var server = new MailServer(options, loader, loaded, opening.Spool, events) { ReopenLog = start.ReopenLog };
        var stopping = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        using PosixSignalRegistration terminate = OnSignal(PosixSignal.SIGTERM, () => stopping.TrySetResult("SIGTERM"));
        using PosixSignalRegistration interrupt = OnSignal(PosixSignal.SIGINT, () => stopping.TrySetResult("interrupted"));
        using PosixSignalRegistration reload = OnSignal(PosixSignal.SIGHUP, () => _ = server.ReloadAsync(CancellationToken.None));
        await server.StartAsync(start.Listeners, CancellationToken.None);
        start.Listening();
        events.Publish(new DaemonStarted(VersionText.Value, loader.Source) { At = events.Now });
        if (options.Config is null)
            Welcome.Print(loaded.Config, options.State, loader.MailUser);
        // What reading the configuration and starting left behind: an idle server keeps none of it.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        string reason = await stopping.Task;
        events.Publish(new DaemonStopping(reason) { At = events.Now });
        await server.StopAsync();
        return ExitCode.Ok;
    }

    private static PosixSignalRegistration OnSignal(PosixSignal signal, Action action) => PosixSignalRegistration.Create(signal, context =>
    {
        // The runtime would end the process; the server ends when it has drained.
        context.Cancel = true;
        action();
    });

    private static void Report(RecoveryReport report, EventSink events)
    {
        if (report.TornTail is TornTail torn)
            Warn($"an unfinished write at the end of {torn.Segment} was cut ({torn.Octets} octets at {torn.Offset}); nothing acknowledged was in it", events);
        foreach (DamagedRecord damaged in report.Damaged)
            Warn(damaged, events);
    }

    private static void Warn(DamagedRecord damaged, EventSink events)
    {
        string id = damaged.Id?.ToString() ?? "(unknown)";
        string what = damaged.IsLost
            ? $"message {id} is damaged and no longer waits; what is left of it is {damaged.SetAsideAs}"
            : $"progress of message {id} is damaged: a recipient may get it twice; see {damaged.SetAsideAs}";
        Warn($"{damaged.Segment} at {damaged.Offset}: {what}", events);
    }

    private static void Warn(string text, EventSink events) => events.Publish(new OperatorWarning("spool", text) { At = events.Now });
}
