using Estafette.Control;
using Estafette.Program.Daemon;
using Estafette.Program.Submission;

namespace Estafette.Program.Commands;

/// <summary>smtpctl(8): the words of OpenSMTPD's control program, answered by the running daemon. Called as <c>sendmail</c> and friends through mailwrapper it is those (O4).</summary>
internal static class SmtpctlCommand
{
    private const string Help = """
        usage: smtpctl COMMAND
          show queue [ID]            what waits, one recipient a line
          show message ID            a waiting message, header and body
          show stats                 counters
          schedule ID | all          try now                    remove ID | all       delete from the queue
          pause mta|mda|smtp         stop giving out work        resume mta|mda|smtp   go on
          pause envelope ID | all    hold                        resume envelope ID | all
          log brief | verbose        less or more in the log     trace SUBSYSTEM / untrace SUBSYSTEM
          update table NAME          read a table again now      reload                read the configuration again
          encrypt [PASSWORD]         a hash for a credentials table
        ID is a message id (8 hex digits) or an envelope id (16)
        """;

    public static async Task<int> RunAsync(string[] args)
    {
        switch (args)
        {
            case [] or ["--help"] or ["-h"]:
                (args.Length == 0 ? Console.Error : Console.Out).WriteLine(Help);
                return args.Length == 0 ? ExitCode.Usage : ExitCode.Ok;
            case ["--version"]:
                Console.Out.WriteLine("smtpctl (Estafette " + VersionText.Value + ")");
                return ExitCode.Ok;
            case ["show", "queue", ..]:
                return await ShowQueueAsync(args[2..]);
            case ["encrypt", ..]:
                return Encrypt(args[1..]);
            default:
                return await PassOnAsync(args);
        }
    }

    public static async Task<int> ShowQueueAsync(string[] args)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        ControlEnd end = await ControlClient.AskAsync(StateFolder.Default(), new ControlRequest("show-queue") { Arguments = args }, row =>
        {
            if (row.Entry is QueueEntry entry)
                Console.Out.WriteLine(QueueListing.Bars(entry, now));
        });
        return Answer(end, quiet: true);
    }

    /// <summary>The verb and its kind make the request's name (<c>show-message</c>, <c>pause-mta</c>); the rest are its arguments.</summary>
    private static async Task<int> PassOnAsync(string[] args)
    {
        int words = args[0] is "show" or "update" || (args[0] is "pause" or "resume" && args.Length > 1) ? 2 : 1;
        if (args.Length < words)
            return Answer(new ControlEnd($"'{args[0]}' needs more words (see smtpctl --help)", 0), quiet: true);
        var request = new ControlRequest(string.Join('-', args[..words])) { Arguments = args[words..] };
        bool quiet = args[0] is "show";
        return Answer(await ControlClient.AskAsync(StateFolder.Default(), request, row => Console.Out.WriteLine(row.Text)), quiet);
    }

    private static int Answer(ControlEnd end, bool quiet)
    {
        if (end.Error is not null)
        {
            Console.Error.WriteLine("smtpctl: " + end.Error);
            return ExitCode.Failure;
        }
        if (!quiet)
            Console.Out.WriteLine(end.Affected > 1 ? "command succeeded: " + QueueListing.Count(end.Affected) : "command succeeded");
        return ExitCode.Ok;
    }

    private static int Encrypt(string[] args)
    {
        string? password = args.Length > 0 ? args[0] : Console.In.ReadLine();
        if (string.IsNullOrEmpty(password))
            return Answer(new ControlEnd("no password given: as an argument or one line on standard input", 0), quiet: true);
        Console.Out.WriteLine(PasswordHash.Create(password));
        return ExitCode.Ok;
    }
}
