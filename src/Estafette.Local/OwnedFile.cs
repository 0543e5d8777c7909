namespace Estafette.Local;

/// <summary>Reads a file that directs this process, from an open descriptor. Null when it is not the own user's (or root's), when others may write it, or when it is too large.</summary>
internal static unsafe class OwnedFile
{
    public static byte[]? Read(int fd, uint owner, int maximum)
    {
        if (!Native.TryStat(fd, out Native.Statx stat) || !stat.IsRegular || stat.Size > (ulong)maximum || (stat.Uid != owner && stat.Uid != 0) || (stat.Mode & 0x12 /* 0022 */) != 0)
            return null;
        byte[] bytes = new byte[stat.Size];
        int length = 0;
        fixed (byte* start = bytes)
        {
            while (length < bytes.Length)
            {
                nint count = Native.pread(fd, start + length, (nuint)(bytes.Length - length), length);
                if (count <= 0)
                    return null;
                length += (int)count;
            }
        }
        return bytes;
    }
}
