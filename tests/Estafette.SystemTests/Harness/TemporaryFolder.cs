namespace Estafette.SystemTests.Harness;

/// <summary>A folder of the test's own on a real disk, searchable by everybody because daemons give root up.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder()
    {
        Path = Directory.CreateDirectory($"/var/tmp/estafette-test-{Guid.NewGuid():N}").FullName;
        File.SetUnixFileMode(Path, (UnixFileMode)0b111_101_101);
    }

    public string Path { get; }

    private readonly List<string> _written = [];

    /// <summary>Before it goes, what lies in this part of it is kept for the search for secrets.</summary>
    public void Keep(string path) => _written.Add(path);

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public string Write(string name, string text)
    {
        File.WriteAllText(this[name], text);
        return this[name];
    }

    /// <summary>May be called twice: a daemon and the test that gave it the folder both let go of it.</summary>
    public void Dispose()
    {
        if (!Directory.Exists(Path))
            return;
        foreach (string part in _written.Where(System.IO.Path.Exists))
            Written.ByRun.Keep(part, System.IO.Path.GetFileName(part));
        Directory.Delete(Path, recursive: true);
    }
}
