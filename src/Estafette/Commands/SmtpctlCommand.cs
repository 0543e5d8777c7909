using System.Globalization;
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
          show stats | status        counters; what is paused
          show envelope ID           one waiting recipient, a field a line
          show hoststats             how the last attempt at each domain went
          show routes|relays|hosts   next hops with open connections or waiting mail
          schedule ID | all          try now                    remove ID | all       delete from the queue
          pause mta|mda|smtp         stop giving out work        resume mta|mda|smtp   go on
          pause envelope ID | all    hold                        resume envelope ID | all
          log brief | verbose        less or more in the log     trace SUBSYSTEM / untrace SUBSYSTEM
          update table NAME          read a table again now      reload                read the configuration again
          encrypt [--scheme scram-sha-256|sha512|yescrypt|bcrypt] [PASSWORD]
                                     what a credentials table holds; without PASSWORD it is read from the terminal or one line of standard input
        ID is a message id (8 hex digits) or an envelope id (16)
        """;

    public static async Task<int> RunAsync(string[] args)
    {
        switch (args)
        {
            case ["--help"] or ["-h"]:
                Console.Out.WriteLine(Help);
                return ExitCode.Ok;
            case ["--version"]:
                Console.Out.WriteLine("smtpctl (Estafette " + VersionText.Value + ")");
                return ExitCode.Ok;
            case ["encrypt", "--scheme", var scheme, .. var rest] when rest.Length <= 1:
                return Encrypt(scheme, rest);
            case var words when !SmtpctlGrammar.Knows(words):
                Console.Error.WriteLine("smtpctl: no such command. possibilities are:\n" + string.Join('\n', SmtpctlGrammar.Possibilities(words)) + "\n(smtpctl --help says more)");
                return ExitCode.NoSuchCommand;
            case ["show", "queue", ..]:
                return await ShowQueueAsync(args[2..]);
            case ["encrypt", ..]:
                return Encrypt(PasswordHash.DefaultScheme, args[1..]);
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
        int words = args[0] is "show" or "update" or "pause" or "resume" ? 2 : 1;
        var request = new ControlRequest(string.Join('-', args[..words])) { Arguments = args[words..] };
        ControlEnd end = await ControlClient.AskAsync(StateFolder.Default(), request, row => Console.Out.WriteLine(row.Text));
        if (end.Error is null && Done(request.Command) is { } done)
        {
            // The original's words: a plural from two on only.
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{end.Affected} envelope{(end.Affected > 1 ? "s" : "")} {done}"));
            return ExitCode.Ok;
        }
        bool show = args[0] is "show";
        if (end.Error is not null && !show)
            Console.Out.WriteLine("command failed");
        return Answer(end, quiet: show);
    }

    private static string? Done(string request) => request switch
    {
        "schedule" => "scheduled",
        "remove" => "removed",
        "pause-envelope" => "paused",
        "resume-envelope" => "resumed",
        _ => null,
    };

    private static int Answer(ControlEnd end, bool quiet)
    {
        if (end.Error is not null)
        {
            Console.Error.WriteLine("smtpctl: " + end.Error);
            return ExitCode.Failure;
        }
        if (!quiet)
            Console.Out.WriteLine("command succeeded");
        return ExitCode.Ok;
    }

    private static int Encrypt(string scheme, string[] args)
    {
        if (!PasswordHash.Schemes.Contains(scheme))
        {
            Console.Error.WriteLine($"smtpctl: no such scheme: {scheme}; there are {string.Join(", ", PasswordHash.Schemes)}");
            return ExitCode.Failure;
        }
        string? password = args.Length > 0 ? args[0] : Console.IsInputRedirected ? Console.In.ReadLine() : ReadHidden();
        if (string.IsNullOrEmpty(password))
        {
            Console.Error.WriteLine("smtpctl: no password given: as an argument or one line on standard input");
            return ExitCode.Failure;
        }
        byte[] octets = System.Text.Encoding.UTF8.GetBytes(password);
        string? stored = PasswordHash.Create(scheme, octets);
        Array.Clear(octets);
        if (stored is null)
        {
            Console.Error.WriteLine($"smtpctl: {scheme} cannot hold this password: it has characters that clients write in several ways (RFC 4013)");
            return ExitCode.Failure;
        }
        Console.Out.WriteLine(stored);
        return ExitCode.Ok;
    }

    private static string ReadHidden()
    {
        Console.Error.Write("password: ");
        var text = new System.Text.StringBuilder();
        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
        {
            if (key.Key == ConsoleKey.Backspace)
                text.Length = Math.Max(0, text.Length - 1);
            else if (key.KeyChar != '\0')
                text.Append(key.KeyChar);
        }
        Console.Error.WriteLine();
        return text.ToString();
    }
}
