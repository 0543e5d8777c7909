using System.Net;
using System.Net.Sockets;

namespace Estafette.SystemTests.Harness;

/// <summary>A port nobody listens on. Asked of the kernel, so that tests run beside each other and beside a real mail server.</summary>
internal static class Ports
{
    public static int Free(string address = "127.0.0.1")
    {
        using var probe = new TcpListener(IPAddress.Parse(address), 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
