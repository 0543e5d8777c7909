using System.Globalization;
using System.Text;

namespace Estafette.SystemTests.Harness;

/// <summary>
/// Keeps what a test run wrote in one folder: output of every daemon and tool of ours, what peers received, state folders, core files, and the argument lists and environments of our
/// processes. <c>./test</c> names the folder in <c>$ESTAFETTE_TEST_WRITTEN</c> and looks through it at its end; without it, it is a temporary one that goes with the run.
/// </summary>
internal sealed class Written
{
    private const int LargestBlock = 64 << 10;
    private const long LargestCopy = 64L << 20;
    private readonly HashSet<string> _processes = [];
    private readonly Lock _lock = new();
    private int _files;
    private int _looking;
    private Timer? _watch;

    private Written()
    {
        string? named = Environment.GetEnvironmentVariable("ESTAFETTE_TEST_WRITTEN");
        Folder = Directory.CreateDirectory(string.IsNullOrEmpty(named) ? $"/var/tmp/estafette-written-{Environment.ProcessId}" : named).FullName;
        if (string.IsNullOrEmpty(named))
            AppDomain.CurrentDomain.ProcessExit += (_, _) => Remove();
    }

    public static Written ByRun { get; } = new();

    public string Folder { get; }

    public void Output(string program, string text)
    {
        if (text.Length > 0)
            File.WriteAllText(NewPath(Path.GetFileName(program) + ".out"), text);
    }

    /// <summary>Copies a folder or a file, <see cref="LargestCopy"/> at most; blocks of zeros, of which a spool has many, are left out.</summary>
    public void Keep(string path, string label)
    {
        string[] files = Directory.Exists(path) ? Directory.GetFiles(path, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint }) : [path];
        long room = LargestCopy;
        foreach (string file in files)
        {
            try
            {
                // Sockets and pipes have no length; opening a pipe would wait.
                if (new FileInfo(file).Length > 0 && !MayHoldSecrets(file))
                    room -= Copy(file, NewPath(label + "-" + Path.GetFileName(file)), room);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // A file that goes meanwhile, or a mount that a test has ended.
            }
        }
    }

    /// <summary>
    /// The copy of the configuration that the compile step keeps, and self-made certificates with their keys: secrets are their purpose, as they are that of what the
    /// administrator wrote. But only as long as nobody else can read them.
    /// </summary>
    private static bool MayHoldSecrets(string file) =>
        (Path.GetFileName(file) == "compiled" || Path.GetFileName(Path.GetDirectoryName(file)) == "certs")
        && (File.GetUnixFileMode(file) & ~(UnixFileMode.UserRead | UnixFileMode.UserWrite)) == 0;

    /// <summary>From the first daemon on, looks four times a second at what everybody on the machine may read about our processes.</summary>
    public void WatchProcesses()
    {
        lock (_lock)
            _watch ??= new Timer(_ => LookAtProcesses(), null, TimeSpan.Zero, TimeSpan.FromMilliseconds(250));
    }

    private void Remove()
    {
        lock (_lock)
        {
            _watch?.Dispose();
            Directory.Delete(Folder, recursive: true);
        }
    }

    private void LookAtProcesses()
    {
        // On a busy machine a look takes longer than the pause before the next one.
        if (Interlocked.Exchange(ref _looking, 1) == 1)
            return;
        foreach (string process in Directory.EnumerateDirectories("/proc").Where(d => char.IsAsciiDigit(d[^1])))
        {
            try
            {
                if (File.ResolveLinkTarget(process + "/exe", false)?.FullName.StartsWith(Published.Bin, StringComparison.Ordinal) != true)
                    continue;
                foreach (string what in (string[])["cmdline", "environ"])
                    Tell(what, File.ReadAllText($"{process}/{what}").Replace('\0', ' '));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It has ended.
            }
        }
        Volatile.Write(ref _looking, 0);
    }

    private void Tell(string what, string text)
    {
        lock (_lock)
        {
            if (_processes.Add(text) && Directory.Exists(Folder))
                File.AppendAllText(Path.Combine(Folder, string.Create(CultureInfo.InvariantCulture, $"processes-{Environment.ProcessId}.{what}")), text + "\n", Encoding.UTF8);
        }
    }

    private static long Copy(string from, string to, long room)
    {
        using FileStream source = new(from, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using FileStream target = File.Create(to);
        byte[] block = new byte[LargestBlock];
        for (int read; target.Length < room && (read = source.ReadAtLeast(block, block.Length, throwOnEndOfStream: false)) > 0;)
        {
            if (block.AsSpan(0, read).ContainsAnyExcept((byte)0))
                target.Write(block, 0, read);
        }
        return target.Length;
    }

    private string NewPath(string name) =>
        Path.Combine(Folder, string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{Interlocked.Increment(ref _files):0000}-{name}"));
}
