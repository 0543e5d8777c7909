using System.Globalization;
using System.Runtime.InteropServices;

namespace Estafette.Tables;

/// <summary><c>unix:passwd.byname</c>: a line of passwd(5), its password field as the system shows it to everybody.</summary>
internal sealed class UsersMap(IUserDatabase users) : LookupMap
{
    public override bool IsFixed => true;

    public override async ValueTask<TableAnswer> FindAsync(string key, MapUse use, CancellationToken cancellationToken) =>
        await users.FindAsync(use.HasFlag(MapUse.KeepCase) ? key : KeyText.FoldText(key), cancellationToken) switch
        {
            UserAnswer.Found { User: var user } => new TableAnswer.Found(string.Create(CultureInfo.InvariantCulture, $"{user.Name}:x:{user.Uid}:{user.Gid}:{user.Gecos}:{user.Home}:{user.Shell}")),
            UserAnswer.Unavailable unavailable => new TableAnswer.Unavailable(unavailable.Reason),
            _ => TableAnswer.NotFound.Instance,
        };
}

/// <summary><c>unix:group.byname</c>: a line of group(5). The name service may wait for a network, so it is asked on another thread.</summary>
internal sealed partial class GroupsMap : LookupMap
{
    private const int SmallestBuffer = 4096, LargestBuffer = 4 << 20, MaximumName = 256;
    private const int RangeError = 34;

    public override bool IsFixed => true;

    public override ValueTask<TableAnswer> FindAsync(string key, MapUse use, CancellationToken cancellationToken)
    {
        string name = use.HasFlag(MapUse.KeepCase) ? key : KeyText.FoldText(key);
        return name.Length > MaximumName || name.AsSpan().ContainsAny('\0', ':', '\n')
            ? ValueTask.FromResult<TableAnswer>(TableAnswer.NotFound.Instance)
            : new ValueTask<TableAnswer>(Task.Run(() => Ask(name), cancellationToken));
    }

    private static unsafe TableAnswer Ask(string name)
    {
        for (int size = SmallestBuffer; size <= LargestBuffer; size *= 4)
        {
            byte[] buffer = new byte[size];
            fixed (byte* memory = buffer)
            {
                int error = ByName(name, out Group entry, memory, (nuint)size, out nint result);
                if (error == RangeError)
                    continue;
                if (result != 0)
                    return new TableAnswer.Found(string.Create(CultureInfo.InvariantCulture, $"{Text(entry.Name)}:{Text(entry.Password)}:{entry.Gid}:{string.Join(',', Members(entry.Members))}"));
                // getgrnam(3): some name services say "no entry" or "no process" where the call should return 0.
                return error is 0 or 2 or 3 ? TableAnswer.NotFound.Instance : new TableAnswer.Unavailable("group database: " + Marshal.GetPInvokeErrorMessage(error));
            }
        }
        return new TableAnswer.Unavailable("group database: an entry is too large");
    }

    private static unsafe List<string> Members(nint list)
    {
        var members = new List<string>();
        for (nint* member = (nint*)list; member is not null && *member != 0; member++)
            members.Add(Text(*member));
        return members;
    }

    private static string Text(nint pointer) => Marshal.PtrToStringUTF8(pointer) ?? "";

    [LibraryImport("libc", EntryPoint = "getgrnam_r", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int ByName(string name, out Group entry, byte* buffer, nuint size, out nint result);

    [StructLayout(LayoutKind.Sequential)]
    private struct Group
    {
        public nint Name;
        public nint Password;
        public uint Gid;
        public nint Members;
    }
}
