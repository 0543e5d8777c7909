using System.Globalization;
using System.Runtime.InteropServices;
using Estafette.Config;
using Microsoft.Win32.SafeHandles;

namespace Estafette.Program.Daemon;

/// <summary>
/// Hands what an earlier daemon user left in the state folder to the one of today, as root: a package that brings a better user must not leave the queue behind. Only
/// what belongs to that user (or its group) changes hands, entry by entry through descriptors, so that nobody leads root elsewhere meanwhile. Throws
/// <see cref="IOException"/>; what was done stays done, and the next start goes on.
/// </summary>
internal sealed class StateInheritance(FileStamp before, DaemonUser after)
{
    /// <summary>Folders within folders; the spool has three.</summary>
    private const int MaximumDepth = 16;

    private const int CurrentFolder = -100;
    private const uint Unchanged = uint.MaxValue;

    /// <summary>O_PATH and O_CLOEXEC; O_NOFOLLOW differs between processors.</summary>
    private const int PathOnly = 0x200000, CloseOnExec = 0x80000;

    private static int NoFollow => RuntimeInformation.ProcessArchitecture is Architecture.Arm64 ? 0x8000 : 0x20000;

    /// <summary>The contents first, the folder last: it tells whether there is anything left to do.</summary>
    public void Take(string folder)
    {
        using SafeFileHandle top = Native.OpenAt(CurrentFolder, folder, PathOnly | CloseOnExec | NoFollow);
        Take(top, folder, 0);
    }

    private void Take(SafeFileHandle entry, string shown, int depth)
    {
        if (entry.IsInvalid)
            throw new IOException($"{shown}: {Native.LastError()}");
        string name = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{entry.DangerousGetHandle()}");
        if (!FileStamp.TryRead(entry, out FileStamp stamp, out FileFailure failure))
            throw new IOException($"{shown}: {failure.Text}");
        if (stamp.IsFolder && depth < MaximumDepth)
        {
            foreach (string child in Directory.EnumerateFileSystemEntries(name).Select(Path.GetFileName).OfType<string>())
            {
                using SafeFileHandle inner = Native.OpenAt((int)entry.DangerousGetHandle(), child, PathOnly | CloseOnExec | NoFollow);
                Take(inner, Path.Combine(shown, child), depth + 1);
            }
        }
        uint user = stamp.User == before.User ? after.User : Unchanged, group = stamp.Group == before.Group ? after.Group : Unchanged;
        if ((user != Unchanged || group != Unchanged) && Native.ChangeOwnerOf(entry, user, group) != 0)
            throw new IOException($"{shown} cannot be given to {after.Name}: {Native.LastError()}");
    }
}
