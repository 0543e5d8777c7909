using Estafette.Mail;

namespace Estafette.Delivery.Local;

/// <summary>
/// Writes the compiled actions so that a reader sees the old or the new file whole, never a part, and nobody but the writer (root, where there is one) can change or
/// read it. An <see cref="IOException"/> means that the old file still stands.
/// </summary>
public static class LocalActionsFile
{
    public static void Write(string path, LocalActions actions)
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
            file.Write(LocalActionsCodec.Encode(actions));
            file.Flush(flushToDisk: true);
        }
        File.Move(draft, path, overwrite: true);
    }
}
