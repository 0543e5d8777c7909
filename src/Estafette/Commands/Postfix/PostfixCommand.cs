using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Estafette.Control;
using Estafette.Program.Daemon;

namespace Estafette.Program.Commands.Postfix;

/// <summary>
/// postfix(1): starts, stops and operates the server of a configuration folder. There is one program instead of many, so <c>start</c> puts <c>estafette run</c> into the background
/// and returns when it listens; what the original does to its own files (set-permissions, upgrade-configuration) is done at every start or not needed.
/// </summary>
internal static class PostfixCommand
{
    private const string Usage = "postfix [-c config_dir] [-Dv] command";
    private const string Commands = "start (or stop, reload, abort, flush, check, status, set-permissions, upgrade-configuration, logrotate)";

    /// <summary>How long <c>stop</c> waits: deliveries that run get their drain time, and a restart must find the ports free.</summary>
    private static readonly TimeSpan s_stopTime = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_stopNews = TimeSpan.FromSeconds(5);

    public static async Task<int> RunAsync(string[] args)
    {
        var tool = new PostfixTool("postfix", ExitCode.Failure);
        // Who names a state folder runs a server of their own, without root.
        if (!PostfixTool.IsRoot && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("ESTAFETTE_STATE")))
        {
            await SayAsync(tool, "error", "to submit mail, use the Postfix sendmail command", "");
            return await SayAsync(tool, "fatal", "the postfix command is reserved for the superuser", "");
        }
        var options = new OptionReader("c:Dv", args);
        bool verbose = false;
        while (options.Next() is { } option)
        {
            verbose |= option.Letter == 'v';
            if (option.Letter == 'c' && !await tool.UseFolderAsync(option.Value))
                return tool.Failure;
        }
        if (options.Problem is not null)
            Console.Error.WriteLine("postfix: " + options.Problem);
        if (options.Problem is not null || options.Rest.Count != 1)
            return options.Rest.Count == 0 && options.Problem is null ? await UnknownAsync(tool, "") : await SayAsync(tool, "fatal", "usage: " + Usage, "");
        int? daemon = await ControlClient.DaemonAsync(tool.State);
        return options.Rest[0] switch
        {
            "start" => daemon is null ? await StartAsync(tool, verbose) : await FatalAsync(tool, "the Postfix mail system is already running"),
            "start-fg" => daemon is null ? await RunForegroundAsync(tool, verbose) : await FatalAsync(tool, "the Postfix mail system is already running"),
            "status" => await StatusAsync(tool, daemon),
            "stop" or "abort" or "reload" or "drain" or "quick-stop" when daemon is null => await FatalAsync(tool, "the Postfix mail system is not running"),
            "stop" or "drain" or "quick-stop" => await StopAsync(tool, daemon!.Value),
            "abort" => await AbortAsync(tool, daemon!.Value),
            "reload" => await ReloadAsync(tool),
            "flush" => await PostqueueCommand.RunAsync(["-f"]),
            "check" => Check(tool),
            "logrotate" => await LogRotation.RunAsync(tool),
            "set-permissions" or "upgrade-configuration" => ExitCode.Ok,
            "tls" => await FatalAsync(tool, "certificates are made by 'openssl req', or by Estafette itself: see docs/tls.md"),
            _ => await UnknownAsync(tool, options.Rest[0]),
        };
    }

    private static Task<int> UnknownAsync(PostfixTool tool, string command) => FatalAsync(tool, $"unknown command: '{command}'. Usage: postfix {Commands}");

    private static Task<int> FatalAsync(PostfixTool tool, string text) => SayAsync(tool, "fatal", text, "/postfix-script");

    /// <summary>In the log, and to a person at a terminal: scripts read the exit code, as with the original.</summary>
    public static async Task<int> SayAsync(PostfixTool tool, string severity, string text, string part = "/postfix-script")
    {
        if (!Console.IsErrorRedirected)
            Console.Error.WriteLine(severity == "info" ? $"postfix{part}: {text}" : $"postfix{part}: {severity}: {text}");
        await new MailLog(tool.State).WriteAsync("postfix" + part, severity, text);
        return severity == "fatal" ? tool.Failure : ExitCode.Ok;
    }

    private static int Check(PostfixTool tool) => CheckCommand.RunQuietly(tool.Folder, "postfix");

    private static async Task<int> StartAsync(PostfixTool tool, bool verbose)
    {
        if (Check(tool) != ExitCode.Ok)
            return await FatalAsync(tool, "Postfix integrity check failed!");
        await SayAsync(tool, "info", "starting the Postfix mail system");
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        foreach (string word in (string[])["run", "--config", Path.GetFullPath(tool.Folder), "--state", tool.State.Root, "--background", .. verbose ? ["--verbose"] : Array.Empty<string>()])
            start.ArgumentList.Add(word);
        try
        {
            using Process process = Process.Start(start) ?? throw new Win32Exception("no process");
            process.StandardInput.Close();
            // Until it listens it says on standard error what is wrong; its end is the end of what it says.
            while (await process.StandardError.ReadLineAsync() is string said)
            {
                if (said == BackgroundProcess.Ready)
                    return ExitCode.Ok;
                Console.Error.WriteLine(said);
            }
        }
        catch (Win32Exception e)
        {
            Console.Error.WriteLine($"postfix: cannot start {Environment.ProcessPath}: {e.Message}");
        }
        return await FatalAsync(tool, "mail system startup failed");
    }

    private static Task<int> RunForegroundAsync(PostfixTool tool, bool verbose) => DaemonCommand.RunAsync(new DaemonOptions(tool.Folder, tool.State) { Verbose = verbose });

    private static async Task<int> StatusAsync(PostfixTool tool, int? daemon)
    {
        await SayAsync(tool, "info", daemon is null ? "the Postfix mail system is not running" : string.Create(CultureInfo.InvariantCulture, $"the Postfix mail system is running: PID: {daemon}"));
        return daemon is null ? ExitCode.Failure : ExitCode.Ok;
    }

    private static async Task<int> StopAsync(PostfixTool tool, int daemon)
    {
        await SayAsync(tool, "info", "stopping the Postfix mail system");
        Process process;
        try
        {
            process = Process.GetProcessById(daemon);
        }
        catch (ArgumentException)
        {
            return ExitCode.Ok;
        }
        using (process)
        {
            if (Native.Kill(daemon, Native.Terminate) != 0)
                return await FatalAsync(tool, string.Create(CultureInfo.InvariantCulture, $"cannot stop process {daemon}: {Native.LastError()}"));
            for (TimeSpan waited = TimeSpan.Zero; waited < s_stopTime; waited += s_stopNews)
            {
                using var limit = new CancellationTokenSource(s_stopNews);
                try
                {
                    await process.WaitForExitAsync(limit.Token);
                    return ExitCode.Ok;
                }
                catch (OperationCanceledException)
                {
                    await SayAsync(tool, "info", "waiting for the Postfix mail system to terminate");
                }
            }
        }
        // No force: what it has in its hands would be delivered twice.
        return await FatalAsync(tool, string.Create(CultureInfo.InvariantCulture, $"the Postfix mail system does not stop: process {daemon}"));
    }

    private static async Task<int> AbortAsync(PostfixTool tool, int daemon)
    {
        await SayAsync(tool, "info", "aborting the Postfix mail system");
        return Native.Kill(daemon, Native.Terminate) == 0 ? ExitCode.Ok
            : await FatalAsync(tool, string.Create(CultureInfo.InvariantCulture, $"cannot stop process {daemon}: {Native.LastError()}"));
    }

    private static async Task<int> ReloadAsync(PostfixTool tool)
    {
        await SayAsync(tool, "info", "refreshing the Postfix mail system");
        ControlEnd? end = await tool.AskAsync(new ControlRequest("reload"), static _ => { });
        if (end is { Error: null })
            return ExitCode.Ok;
        Console.Error.WriteLine("postfix: fatal: the old configuration stays: " + (end?.Error ?? "the mail system stopped"));
        return tool.Failure;
    }
}
