using System.Text;
using Estafette.Mail;

namespace Estafette.Local;

/// <summary>The system's users (getpwnam_r, getgrouplist). "Not there" and "cannot tell now" are different answers (E44).</summary>
internal static unsafe class UserDatabase
{
    private const int BufferSize = 64 * 1024;

    /// <summary>Names that cannot be a user are not even asked for: they could mean a path or an option to what lies behind NSS.</summary>
    public static bool IsPlausible(string name) =>
        name.Length is > 0 and <= 255 && name[0] is not ('-' or '.') && !name.Any(c => c is '/' or ':' or ' ' || char.IsControl(c));

    /// <summary>False when the database could not be asked; a null user when there is none of that name.</summary>
    public static bool TryFind(string name, out LocalUser? user)
    {
        user = null;
        if (!IsPlausible(name))
            return true;
        byte[] buffer = new byte[BufferSize];
        fixed (byte* start = buffer)
        {
            Native.Passwd entry;
            Native.Passwd* found;
            int error = Native.getpwnam_r(name, &entry, start, BufferSize, &found);
            if (found is not null)
                user = Read(found);
            return found is not null || error is 0 or Native.ENOENT or Native.EPERM or 3 /* ESRCH */ or 9 /* EBADF */;
        }
    }

    public static LocalUser? Find(uint uid)
    {
        byte[] buffer = new byte[BufferSize];
        fixed (byte* start = buffer)
        {
            Native.Passwd entry;
            Native.Passwd* found;
            _ = Native.getpwuid_r(uid, &entry, start, BufferSize, &found);
            return found is null ? null : Read(found);
        }
    }

    /// <summary>The groups of a user, its own first; at most 256.</summary>
    public static uint[] GroupsOf(LocalUser user)
    {
        uint[] groups = new uint[256];
        int count = groups.Length;
        fixed (uint* start = groups)
            return Native.getgrouplist(user.Name, user.Gid, start, &count) < 0 ? [user.Gid] : groups[..count];
    }

    /// <summary>The number of a group, by its name or as a number; null where there is none.</summary>
    public static uint? FindGroup(string group)
    {
        if (uint.TryParse(group, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out uint number))
            return number;
        byte[] buffer = new byte[BufferSize];
        fixed (byte* start = buffer)
        {
            Native.Group entry;
            Native.Group* found;
            _ = Native.getgrnam_r(group, &entry, start, BufferSize, &found);
            return found is null ? null : found->Gid;
        }
    }

    private static LocalUser Read(Native.Passwd* entry) => new(Text(entry->Name), entry->Uid, entry->Gid, Text(entry->Home)) { Shell = Text(entry->Shell) };

    private static string Text(byte* zeroTerminated) =>
        Encoding.UTF8.GetString(System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpanFromNullTerminated(zeroTerminated));
}
