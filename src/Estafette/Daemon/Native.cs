using System.Runtime.InteropServices;

namespace Estafette.Program.Daemon;

/// <summary>The system calls that the program needs and the runtime does not offer. glibc's set*id change every thread, which is what dropping root needs (DESIGN 6).</summary>
internal static partial class Native
{
    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();

    [LibraryImport("libc", EntryPoint = "getuid")]
    public static partial uint RealUser();

    [LibraryImport("libc", EntryPoint = "setgroups", SetLastError = true)]
    public static partial int SetGroups(nuint count, [In] uint[] groups);

    [LibraryImport("libc", EntryPoint = "setresgid", SetLastError = true)]
    public static partial int SetGroupIds(uint real, uint effective, uint saved);

    [LibraryImport("libc", EntryPoint = "setresuid", SetLastError = true)]
    public static partial int SetUserIds(uint real, uint effective, uint saved);

    [LibraryImport("libc", EntryPoint = "setuid", SetLastError = true)]
    public static partial int SetUser(uint user);

    [LibraryImport("libc", EntryPoint = "lchown", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int ChangeOwner(string path, uint user, uint group);

    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    public static partial int ChangeOwner(Microsoft.Win32.SafeHandles.SafeFileHandle file, uint user, uint group);

    [LibraryImport("libc", EntryPoint = "openat", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial Microsoft.Win32.SafeHandles.SafeFileHandle OpenAt(int folder, string name, int flags);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    public static partial int Lock(Microsoft.Win32.SafeHandles.SafeFileHandle file, int operation);

    /// <summary>LOCK_EX with LOCK_NB.</summary>
    public const int LockOrFail = 2 | 4;

    /// <summary>Of what the descriptor stands for, also where that is a link (AT_EMPTY_PATH).</summary>
    public static int ChangeOwnerOf(Microsoft.Win32.SafeHandles.SafeFileHandle entry, uint user, uint group) => ChangeOwnerAt(entry, "", user, group, 0x1000);

    [LibraryImport("libc", EntryPoint = "fchownat", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int ChangeOwnerAt(Microsoft.Win32.SafeHandles.SafeFileHandle folder, string name, uint user, uint group, int flags);

    [LibraryImport("libc", EntryPoint = "umask")]
    public static partial uint SetMask(uint mask);

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    public static partial int ProcessControl(int option, nuint value, nuint unused3, nuint unused4, nuint unused5);

    /// <summary>PR_SET_DUMPABLE: after dropping root no core file and no tracing by others of the new user.</summary>
    public const int SetDumpable = 4;

    /// <summary>PR_SET_NO_NEW_PRIVS: no setuid program can give anything back.</summary>
    public const int SetNoNewPrivileges = 38;

    [LibraryImport("libc", EntryPoint = "fchmod", SetLastError = true)]
    public static partial int ChangeMode(Microsoft.Win32.SafeHandles.SafeFileHandle file, uint mode);

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    public static partial int FlushFileSystem(Microsoft.Win32.SafeHandles.SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int process, int signal);

    /// <summary>SIGTERM.</summary>
    public const int Terminate = 15;

    [LibraryImport("libc", EntryPoint = "setsid", SetLastError = true)]
    public static partial int NewSession();

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Duplicate(int descriptor, int command, int least);

    /// <summary>F_DUPFD_CLOEXEC.</summary>
    public const int DuplicateCloseOnExec = 1030;

    [LibraryImport("libc", EntryPoint = "dup2", SetLastError = true)]
    public static partial int DuplicateTo(int descriptor, int place);

    public static string LastError() => Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
}
