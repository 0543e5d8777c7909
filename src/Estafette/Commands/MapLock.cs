using Estafette.Config;

namespace Estafette.Program.Commands;

/// <summary>Holds a compiled file for one who reads, changes and replaces it. The file that is held is the one that the path means: who waited for another's turn takes what that one left.</summary>
internal static class MapLock
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Null where there is no such file. Throws <see cref="IOException"/> when another one does not let go in time.</summary>
    public static FileStream? Take(string path, TimeSpan patience)
    {
        long until = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        while (File.Exists(path))
        {
            FileStream? held = null;
            try
            {
                held = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
                if (FileStamp.TryRead(held.SafeFileHandle, out FileStamp own, out _) && FileStamp.TryRead(path, out FileStamp named, out _) && (own.Device, own.Inode) == (named.Device, named.Inode))
                    return held;
            }
            catch (FileNotFoundException)
            {
            }
            catch (IOException) when (Environment.TickCount64 < until)
            {
                Thread.Sleep(s_pause);
            }
            held?.Dispose();
        }
        return null;
    }
}
