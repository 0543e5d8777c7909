using System.Text;

namespace Estafette.Local;

/// <summary>
/// Starts a program with chosen descriptors and nothing else: an environment of its own, default signals, a session of its own so that a whole command can be
/// killed by its group. posix_spawn, because the runtime's own process class can neither pass a socket nor stay free of threads.
/// </summary>
internal static unsafe class Spawn
{
    /// <summary>The pid, or minus errno. Entry n of <paramref name="descriptors"/> becomes descriptor n of the program.</summary>
    public static int Start(string path, IReadOnlyList<string> arguments, IReadOnlyList<string> environment, ReadOnlySpan<int> descriptors)
    {
        // glibc's types have at most 336 octets; twice that costs nothing.
        byte* actions = stackalloc byte[768], attributes = stackalloc byte[768], signals = stackalloc byte[128];
        Native.posix_spawn_file_actions_init(actions);
        Native.posix_spawnattr_init(attributes);
        using var argumentBlock = new StringBlock(arguments);
        using var environmentBlock = new StringBlock(environment);
        try
        {
            for (int i = 0; i < descriptors.Length; i++)
                Native.posix_spawn_file_actions_adddup2(actions, descriptors[i], i);
            Native.posix_spawnattr_setflags(attributes, Native.POSIX_SPAWN_SETSID | Native.POSIX_SPAWN_SETSIGDEF | Native.POSIX_SPAWN_SETSIGMASK);
            Native.sigemptyset(signals);
            Native.posix_spawnattr_setsigmask(attributes, signals);
            Native.sigfillset(signals);
            Native.posix_spawnattr_setsigdefault(attributes, signals);
            int pid;
            int error = Native.posix_spawn(&pid, path, actions, attributes, argumentBlock.Pointers, environmentBlock.Pointers);
            return error == 0 ? pid : -error;
        }
        finally
        {
            Native.posix_spawn_file_actions_destroy(actions);
            Native.posix_spawnattr_destroy(attributes);
        }
    }

    /// <summary>A null-terminated array of null-terminated strings outside the collector's reach.</summary>
    private readonly struct StringBlock : IDisposable
    {
        public StringBlock(IReadOnlyList<string> texts)
        {
            Pointers = (byte**)System.Runtime.InteropServices.NativeMemory.AllocZeroed((nuint)texts.Count + 1, (nuint)sizeof(byte*));
            for (int i = 0; i < texts.Count; i++)
            {
                byte[] octets = Encoding.UTF8.GetBytes(texts[i]);
                Pointers[i] = (byte*)System.Runtime.InteropServices.NativeMemory.AllocZeroed((nuint)octets.Length + 1);
                octets.CopyTo(new Span<byte>(Pointers[i], octets.Length));
            }
        }

        public byte** Pointers { get; }

        public void Dispose()
        {
            for (byte** entry = Pointers; *entry is not null; entry++)
                System.Runtime.InteropServices.NativeMemory.Free(*entry);
            System.Runtime.InteropServices.NativeMemory.Free(Pointers);
        }
    }
}
