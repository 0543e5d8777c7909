using System.CommandLine;
using Estafette.Control;
using Estafette.Program.Daemon;

namespace Estafette.Program.Commands;

/// <summary>The program's own command line: <c>estafette run | check | queue | reload | version</c>, each with <c>--help</c>.</summary>
internal static class EstafetteCommand
{
    public static async Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand("Estafette, a mail server that runs the configuration you already have.");
        root.Subcommands.Add(Run());
        root.Subcommands.Add(Check());
        root.Subcommands.Add(Queue());
        root.Subcommands.Add(Reload());
        root.Subcommands.Add(Version());
        root.Subcommands.Add(Compile());
        // Ends by itself on SIGTERM, within its own drain limit; the library would end the process after two seconds.
        return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
    }

    private static Option<string?> ConfigOption() => new("--config", "-c") { Description = "An smtpd.conf file. Default: $ESTAFETTE_CONFIG, else the embedded configuration (run) or /etc/smtpd.conf (check)." };

    private static Option<string?> StateOption() => new("--state") { Description = "Folder for spool, sockets and drop folder. Default: $ESTAFETTE_STATE, else /var/lib/estafette, else the user's own." };

    private static Option<bool> JsonOption(string form) => new("--json") { Description = form };

    private static Command Run()
    {
        Option<string?> config = ConfigOption();
        Option<string?> state = StateOption();
        var verbose = new Option<bool>("--verbose", "-v") { Description = "Debug lines too: the scheduler, expansion and deliveries." };
        var command = new Command("run", "Start the mail server in the foreground; SIGTERM or Ctrl-C stops it, SIGHUP reloads.") { config, state, verbose };
        var background = new Option<bool>("--background") { Hidden = true };
        command.Options.Add(background);
        command.SetAction((parsed, cancellation) => DaemonCommand.RunAsync(
            new DaemonOptions(Named(parsed.GetValue(config)), State(parsed.GetValue(state))) { Verbose = parsed.GetValue(verbose), Background = parsed.GetValue(background) }));
        return command;
    }

    private static Command Reload()
    {
        Option<string?> state = StateOption();
        var command = new Command("reload", "Let the running server read its configuration again; an error leaves it as it is.") { state };
        command.SetAction(async (parsed, cancellation) =>
            Tell(await ControlClient.AskAsync(State(parsed.GetValue(state)), new ControlRequest("reload"), _ => { }, cancellation), "reloaded"));
        return command;
    }

    /// <summary>Started by the privileged process only; its words are those of <see cref="CompileLine"/>.</summary>
    private static Command Compile()
    {
        Option<string?> config = ConfigOption(), state = StateOption();
        var user = new Option<string>("--user") { Required = true };
        var directory = new Option<string>("--directory") { Required = true };
        var renew = new Option<bool>("--renew");
        var command = new Command("compile", "Root's part of a reload; started by the server itself.") { config, state, user, directory, renew };
        command.Hidden = true;
        command.SetAction((parsed, cancellation) => CompileCommand.RunAsync(new CompileOptions(
            new DaemonOptions(parsed.GetValue(config), State(parsed.GetValue(state))), parsed.GetValue(user)!, parsed.GetValue(directory)!)
        { Renew = parsed.GetValue(renew) }));
        return command;
    }

    /// <summary>The command line of the compile step, for who starts the privileged process.</summary>
    public static string[] CompileLine(DaemonOptions options, DaemonUser user) =>
    [
        "compile", "--state", options.State.Root, "--user", user.ToText(), "--directory", Environment.CurrentDirectory,
        .. options.Config is string config ? ["--config", config] : Array.Empty<string>(),
    ];

    private static Command Check()
    {
        Option<string?> config = ConfigOption();
        Option<bool> json = JsonOption("A JSON array of the findings, on standard output.");
        var file = new Argument<string?>("file") { Description = "The same as --config.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("check", "Read a configuration and tell everything that is wrong with it, with place and cure. Exit 1 on errors.") { file, config, json };
        command.SetAction(parsed => CheckCommand.Run(Named(parsed.GetValue(config) ?? parsed.GetValue(file)) ?? "/etc/smtpd.conf", parsed.GetValue(json)));
        return command;
    }

    private static Command Queue()
    {
        var command = new Command("queue", "Show and operate the queue of the running server.");
        command.Subcommands.Add(List());
        foreach ((string name, string words, string help) in new[]
        {
            ("flush", "schedule", "Try now: a message id, an envelope id, or all."),
            ("hold", "pause-envelope", "Keep from being tried."),
            ("release", "resume-envelope", "Let held mail go on."),
            ("remove", "remove", "Delete without a notification."),
        })
        {
            Option<string?> state = StateOption();
            var which = new Argument<string>("id") { Description = "Message id (8 or 16 hex digits), envelope id (16), or 'all'." };
            var operate = new Command(name, help) { which, state };
            operate.SetAction(async (parsed, cancellation) =>
            {
                ControlEnd end = await ControlClient.AskAsync(State(parsed.GetValue(state)), new ControlRequest(words) { Arguments = [parsed.GetValue(which)!] }, _ => { }, cancellation);
                string id = parsed.GetValue(which)!;
                if (end is { Error: null, Affected: 0 } && id != "all")
                    end = new ControlEnd($"nothing to change in the queue is '{id}'", 0);
                return Tell(end, QueueListing.Count(end.Affected));
            });
            command.Subcommands.Add(operate);
        }
        return command;
    }

    private static Command List()
    {
        Option<string?> state = StateOption();
        Option<bool> json = JsonOption("One JSON object a line.");
        var which = new Argument<string?>("id") { Description = "Only this message.", Arity = ArgumentArity.ZeroOrOne };
        var list = new Command("list", "What waits, one recipient a line.") { which, json, state };
        list.SetAction(async (parsed, cancellation) =>
        {
            var entries = new List<QueueEntry>();
            string? id = parsed.GetValue(which);
            ControlEnd end = await ControlClient.AskAsync(State(parsed.GetValue(state)), new ControlRequest("show-queue") { Arguments = id is null ? [] : [id] }, row =>
            {
                if (row.Entry is not null)
                    entries.Add(row.Entry);
            }, cancellation);
            if (end.Error is null)
                QueueListing.Write(entries, parsed.GetValue(json));
            return Tell(end, null);
        });
        return list;
    }

    private static Command Version()
    {
        var command = new Command("version", "Print the version.");
        command.SetAction(_ =>
        {
            Console.Out.WriteLine("Estafette " + VersionText.Value);
            return ExitCode.Ok;
        });
        return command;
    }

    private static int Tell(ControlEnd end, string? done)
    {
        if (end.Error is not null)
        {
            Console.Error.WriteLine("estafette: " + end.Error);
            return ExitCode.Failure;
        }
        if (done is not null)
            Console.Out.WriteLine(done);
        return ExitCode.Ok;
    }

    private static string? Named(string? config)
    {
        if (config is null)
            config = Environment.GetEnvironmentVariable("ESTAFETTE_CONFIG");
        return string.IsNullOrEmpty(config) ? null : config;
    }

    private static StateFolder State(string? state) => state is null ? StateFolder.Default() : new StateFolder(Path.GetFullPath(state));
}
