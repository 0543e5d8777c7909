using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Estafette.Spool;

/// <summary>The log's files in a folder of a real file system: segments under <c>log/</c>, evidence of damage under <c>corrupt/</c>, all for the owner only.</summary>
internal sealed class FileStorage : ISpoolStorage
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private readonly string _log;
    private readonly string _corrupt;
    private readonly DriveInfo _drive;

    public FileStorage(string directory)
    {
        _log = Path.Combine(directory, "log");
        _corrupt = Path.Combine(directory, "corrupt");
        Directory.CreateDirectory(_log, OwnerOnly);
        Directory.CreateDirectory(_corrupt, OwnerOnly);
        _drive = new DriveInfo(_log);
    }

    public long FreeBytes
    {
        get
        {
            try
            {
                return _drive.AvailableFreeSpace;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return 0;
            }
        }
    }

    public long TotalBytes => _drive.TotalSize;

    public IReadOnlyList<StoredFile> List() =>
        [.. new DirectoryInfo(_log).EnumerateFiles().Select(file => new StoredFile(file.Name, file.Length))];

    public SpoolTrouble? Open(string name, out IStorageFile? file)
    {
        IStorageFile? opened = null;
        SpoolTrouble? trouble = Try("open", name, path => opened = new DiskFile(File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read), name));
        file = opened;
        return trouble;
    }

    public SpoolTrouble? Create(string name, long length, out IStorageFile? file)
    {
        file = null;
        SafeFileHandle? handle = null;
        SpoolTrouble? trouble = Try("create", name,
            path => handle = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite, FileShare.Read));
        trouble ??= Allocate(handle!, name, length);
        if (trouble is null)
        {
            file = new DiskFile(handle!, name);
            return null;
        }
        handle?.Dispose();
        Delete(name);
        return trouble;
    }

    public SpoolTrouble? Rename(string from, string to) => Try("rename", from, path => File.Move(path, Path.Combine(_log, to)));

    public SpoolTrouble? Delete(string name) => Try("delete", name, File.Delete);

    public SpoolTrouble? FlushDirectory()
    {
        using SafeFileHandle directory = NativeFile.Open(_log, NativeFile.ReadOnlyDirectory, 0);
        return directory.IsInvalid || NativeFile.Flush(directory) != 0 ? LastError("flush", "log") : null;
    }

    public bool SetAside(string name, Action<Stream> write)
    {
        string path = Path.Combine(_corrupt, name);
        if (File.Exists(path))
            return false;
        try
        {
            using FileStream evidence = File.Create(path);
            write(evidence);
        }
        catch (IOException)
        {
            // Evidence is worth having, but a full disk must not keep the rest of the mail from its recipients.
        }
        return true;
    }

    public void Dispose() { }

    /// <summary>Takes the room for good; where the file system cannot, zeros are written.</summary>
    private static SpoolTrouble? Allocate(SafeFileHandle handle, string name, long length)
    {
        if (NativeFile.Allocate(handle, 0, 0, length) == 0)
            return null;
        if (Marshal.GetLastPInvokeError() != NativeFile.NotSupported)
            return LastError("allocate", name);
        return Guard("allocate", name, () =>
        {
            byte[] zeros = new byte[64 * 1024];
            for (long offset = 0; offset < length; offset += zeros.Length)
                RandomAccess.Write(handle, zeros.AsSpan(0, (int)Math.Min(zeros.Length, length - offset)), offset);
        });
    }

    private SpoolTrouble? Try(string verb, string name, Action<string> action) => Guard(verb, name, () => action(Path.Combine(_log, name)));

    private static SpoolTrouble? Guard(string verb, string name, Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return TroubleOf(verb, name, exception);
        }
    }

    private static SpoolTrouble TroubleOf(string verb, string name, Exception exception) =>
        new(StatusOf(exception.HResult), $"cannot {verb} {name}: {exception.Message}");

    private static SpoolTrouble LastError(string verb, string name)
    {
        int error = Marshal.GetLastPInvokeError();
        return new(StatusOf(error), $"cannot {verb} {name}: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    private static SpoolStatus StatusOf(int error) =>
        error is NativeFile.NoSpace or NativeFile.QuotaExceeded ? SpoolStatus.Full : SpoolStatus.Unhealthy;

    private sealed class DiskFile(SafeFileHandle handle, string name) : IStorageFile
    {
        public long Length => RandomAccess.GetLength(handle);

        public SpoolTrouble? Write(ReadOnlySpan<byte> octets, long offset)
        {
            try
            {
                RandomAccess.Write(handle, octets, offset);
                return null;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return TroubleOf("write", name, exception);
            }
        }

        public int Read(Span<byte> buffer, long offset)
        {
            int total = 0;
            while (total < buffer.Length)
            {
                int count = RandomAccess.Read(handle, buffer[total..], offset + total);
                if (count == 0)
                    break;
                total += count;
            }
            return total;
        }

        public SpoolTrouble? Flush() => NativeFile.FlushData(handle) == 0 ? null : LastError("flush", name);

        public void Dispose() => handle.Dispose();
    }
}
