using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Control;
using Estafette.Events;
using Estafette.Program.Daemon;

namespace Estafette.Program.Commands.Postfix;

/// <summary><c>postfix logrotate</c>: moves the log file to a name with the time, lets the server go on in a new one, and packs the old one (postconf(5) maillog_file).</summary>
internal static class LogRotation
{
    private static readonly TimeSpan s_packTime = TimeSpan.FromMinutes(10);

    public static async Task<int> RunAsync(PostfixTool tool)
    {
        MailConfig? config = ConfigurationLoader.ReadPath(tool.Folder, new ReadOptions { Machine = new LocalMachine(), CheckFiles = false }).Config;
        if (config is null || config.Log.File.Length == 0 || config.Log.File.StartsWith("/dev/", StringComparison.Ordinal))
            return await PostfixCommand.SayAsync(tool, "fatal", "cannot rotate the log: maillog_file names no file, or the configuration has errors (postfix check)");
        string old = config.Log.File + "." + Suffix(config.Log.RotateSuffix, DateTimeOffset.Now);
        try
        {
            File.Move(config.Log.File, old);
            // The daemon may not make files here: the new one is its own from the start.
            new FileLogOutput(config.Log.File).Dispose();
            if (DaemonUser.Find() is { } user && PostfixTool.IsRoot)
                _ = Native.ChangeOwner(config.Log.File, user.User, user.Group);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return await PostfixCommand.SayAsync(tool, "fatal", "cannot rotate the log: " + e.Message);
        }
        if (await tool.AskAsync(new ControlRequest("reopen-log"), static _ => { }) is { Error: string problem })
            return await PostfixCommand.SayAsync(tool, "fatal", problem);
        return config.Log.Compressor.Length == 0 || await PackAsync(config.Log.Compressor, old) ? ExitCode.Ok
            : await PostfixCommand.SayAsync(tool, "fatal", $"{config.Log.Compressor} did not pack {old}");
    }

    private static async Task<bool> PackAsync(string compressor, string file)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(compressor) { ArgumentList = { file } }) ?? throw new Win32Exception("no process");
            using var limit = new CancellationTokenSource(s_packTime);
            await process.WaitForExitAsync(limit.Token);
            return process.ExitCode == 0;
        }
        catch (Exception e) when (e is Win32Exception or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>The letters of strftime(3) that a name of a file can want.</summary>
    public static string Suffix(string format, DateTimeOffset at)
    {
        var text = new StringBuilder();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }
            text.Append(format[++i] switch
            {
                'Y' => at.ToString("yyyy", CultureInfo.InvariantCulture),
                'y' => at.ToString("yy", CultureInfo.InvariantCulture),
                'm' => at.ToString("MM", CultureInfo.InvariantCulture),
                'd' => at.ToString("dd", CultureInfo.InvariantCulture),
                'H' => at.ToString("HH", CultureInfo.InvariantCulture),
                'M' => at.ToString("mm", CultureInfo.InvariantCulture),
                'S' => at.ToString("ss", CultureInfo.InvariantCulture),
                'F' => at.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                'T' => at.ToString("HH:mm:ss", CultureInfo.InvariantCulture),
                'j' => at.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
                's' => at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
                '%' => "%",
                char other => "%" + other,
            });
        }
        return text.ToString();
    }
}
