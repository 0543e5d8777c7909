using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Estafette.Tables;

/// <summary>
/// The users of the system, through the name service (files, LDAP, ...). An answer is kept for a few seconds; a question that must wait for
/// the name service does so on another thread. An error of the name service is <see cref="UserAnswer.Unavailable"/> and is not kept.
/// </summary>
public sealed partial class SystemUsers(TimeProvider clock) : IUserDatabase
{
    /// <summary>How long an answer is believed.</summary>
    public static readonly TimeSpan TimeToLive = TimeSpan.FromSeconds(5);

    /// <summary>Names that outsiders ask for must not fill memory: past this many the answers kept are dropped.</summary>
    private const int MaximumKept = 4096;
    private const int MaximumName = 256;
    private const int SmallestBuffer = 1024;
    private const int LargestBuffer = 1 << 20;
    private const int RangeError = 34;

    private readonly ConcurrentDictionary<(string? Name, uint Uid), (UserAnswer Answer, long At)> _kept = new();

    public ValueTask<UserAnswer> FindAsync(string name, CancellationToken cancellationToken) =>
        name.Length is 0 or > MaximumName || name.AsSpan().ContainsAny('\0', ':', '\n')
            ? ValueTask.FromResult<UserAnswer>(UserAnswer.NotFound.Instance)
            : FindAsync((name, 0u), cancellationToken);

    public ValueTask<UserAnswer> FindAsync(uint uid, CancellationToken cancellationToken) => FindAsync((null, uid), cancellationToken);

    private ValueTask<UserAnswer> FindAsync((string? Name, uint Uid) key, CancellationToken cancellationToken)
    {
        if (_kept.TryGetValue(key, out (UserAnswer Answer, long At) kept) && clock.GetElapsedTime(kept.At) < TimeToLive)
            return ValueTask.FromResult(kept.Answer);
        return new ValueTask<UserAnswer>(Task.Run(() => Ask(key), cancellationToken));
    }

    private UserAnswer Ask((string? Name, uint Uid) key)
    {
        UserAnswer answer = AskSystem(key.Name, key.Uid);
        if (answer is not UserAnswer.Unavailable)
        {
            if (_kept.Count >= MaximumKept)
                _kept.Clear();
            _kept[key] = (answer, clock.GetTimestamp());
        }
        return answer;
    }

    private static unsafe UserAnswer AskSystem(string? name, uint uid)
    {
        for (int size = SmallestBuffer; size <= LargestBuffer; size *= 4)
        {
            byte[] buffer = new byte[size];
            fixed (byte* memory = buffer)
            {
                int error = name is null
                    ? ByUid(uid, out Passwd entry, memory, (nuint)size, out nint result)
                    : ByName(name, out entry, memory, (nuint)size, out result);
                if (error == RangeError)
                    continue;
                if (result != 0)
                    return new UserAnswer.Found(new UserRecord(Text(entry.Name), entry.Uid, entry.Gid, Text(entry.Home), Text(entry.Gecos), Text(entry.Shell)));
                // getpwnam(3): some name services say "no entry" or "no process" where the call should return 0.
                return error is 0 or 2 or 3
                    ? UserAnswer.NotFound.Instance
                    : new UserAnswer.Unavailable("user database: " + Marshal.GetPInvokeErrorMessage(error));
            }
        }
        return new UserAnswer.Unavailable("user database: an entry is too large");
    }

    private static string Text(nint pointer) => Marshal.PtrToStringUTF8(pointer) ?? "";

    [LibraryImport("libc", EntryPoint = "getpwnam_r", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int ByName(string name, out Passwd entry, byte* buffer, nuint size, out nint result);

    [LibraryImport("libc", EntryPoint = "getpwuid_r")]
    private static unsafe partial int ByUid(uint uid, out Passwd entry, byte* buffer, nuint size, out nint result);

    [StructLayout(LayoutKind.Sequential)]
    private struct Passwd
    {
        public nint Name;
        public nint Password;
        public uint Uid;
        public uint Gid;
        public nint Gecos;
        public nint Home;
        public nint Shell;
    }
}
