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

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public string Write(string name, string text)
    {
        File.WriteAllText(this[name], text);
        return this[name];
    }

    /// <summary>May be called twice: a daemon and the test that gave it the folder both let go of it.</summary>
    public void Dispose()
    {
        if (Directory.Exists(Path))
            Directory.Delete(Path, recursive: true);
    }
}
