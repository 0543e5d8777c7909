using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Estafette.Program.Daemon;

/// <summary>
/// The daemon without a terminal (<c>postfix start</c>): a session of its own; standard error is what its starter reads until the server listens, kept beside the standard
/// descriptors, so that no child inherits it. Problems of the start are told there, later ones in the log.
/// </summary>
internal sealed class BackgroundProcess : IDisposable
{
    /// <summary>The last word to the starter.</summary>
    public const string Ready = "ready";

    private readonly StreamWriter _starter;

    private BackgroundProcess(StreamWriter starter) => _starter = starter;

    public static BackgroundProcess Detach()
    {
        _ = Native.NewSession();
        int kept = Native.Duplicate(2, Native.DuplicateCloseOnExec, 10);
        if (kept < 0)
            throw new StartupException("no file descriptor for the start's messages: " + Native.LastError());
        var starter = new StreamWriter(new FileStream(new SafeFileHandle(kept, ownsHandle: true), FileAccess.Write, 0)) { AutoFlush = true };
        Console.SetError(starter);
        Console.SetOut(TextWriter.Null);
        using SafeFileHandle nowhere = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite);
        for (int standard = 0; standard <= 2; standard++)
            _ = Native.DuplicateTo((int)nowhere.DangerousGetHandle(), standard);
        return new BackgroundProcess(starter);
    }

    /// <summary>The server listens: the starter may go.</summary>
    public void TellReady()
    {
        Console.SetError(TextWriter.Null);
        try
        {
            _starter.WriteLine(Ready);
        }
        catch (IOException)
        {
            // The starter did not wait.
        }
        Dispose();
    }

    public void Dispose() => _starter.Dispose();
}
