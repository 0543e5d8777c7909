using System.Runtime.InteropServices;

namespace Estafette.Local;

/// <summary>The system calls that local delivery is made of; glibc on 64-bit Linux. Failure is -1 with errno as libc has it.</summary>
internal static unsafe partial class Native
{
    public const int EPERM = 1, ENOENT = 2, EINTR = 4, EAGAIN = 11, EACCES = 13, EEXIST = 17, ENOTDIR = 20, EISDIR = 21, EINVAL = 22, ENOSPC = 28, EPIPE = 32, ENOSYS = 38, ELOOP = 40, EDQUOT = 122;
    public const int O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_CREAT = 0x40, O_EXCL = 0x80, O_APPEND = 0x400, O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;
    public const int S_IFMT = 0xF000, S_IFREG = 0x8000, S_IFDIR = 0x4000, S_IFSOCK = 0xC000;
    public const int AT_FDCWD = -100, AT_REMOVEDIR = 0x200, RENAME_NOREPLACE = 1;
    public const short POLLIN = 1, POLLOUT = 4, POLLERR = 8, POLLHUP = 16;
    public const int AF_UNIX = 1, SOCK_STREAM = 1, SOCK_NONBLOCK = 0x800, SOCK_CLOEXEC = 0x80000, MSG_PEEK = 2, MSG_NOSIGNAL = 0x4000;
    public const int SOL_SOCKET = 1, SO_PEERCRED = 17;
    public const int F_SETFL = 4, F_OFD_SETLK = 37, F_SETLK = 6;
    public const int WNOHANG = 1, SIGINT = 2, SIGKILL = 9, SIGTERM = 15, SIGPIPE = 13;
    public const short POSIX_SPAWN_SETSIGDEF = 0x04, POSIX_SPAWN_SETSIGMASK = 0x08, POSIX_SPAWN_SETSID = 0x80;

    /// <summary>O_NOFOLLOW and O_DIRECTORY differ between processors.</summary>
    public static int O_NOFOLLOW => RuntimeInformation.ProcessArchitecture is Architecture.Arm64 ? 0x8000 : 0x20000;
    public static int O_DIRECTORY => RuntimeInformation.ProcessArchitecture is Architecture.Arm64 ? 0x4000 : 0x10000;

    public static int Errno => Marshal.GetLastPInvokeError();

    [StructLayout(LayoutKind.Sequential)]
    public struct PollFd
    {
        public int Fd;
        public short Events;
        public short Revents;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct PeerCredentials
    {
        public int Pid;
        public uint Uid;
        public uint Gid;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Flock
    {
        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int Pid;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Passwd
    {
        public byte* Name;
        public byte* Password;
        public uint Uid;
        public uint Gid;
        public byte* Gecos;
        public byte* Home;
        public byte* Shell;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Group
    {
        public byte* Name;
        public byte* Password;
        public uint Gid;
        public byte** Members;
    }

    /// <summary>The head of struct statx, which is the same on every processor.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    public struct Statx
    {
        [FieldOffset(0x10)] public uint Links;
        [FieldOffset(0x14)] public uint Uid;
        [FieldOffset(0x18)] public uint Gid;
        [FieldOffset(0x1c)] public ushort Mode;
        [FieldOffset(0x20)] public ulong Inode;
        [FieldOffset(0x28)] public ulong Size;
        [FieldOffset(0x60)] public long ChangedSeconds;
        [FieldOffset(0x68)] public uint ChangedNanoseconds;
        [FieldOffset(0x70)] public long ModifiedSeconds;
        [FieldOffset(0x78)] public uint ModifiedNanoseconds;
        [FieldOffset(0x88)] public uint DeviceMajor;
        [FieldOffset(0x8c)] public uint DeviceMinor;

        public readonly ulong Device => ((ulong)DeviceMajor << 32) | DeviceMinor;
        public readonly bool IsRegular => (Mode & S_IFMT) == S_IFREG;
    }

    [LibraryImport("libc", SetLastError = true)] public static partial uint geteuid();
    [LibraryImport("libc", SetLastError = true)] public static partial uint getegid();
    [LibraryImport("libc", SetLastError = true)] public static partial uint getuid();
    [LibraryImport("libc", SetLastError = true)] public static partial int setgroups(nuint count, uint* groups);
    [LibraryImport("libc", SetLastError = true)] public static partial int setresgid(uint real, uint effective, uint saved);
    [LibraryImport("libc", SetLastError = true)] public static partial int setresuid(uint real, uint effective, uint saved);
    [LibraryImport("libc", SetLastError = true)] public static partial int setuid(uint uid);
    [LibraryImport("libc", SetLastError = true)] public static partial uint umask(uint mask);
    [LibraryImport("libc", SetLastError = true)] public static partial int prctl(int option, nuint value2, nuint value3, nuint value4, nuint value5);
    [LibraryImport("libc", SetLastError = true)] public static partial int setsid();
    [LibraryImport("libc", SetLastError = true)] public static partial nint signal(int number, nint handler);
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)] public static partial int chdir(string path);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int getpwnam_r(string name, Passwd* entry, byte* buffer, nuint size, Passwd** result);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int getgrnam_r(string name, Group* entry, byte* buffer, nuint size, Group** result);

    [LibraryImport("libc", SetLastError = true)] public static partial int getpwuid_r(uint uid, Passwd* entry, byte* buffer, nuint size, Passwd** result);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int getgrouplist(string user, uint group, uint* groups, int* count);

    [LibraryImport("libc", SetLastError = true)] public static partial nint read(int fd, byte* buffer, nuint count);
    [LibraryImport("libc", SetLastError = true)] public static partial nint pread(int fd, byte* buffer, nuint count, long offset);
    [LibraryImport("libc", SetLastError = true)] public static partial nint write(int fd, byte* buffer, nuint count);
    [LibraryImport("libc", SetLastError = true)] public static partial int close(int fd);
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)] public static partial int openat(int directory, string path, int flags, uint mode);
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)] public static partial int mkdirat(int directory, string path, uint mode);
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)] public static partial int unlinkat(int directory, string path, int flags);
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)] public static partial int linkat(int fromDirectory, string from, int toDirectory, string to, int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int renameat2(int fromDirectory, string from, int toDirectory, string to, uint flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int statx(int directory, string path, int flags, uint mask, Statx* result);

    [LibraryImport("libc", SetLastError = true)] public static partial int fsync(int fd);
    [LibraryImport("libc", SetLastError = true)] public static partial int fdatasync(int fd);
    [LibraryImport("libc", SetLastError = true)] public static partial int syncfs(int fd);
    [LibraryImport("libc", SetLastError = true)] public static partial int ftruncate(int fd, long length);
    [LibraryImport("libc", SetLastError = true)] public static partial int fchown(int fd, uint owner, uint group);
    [LibraryImport("libc", SetLastError = true)] public static partial int pipe2(int* ends, int flags);
    [LibraryImport("libc", SetLastError = true)] public static partial int poll(PollFd* entries, nuint count, int timeout);
    [LibraryImport("libc", SetLastError = true)] public static partial int kill(int pid, int number);
    [LibraryImport("libc", SetLastError = true)] public static partial int getpid();
    [LibraryImport("libc", SetLastError = true)] public static partial int waitpid(int pid, int* status, int options);
    [LibraryImport("libc", SetLastError = true)] public static partial int pidfd_open(int pid, uint flags);
    [LibraryImport("libc", SetLastError = true)] public static partial int fcntl(int fd, int command, Flock* argument);
    [LibraryImport("libc", SetLastError = true, EntryPoint = "fcntl")] public static partial int fcntlNumber(int fd, int command, nint argument);

    [LibraryImport("libc", SetLastError = true)] public static partial int socket(int domain, int type, int protocol);
    [LibraryImport("libc", SetLastError = true)] public static partial int bind(int fd, byte* address, uint length);
    [LibraryImport("libc", SetLastError = true)] public static partial int listen(int fd, int backlog);
    [LibraryImport("libc", SetLastError = true)] public static partial int accept4(int fd, void* address, uint* length, int flags);
    [LibraryImport("libc", SetLastError = true)] public static partial nint recv(int fd, byte* buffer, nuint count, int flags);
    [LibraryImport("libc", SetLastError = true)] public static partial nint send(int fd, byte* buffer, nuint count, int flags);
    [LibraryImport("libc", SetLastError = true)] public static partial int getsockopt(int fd, int level, int name, void* value, uint* length);

    [LibraryImport("libc", SetLastError = true)] public static partial int posix_spawn_file_actions_init(void* actions);
    [LibraryImport("libc", SetLastError = true)] public static partial int posix_spawn_file_actions_adddup2(void* actions, int fd, int to);
    [LibraryImport("libc", SetLastError = true)] public static partial int posix_spawn_file_actions_destroy(void* actions);
    [LibraryImport("libc", SetLastError = true)] public static partial int posix_spawnattr_init(void* attributes);
    [LibraryImport("libc", SetLastError = true)] public static partial int posix_spawnattr_setflags(void* attributes, short flags);
    [LibraryImport("libc", SetLastError = true)] public static partial int posix_spawnattr_setsigdefault(void* attributes, void* set);
    [LibraryImport("libc", SetLastError = true)] public static partial int posix_spawnattr_setsigmask(void* attributes, void* set);
    [LibraryImport("libc", SetLastError = true)] public static partial int posix_spawnattr_destroy(void* attributes);
    [LibraryImport("libc", SetLastError = true)] public static partial int sigemptyset(void* set);
    [LibraryImport("libc", SetLastError = true)] public static partial int sigfillset(void* set);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int posix_spawn(int* pid, string path, void* actions, void* attributes, byte** arguments, byte** environment);

    public static bool TryStat(int fd, out Statx stat)
    {
        const int AT_EMPTY_PATH = 0x1000;
        fixed (Statx* result = &stat)
            return statx(fd, "", AT_EMPTY_PATH, 0x7ff, result) == 0;
    }

    /// <summary>Looks at the last component itself when <paramref name="follow"/> is false.</summary>
    public static bool TryStat(string path, bool follow, out Statx stat)
    {
        const int AT_SYMLINK_NOFOLLOW = 0x100;
        fixed (Statx* result = &stat)
            return statx(AT_FDCWD, path, follow ? 0 : AT_SYMLINK_NOFOLLOW, 0x7ff, result) == 0;
    }

    /// <summary>Writes all of it; false with errno set at the first failure.</summary>
    public static bool WriteAll(int fd, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            nint written;
            fixed (byte* start = bytes)
                written = write(fd, start, (nuint)bytes.Length);
            if (written < 0 && Errno == EINTR)
                continue;
            if (written <= 0)
                return false;
            bytes = bytes[(int)written..];
        }
        return true;
    }

    public static string ErrorText(int errno) => Marshal.GetPInvokeErrorMessage(errno);
}
