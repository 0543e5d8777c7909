using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Estafette.Spool;

/// <summary>The system calls on files that .NET does not offer. Each returns 0, or -1 with errno as the last P/Invoke error.</summary>
internal static partial class NativeFile
{
    public const int NoSpace = 28, QuotaExceeded = 122, NotSupported = 95, WouldBlock = 11;
    public const int ReadOnlyDirectory = 0x10000 | CloseOnExec;
    public const int ReadWriteCreate = 0x2 | 0x40 | CloseOnExec;
    public const int LockExclusive = 2, LockNonBlocking = 4;
    private const int CloseOnExec = 0x80000;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial SafeFileHandle Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    public static partial int FlushData(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    public static partial int Flush(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Allocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    public static partial int Lock(SafeFileHandle file, int operation);
}
