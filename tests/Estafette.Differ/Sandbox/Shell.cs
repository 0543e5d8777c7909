using System.Diagnostics;

namespace Estafette.Differ.Sandbox;

/// <summary>Runs commands of a scenario. Their output goes through files, so that a daemon which a command leaves behind holds no pipe open.</summary>
internal static class Shell
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    public static (int Exit, string Output) Run(string command, string? user = null, string input = "")
    {
        string work = Environment.GetEnvironmentVariable("SANDBOX_WORK") ?? Path.GetTempPath();
        string output = Path.Combine(work, "output"), entered = Path.Combine(work, "input");
        File.WriteAllText(entered, input);
        File.WriteAllText(output, "");
        string[] call = user is null ? ["/bin/sh", "-c", command] : ["/usr/sbin/runuser", "-u", user, "--", "/bin/sh", "-c", "cd; " + command];
        var start = new ProcessStartInfo("/bin/sh", ["-c", "exec \"$@\" < " + entered + " > " + output + " 2>&1", "sh", .. call]) { WorkingDirectory = "/" };
        if (user is not null)
            (start.Environment["HOME"], start.Environment["USER"], start.Environment["LOGNAME"]) = ("/home/" + user, user, user);
        using Process process = Process.Start(start)!;
        if (!process.WaitForExit(s_patience))
        {
            process.Kill(entireProcessTree: true);
            return (-1, File.ReadAllText(output) + "did not end");
        }
        return (process.ExitCode, File.ReadAllText(output));
    }
}
