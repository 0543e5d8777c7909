using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Estafette.Events;

/// <summary>
/// A file that only grows (maillog_file): opened while the process may, written at its end with whole lines at a time, so that lines of two writers never mix. After a
/// rotation the new file is opened with what rights are left; where that fails the old one is gone on with, so that no line is lost.
/// </summary>
public sealed partial class FileLogOutput : ILogOutput
{
    private readonly string _path;
    private readonly Lock _gate = new();
    private SafeFileHandle _file;

    /// <summary>Throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> where it cannot be opened.</summary>
    public FileLogOutput(string path)
    {
        _path = path;
        _file = Open();
    }

    public SafeFileHandle Handle => _file;

    public void Write(ReadOnlySpan<byte> lines)
    {
        lock (_gate)
        {
            RandomAccess.Write(_file, lines, 0);
        }
    }

    public string? Reopen()
    {
        try
        {
            SafeFileHandle next = Open();
            lock (_gate)
            {
                _file.Dispose();
                _file = next;
            }
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"{_path} cannot be opened anew, the old file is gone on with: {e.Message}";
        }
    }

    public void Dispose() => _file.Dispose();

    private SafeFileHandle Open()
    {
        int flags = 0x1 | 0x40 | 0x400 | 0x80000 | NoFollow;
        SafeFileHandle file = OpenNative(_path, flags, 0b110_100_100);
        if (!file.IsInvalid)
            return file;
        int error = Marshal.GetLastPInvokeError();
        file.Dispose();
        throw new IOException($"{_path}: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    private static int NoFollow => RuntimeInformation.ProcessArchitecture is Architecture.Arm64 ? 0x8000 : 0x20000;

    /// <summary>O_WRONLY, O_CREAT, O_APPEND, O_CLOEXEC, O_NOFOLLOW: the runtime's own append mode only starts at the end.</summary>
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle OpenNative(string path, int flags, uint mode);
}
