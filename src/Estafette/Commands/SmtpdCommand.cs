using Estafette.Program.Daemon;

namespace Estafette.Program.Commands;

/// <summary>smtpd(8): the flags of OpenSMTPD's daemon. It stays in the foreground in any case: who starts it supervises it.</summary>
internal static class SmtpdCommand
{
    private const string Help = """
        usage: smtpd [-dhnv] [-f FILE] [-T SUBSYSTEM] [-D NAME=VALUE]
          -n   only check the configuration      -f   configuration file (/etc/smtpd.conf)
          -d   foreground, log on standard error (always so)
          -v   verbose                           -T   trace a subsystem: smtp expand lookup scheduler mta mda all
        """;

    public static async Task<int> RunAsync(string[] args)
    {
        string config = Environment.GetEnvironmentVariable("ESTAFETTE_CONFIG") is { Length: > 0 } named ? named : "/etc/smtpd.conf";
        bool check = false;
        bool verbose = false;
        for (int i = 0; i < args.Length; i++)
        {
            string arg = args[i];
            if (arg is "-h" or "--help")
            {
                Console.Out.WriteLine(Help);
                return ExitCode.Ok;
            }
            if (arg.Length < 2 || arg[0] != '-')
                return Usage($"unexpected argument '{arg}'");
            for (int at = 1; at < arg.Length; at++)
            {
                char flag = arg[at];
                if (flag is 'f' or 'T' or 'D' or 'P')
                {
                    string? value = at + 1 < arg.Length ? arg[(at + 1)..] : i + 1 < args.Length ? args[++i] : null;
                    if (value is null)
                        return Usage($"option -{flag} needs a value");
                    if (flag == 'f')
                        config = value;
                    else if (flag == 'T')
                        verbose = true;
                    break;
                }
                switch (flag)
                {
                    case 'n': check = true; break;
                    case 'v': verbose = true; break;
                    case 'd' or 'F': break;
                    default: return Usage($"unknown option -{flag}");
                }
            }
        }
        if (check)
            return CheckCommand.Run(config, json: false);
        return await DaemonCommand.RunAsync(new DaemonOptions(config, StateFolder.Default()) { Verbose = verbose });
    }

    private static int Usage(string problem)
    {
        Console.Error.WriteLine("smtpd: " + problem);
        Console.Error.WriteLine(Help);
        return ExitCode.Failure;
    }
}
