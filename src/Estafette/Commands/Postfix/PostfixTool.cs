using System.Globalization;
using System.Text;
using Estafette.Control;
using Estafette.Program.Daemon;

namespace Estafette.Program.Commands.Postfix;

/// <summary>
/// What Postfix's commands have in common: how they speak (<c>postqueue: fatal: ...</c> on standard error, and the same in the mail log), the exit code of a fatal
/// end, and which configuration they are about. What goes into the log goes there by the daemon where the user may, else by syslog(3); a log that cannot be reached is no
/// reason to fail.
/// </summary>
internal sealed class PostfixTool(string name, int failure)
{
    public const string DefaultFolder = "/etc/postfix";

    public string Name => name;

    /// <summary>Exit code of a fatal end: 1, or 69 where a mail program calls the command (sysexits.h EX_UNAVAILABLE).</summary>
    public int Failure => failure;

    public StateFolder State { get; } = StateFolder.Default();

    /// <summary>The configuration: <c>-c</c>, else <c>$MAIL_CONFIG</c>, else the standard one.</summary>
    public string Folder { get; private set; } = Environment.GetEnvironmentVariable("MAIL_CONFIG") is { Length: > 0 } named ? named
        : Environment.GetEnvironmentVariable("ESTAFETTE_CONFIG") is { Length: > 0 } own && Directory.Exists(own) ? own : DefaultFolder;

    public static bool IsRoot => Native.RealUser() == 0;

    /// <summary>Takes <c>-c</c>; false, with words, where this user may not choose it or it is none.</summary>
    public async Task<bool> UseFolderAsync(string folder)
    {
        if (!IsRoot && folder != DefaultFolder)
        {
            await TellAsync("error", $"unauthorized configuration directory name: {folder}");
            await TellAsync("fatal", $"specify \"alternate_config_directories = {folder}\" or \"multi_instance_directories = {folder}\" in {DefaultFolder}/main.cf");
            return false;
        }
        if (!File.Exists(Path.Combine(folder, "main.cf")))
        {
            await TellAsync("fatal", $"open {folder}/main.cf: No such file or directory");
            return false;
        }
        Folder = folder;
        return true;
    }

    /// <summary>On standard error and in the log; <paramref name="severity"/> is info, warning, error or fatal.</summary>
    public async Task TellAsync(string severity, string text)
    {
        Console.Error.WriteLine(severity == "info" ? $"{name}: {text}" : $"{name}: {severity}: {text}");
        await new MailLog(State).WriteAsync("postfix/" + name, severity, text);
    }

    public async Task<int> FatalAsync(string text)
    {
        await TellAsync("fatal", text);
        return failure;
    }

    /// <summary>A wrong option in getopt(3)'s words, then the usage.</summary>
    public async Task<int> UsageAsync(string? problem, string usage)
    {
        if (problem is not null)
            Console.Error.WriteLine($"{name}: {problem}");
        return await FatalAsync("usage: " + usage);
    }

    /// <summary>The name and number of who runs the command, as refusals tell them.</summary>
    public static string User() => string.Create(CultureInfo.InvariantCulture, $"{Environment.UserName}({Native.RealUser()})");

    /// <summary>Standard output, gathered; a reader that goes away ends it silently.</summary>
    public static StreamWriter Output(Encoding encoding) =>
        new(new FileStream(new Microsoft.Win32.SafeHandles.SafeFileHandle(1, ownsHandle: false), FileAccess.Write, 0), encoding, 32 << 10) { NewLine = "\n" };

    public Task<ControlEnd?> AskAsync(ControlRequest request, Action<ControlRow> onRow, Action<string>? onDown = null) =>
        ControlClient.TryAskAsync(State, request, onRow, onDown ?? (static _ => { }));
}
