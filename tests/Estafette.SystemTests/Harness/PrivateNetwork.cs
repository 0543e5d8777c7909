using System.Globalization;

namespace Estafette.SystemTests.Harness;

/// <summary>A network namespace with two addresses, joined to this machine by a pair of virtual interfaces: hosts with a port 25 of their own. Needs root.</summary>
internal sealed class PrivateNetwork : IAsyncDisposable
{
    private readonly string _name;

    private PrivateNetwork(string name) => _name = name;

    /// <summary>An address on which nothing listens.</summary>
    public string Dead => "198.18.63.2";

    public string Alive => "198.18.63.3";

    /// <summary>Null where the machine does not allow it.</summary>
    public static async Task<PrivateNetwork?> MakeAsync()
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"est{Environment.ProcessId}");
        var network = new PrivateNetwork(name);
        CommandResult made = await Command.ShellAsync($"""
            set -e
            ip netns add {name}
            ip link add {name}a type veth peer name {name}b netns {name}
            ip addr add 198.18.63.1/29 dev {name}a
            ip link set {name}a up
            ip -n {name} addr add {network.Dead}/29 dev {name}b
            ip -n {name} addr add {network.Alive}/29 dev {name}b
            ip -n {name} link set {name}b up
            ip -n {name} link set lo up
            """);
        if (made.ExitCode == 0)
            return network;
        await network.DisposeAsync();
        return null;
    }

    /// <summary>Starts a program inside.</summary>
    public Background Start(string program, params string[] arguments) => new("/usr/sbin/ip", ["netns", "exec", _name, program, .. arguments]);

    public async ValueTask DisposeAsync()
    {
        await Command.ShellAsync($"ip link del {_name}a; ip netns del {_name}");
    }
}
