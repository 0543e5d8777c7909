using System.Text;
using Estafette.Config;
using Estafette.Program.Daemon;
using Microsoft.Win32.SafeHandles;

namespace Estafette.Program.Commands;

/// <summary>
/// A configuration file while a command changes it. The new text is written beside it (<c>main.cf.tmp</c>), flushed, gets mode and owner of the old one and takes its name: a reader sees the old or the new whole.
/// The folder is locked meanwhile, so that of two commands the second sees what the first wrote, and no reader meets a lock. A link stays one; the file behind it is changed. Throws what the file system
/// throws; the old file then stands.
/// </summary>
internal sealed class EditedFile : IDisposable
{
    private const int CurrentFolder = -100;
    private const int CloseOnExec = 0x80000;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    private readonly string _path;
    private readonly SafeFileHandle _folder;

    private EditedFile(string path, SafeFileHandle folder, string text) => (_path, _folder, Text) = (path, folder, text);

    /// <summary>A character an octet.</summary>
    public string Text { get; }

    public static EditedFile Open(string path)
    {
        string target = Path.GetFullPath(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path);
        SafeFileHandle folder = Lock(Path.GetDirectoryName(target)!);
        try
        {
            return new EditedFile(target, folder, Encoding.Latin1.GetString(File.ReadAllBytes(target)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            folder.Dispose();
            throw;
        }
    }

    public void Replace(string text)
    {
        string draft = _path + ".tmp";
        try
        {
            Write(draft, text);
            File.Move(draft, _path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            File.Delete(draft);
            throw;
        }
        // The new name too.
        Native.FlushFileSystem(_folder);
    }

    public void Dispose() => _folder.Dispose();

    private void Write(string draft, string text)
    {
        // Left behind by a command that was ended: whoever else writes waits for the folder.
        File.Delete(draft);
        using var file = new FileStream(draft, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.Read,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        file.Write(Encoding.Latin1.GetBytes(text));
        if (FileStamp.TryRead(_path, out FileStamp old, out _))
        {
            if (FileStamp.TryRead(file.SafeFileHandle, out FileStamp now, out _) && (now.User, now.Group) != (old.User, old.Group)
                && Native.ChangeOwner(file.SafeFileHandle, old.User, old.Group) != 0)
                throw new IOException("cannot keep its owner: " + Native.LastError());
            Native.ChangeMode(file.SafeFileHandle, (uint)(old.Mode & 0xfff));
        }
        file.Flush(flushToDisk: true);
    }

    private static SafeFileHandle Lock(string path)
    {
        SafeFileHandle folder = Native.OpenAt(CurrentFolder, path, CloseOnExec);
        if (folder.IsInvalid)
        {
            folder.Dispose();
            throw new DirectoryNotFoundException(path + ": " + Native.LastError());
        }
        long start = TimeProvider.System.GetTimestamp();
        while (Native.Lock(folder, Native.LockOrFail) != 0)
        {
            if (TimeProvider.System.GetElapsedTime(start) > s_patience)
            {
                folder.Dispose();
                throw new IOException("another command is changing a file in " + path);
            }
            Thread.Sleep(20);
        }
        return folder;
    }
}
