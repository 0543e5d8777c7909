using System.Text;
using Estafette.Config;
using Estafette.Program.Daemon;

namespace Estafette.Program.Commands;

/// <summary>
/// A configuration file while a command changes it. The new text is written beside it (<c>main.cf.tmp</c>, which is locked, so that of two commands the second sees what the first wrote), flushed, gets mode
/// and owner of the old one and takes its name: a reader sees the old or the new whole. A link stays one; the file behind it is changed. Throws what the file system throws; the old file then stands.
/// </summary>
internal sealed class EditedFile : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    private readonly string _path;
    private readonly FileStream _draft;
    private bool _replaced;

    private EditedFile(string path, FileStream draft, string text) => (_path, _draft, Text) = (path, draft, text);

    /// <summary>A character an octet.</summary>
    public string Text { get; }

    private static string DraftOf(string path) => path + ".tmp";

    public static EditedFile Open(string path)
    {
        string target = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        FileStream draft = Lock(DraftOf(target));
        try
        {
            return new EditedFile(target, draft, Encoding.Latin1.GetString(File.ReadAllBytes(target)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            File.Delete(draft.Name);
            draft.Dispose();
            throw;
        }
    }

    public void Replace(string text)
    {
        _draft.SetLength(0);
        _draft.Write(Encoding.Latin1.GetBytes(text));
        if (FileStamp.TryRead(_path, out FileStamp old, out _))
        {
            if (FileStamp.TryRead(_draft.SafeFileHandle, out FileStamp now, out _) && (now.User, now.Group) != (old.User, old.Group)
                && Native.ChangeOwner(_draft.SafeFileHandle, old.User, old.Group) != 0)
                throw new IOException("cannot keep its owner: " + Native.LastError());
            Native.ChangeMode(_draft.SafeFileHandle, (uint)(old.Mode & 0xfff));
        }
        _draft.Flush(flushToDisk: true);
        File.Move(_draft.Name, _path, overwrite: true);
        _replaced = true;
        // The new name too.
        Native.FlushFileSystem(_draft.SafeFileHandle);
    }

    public void Dispose()
    {
        if (!_replaced)
            File.Delete(_draft.Name);
        _draft.Dispose();
    }

    /// <summary>The draft, locked: who waited for it must see that it was not renamed meanwhile.</summary>
    private static FileStream Lock(string path)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                var draft = new FileStream(path, new FileStreamOptions
                {
                    Mode = FileMode.OpenOrCreate,
                    Access = FileAccess.Write,
                    Share = FileShare.None,
                    UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                });
                if (FileStamp.TryRead(draft.SafeFileHandle, out FileStamp held, out _) && FileStamp.TryReadItself(path, out FileStamp there, out _) && held.Inode == there.Inode && held.Device == there.Device)
                    return draft;
                draft.Dispose();
            }
            catch (IOException e) when (e is not (FileNotFoundException or DirectoryNotFoundException) && TimeProvider.System.GetElapsedTime(start) < s_patience)
            {
                // Another command holds it.
            }
            Thread.Sleep(20);
        }
    }
}
