using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Estafette.Differ.Sandbox;

/// <summary>The network namespace on the other side of the sandbox's cable: a socket belongs to the namespace of the thread that makes it.</summary>
internal static partial class OuterWorld
{
    private const int NewNetwork = 0x40000000;

    /// <summary>Whether an address is at home there: all but the loopback and the machine's own.</summary>
    public static bool Has(IPAddress address) => !IPAddress.IsLoopback(address) && !address.Equals(IPAddress.Parse("192.0.2.1")) && !address.Equals(IPAddress.Parse("2001:db8:1::1"));

    /// <summary>Makes a socket where the address is at home.</summary>
    public static T At<T>(IPAddress address, Func<T> make)
        where T : class
    {
        if (!Has(address))
            return make();
        T? made = null;
        Exception? problem = null;
        // A thread of its own: one of the pool would stay there.
        var thread = new Thread(() =>
        {
            try
            {
                using SafeFileHandle world = File.OpenHandle("/run/netns/world");
                if (SetNamespace(world, NewNetwork) != 0)
                    throw new SocketException(Marshal.GetLastPInvokeError());
                made = make();
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                problem = e;
            }
        });
        thread.Start();
        thread.Join();
        return made ?? throw new InvalidOperationException("no socket at " + address, problem);
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(SafeFileHandle descriptor, int kind);
}
