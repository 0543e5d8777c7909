namespace Estafette.Config;

/// <summary>
/// Writes a file of the program's own so that a reader sees the old or the new one whole, never a part, and nobody but the writer may read or change it. An
/// <see cref="IOException"/> means that the old file still stands.
/// </summary>
public static class WholeFile
{
    public static void Write(string path, ReadOnlySpan<byte> octets)
    {
        string draft = path + ".new";
        File.Delete(draft);
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        using (var file = new FileStream(draft, options))
        {
            file.Write(octets);
            file.Flush(flushToDisk: true);
        }
        File.Move(draft, path, overwrite: true);
    }
}
