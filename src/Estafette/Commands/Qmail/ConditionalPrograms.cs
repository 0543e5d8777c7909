using System.ComponentModel;
using System.Diagnostics;

namespace Estafette.Program.Commands.Qmail;

/// <summary>
/// The small programs that lines of a <c>.qmail</c> file start: <c>except</c>, <c>bouncesaying</c>, <c>preline</c>, <c>maildirmake</c>. Their answer is the exit code, which qmail-command(8) gives a meaning: 0 go on, 99 done,
/// 100 never, 111 not now. A program that cannot be started means "not now": a message must not bounce for a typing error.
/// </summary>
internal static class ConditionalPrograms
{
    public const int GoOn = 0, Done = 99, Never = 100, NotNow = 111;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary><c>except program</c>: goes on where the program refuses, and refuses where it does not (except(1)).</summary>
    public static int Except(string[] args)
    {
        if (args.Length == 0)
            return Usage("except: usage: except program [ arg ... ]");
        return Run("except", args) switch { Never => GoOn, NotNow => NotNow, _ => Never };
    }

    /// <summary><c>bouncesaying error [program]</c>: bounces with the words where the program exits 0, or where there is none (bouncesaying(1)).</summary>
    public static int BounceSaying(string[] args)
    {
        if (args.Length == 0)
            return Usage("bouncesaying: usage: bouncesaying error [ program [ arg ... ] ]");
        int answer = args.Length == 1 ? GoOn : Run("bouncesaying", args[1..]);
        if (answer == NotNow)
            return NotNow;
        if (answer != GoOn)
            return GoOn;
        Console.Out.WriteLine(args[0]);
        return Never;
    }

    /// <summary><c>preline [-fFrRdD] program</c>: feeds the program with the message, From_, Return-Path and Delivered-To lines in front (preline(1)).</summary>
    public static int PreLine(string[] args)
    {
        bool from = true, returnPath = true, delivered = true;
        int next = 0;
        for (; next < args.Length && args[next].Length > 1 && args[next][0] == '-'; next++)
        {
            foreach (char flag in args[next].AsSpan(1))
            {
                switch (flag)
                {
                    case 'f' or 'F': from = flag == 'F'; break;
                    case 'r' or 'R': returnPath = flag == 'R'; break;
                    case 'd' or 'D': delivered = flag == 'D'; break;
                    default: return Usage($"preline: there is no option -{flag}; usage: preline [ -fFrRdD ] program [ arg ... ]");
                }
            }
        }
        if (next == args.Length)
            return Usage("preline: usage: preline [ -fFrRdD ] program [ arg ... ]");
        try
        {
            using Process program = Process.Start(StartInfo(args[next..], feeds: true))!;
            using (Stream input = program.StandardInput.BaseStream)
            using (Stream message = Console.OpenStandardInput())
            {
                Write(input, from ? "UFLINE" : null);
                Write(input, returnPath ? "RPLINE" : null);
                Write(input, delivered ? "DTLINE" : null);
                message.CopyTo(input);
            }
            program.WaitForExit();
            return program.ExitCode;
        }
        catch (Win32Exception e)
        {
            return Fail($"preline: unable to run {args[next]}: {e.Message}");
        }
        catch (IOException e)
        {
            return Fail($"preline: {args[next]} did not take the message: {e.Message}");
        }
    }

    /// <summary><c>maildirmake folder</c> (maildirmake(1)).</summary>
    public static int MaildirMake(string[] args)
    {
        if (args.Length != 1 || args[0].StartsWith('-'))
            return Usage("maildirmake: usage: maildirmake name");
        try
        {
            if (Directory.Exists(args[0]) || File.Exists(args[0]))
                return Fail($"maildirmake: fatal: unable to mkdir {args[0]}: it is there already");
            foreach (string part in (string[])["", "tmp", "new", "cur"])
                Directory.CreateDirectory(Path.Combine(args[0], part), OwnerOnly);
            return GoOn;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Fail($"maildirmake: fatal: unable to mkdir {args[0]}: {e.Message}");
        }
    }

    /// <summary>Runs a program on the message; its exit code, or "not now" where it cannot be started or was killed.</summary>
    public static int Run(string own, string[] words)
    {
        try
        {
            using Process program = Process.Start(StartInfo(words, feeds: false))!;
            program.WaitForExit();
            return program.ExitCode > 128 ? NotNow : program.ExitCode;
        }
        catch (Win32Exception e)
        {
            return Fail($"{own}: unable to run {words[0]}: {e.Message}");
        }
    }

    private static ProcessStartInfo StartInfo(string[] words, bool feeds)
    {
        var start = new ProcessStartInfo(words[0]) { UseShellExecute = false, RedirectStandardInput = feeds };
        foreach (string word in words.AsSpan(1))
            start.ArgumentList.Add(word);
        return start;
    }

    private static void Write(Stream output, string? variable)
    {
        if (variable is not null)
            output.Write(System.Text.Encoding.UTF8.GetBytes(Environment.GetEnvironmentVariable(variable) ?? ""));
    }

    private static int Usage(string text)
    {
        Console.Error.WriteLine(text);
        return Never;
    }

    private static int Fail(string text)
    {
        Console.Error.WriteLine(text);
        return NotNow;
    }
}
