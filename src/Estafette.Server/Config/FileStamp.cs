using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Estafette.Config;

/// <summary>
/// What tells one state of a file from another without reading it. Inode and change time are in it because a file replaced within one
/// tick of the clock, or with its old time restored, has changed all the same.
/// </summary>
public readonly partial record struct FileStamp(ulong Device, ulong Inode, long Size, TimeSpan Modified, TimeSpan Changed, int Mode)
{
    private const int AtCurrentDirectory = -100;
    private const uint BasicStats = 0x7ff;
    private const int NoFollow = 0x100, EmptyPath = 0x1000;
    private const int FormatMask = 0xf000, Folder = 0x4000, Regular = 0x8000, Link = 0xa000;

    public uint User { get; init; }
    public uint Group { get; init; }

    /// <summary>Names that the file has; 0 where that is not known.</summary>
    public uint Links { get; init; }

    /// <summary>True for files that everybody may read.</summary>
    public bool IsWorldReadable => (Mode & 0x4) != 0;

    public bool IsFolder => (Mode & FormatMask) == Folder;
    public bool IsRegular => (Mode & FormatMask) == Regular;
    public bool IsLink => (Mode & FormatMask) == Link;

    /// <summary>Reads a path's stamp, through links; the failure is the system's text.</summary>
    public static bool TryRead(string path, out FileStamp stamp, out FileFailure failure) => TryRead(AtCurrentDirectory, path, 0, out stamp, out failure);

    /// <summary>Of what is open, whatever its path means by now.</summary>
    public static bool TryRead(SafeFileHandle file, out FileStamp stamp, out FileFailure failure) => TryRead((int)file.DangerousGetHandle(), "", EmptyPath, out stamp, out failure);

    /// <summary>The stamp of the last component itself, be it a link.</summary>
    public static bool TryReadItself(string path, out FileStamp stamp, out FileFailure failure) => TryRead(AtCurrentDirectory, path, NoFollow, out stamp, out failure);

    private static bool TryRead(int folder, string path, int flags, out FileStamp stamp, out FileFailure failure)
    {
        stamp = default;
        if (StatX(folder, path, flags, BasicStats, out StatXBuffer buffer) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            failure = new FileFailure(error, Marshal.GetPInvokeErrorMessage(error));
            return false;
        }
        failure = default;
        stamp = new FileStamp(((ulong)buffer.DeviceMajor << 32) | buffer.DeviceMinor, buffer.Inode, (long)buffer.Size,
            Time(buffer.Modified), Time(buffer.Changed), buffer.Mode)
        { User = buffer.User, Group = buffer.Group, Links = buffer.Links };
        return true;
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();

    private static TimeSpan Time(StatXTime time) => TimeSpan.FromTicks(time.Seconds * TimeSpan.TicksPerSecond + time.Nanoseconds / 100);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatX(int directory, string path, int flags, uint mask, out StatXBuffer buffer);

    [StructLayout(LayoutKind.Sequential)]
    private struct StatXTime
    {
        public long Seconds;
        public uint Nanoseconds;
        public int Reserved;
    }

    /// <summary>struct statx of the kernel: the same on every architecture, unlike struct stat.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 256)]
    private struct StatXBuffer
    {
        public uint Mask;
        public uint BlockSize;
        public ulong Attributes;
        public uint Links;
        public uint User;
        public uint Group;
        public ushort Mode;
        public ushort Spare;
        public ulong Inode;
        public ulong Size;
        public ulong Blocks;
        public ulong AttributesMask;
        public StatXTime Accessed;
        public StatXTime Created;
        public StatXTime Changed;
        public StatXTime Modified;
        public uint SpecialMajor;
        public uint SpecialMinor;
        public uint DeviceMajor;
        public uint DeviceMinor;
    }
}

/// <summary>Why a system call on a file failed.</summary>
public readonly record struct FileFailure(int Error, string Text)
{
    private const int NoEntry = 2;
    private const int NotDirectory = 20;
    private const int Access = 13;

    public bool IsMissing => Error is NoEntry or NotDirectory;
    public bool IsDenied => Error is Access;
}
