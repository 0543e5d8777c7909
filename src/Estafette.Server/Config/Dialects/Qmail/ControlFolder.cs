using System.Globalization;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Qmail;

/// <summary>
/// The folder of control files and the one that it belongs to (<c>alias/</c>, <c>users/</c>, <c>supervise/</c>). Files are read once; one that is there and cannot be read is an error, never an absent one.
/// </summary>
internal sealed class ControlFolder
{
    /// <summary>Where distributions have the rest, if it is not beside the control files.</summary>
    private static readonly string[] s_homes = ["/var/qmail", "/var/lib/qmail"];

    private readonly IMachine _machine;
    private readonly Findings _findings;
    private readonly Dictionary<string, ControlFile> _files = new(StringComparer.Ordinal);

    /// <param name="path">The folder of the control files, or the one above.</param>
    /// <param name="machine">Where files are read.</param>
    /// <param name="findings">What is wrong with them.</param>
    public ControlFolder(string path, IMachine machine, Findings findings)
    {
        _machine = machine;
        _findings = findings;
        string given = path.Length > 1 ? path.TrimEnd('/') : path;
        Path = IsThere(given + "/control/me") ? given + "/control" : given;
        string above = System.IO.Path.GetDirectoryName(Path) ?? "/";
        Home = s_homes.Prepend(above).FirstOrDefault(home => IsThere(home + "/alias") || IsThere(home + "/users")) ?? above;
    }

    /// <summary>True where <paramref name="path"/> is one of a qmail.</summary>
    public static bool IsOne(string path, IMachine machine) => !machine.Look(path + "/me").IsMissing || !machine.Look(path + "/control/me").IsMissing;

    public string Path { get; }

    /// <summary>The folder of <c>alias/</c> and <c>users/</c>.</summary>
    public string Home { get; }

    public IReadOnlyCollection<string> Read => _files.Keys;

    public bool IsThere(string path) => !_machine.Look(path).IsMissing;

    public FileState Look(string path) => _machine.Look(path);

    public ControlFile File(string name) => At(Path + "/" + name);

    public ControlFile At(string path)
    {
        if (_files.TryGetValue(path, out ControlFile? known))
            return known;
        ControlFile file = ControlFile.Missing(path);
        if (IsThere(path))
        {
            FileContent content = _machine.Read(path);
            if (content.Failure is null)
                file = ControlFile.Parse(path, content.Bytes.Span);
            else
                _findings.Error(new SourceSpan(path, 0, 0, 0), $"cannot be read: {content.Failure}", "let the mail server's user read it, or remove it");
        }
        _files.Add(path, file);
        return file;
    }

    /// <summary>A value of one line; <paramref name="otherwise"/> where the file is missing.</summary>
    public string Value(string name, string otherwise) => File(name).First ?? otherwise;

    /// <summary>A number; <paramref name="otherwise"/> where the file is missing or says none, which is told.</summary>
    public long Number(string name, long otherwise)
    {
        ControlFile file = File(name);
        if (file.TryNumber(out long? number))
            return number ?? otherwise;
        _findings.Warning(Place(file), $"`{file.First}` is no number", string.Create(CultureInfo.InvariantCulture, $"write digits only; until then {otherwise} counts"));
        return otherwise;
    }

    public TimeSpan Seconds(string name, long otherwise) => TimeSpan.FromSeconds(Math.Clamp(Number(name, otherwise), 1, int.MaxValue));

    public static SourceSpan Place(ControlFile file, int line = 1) => new(file.Path, line, 1, 1);
}
