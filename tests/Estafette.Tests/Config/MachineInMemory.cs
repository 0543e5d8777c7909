using System.Collections.Immutable;
using System.Net;
using System.Text;
using Estafette.Config;

namespace Estafette.Tests.Config;

/// <summary>A machine that exists in a test only: its files with their modes, interfaces and names.</summary>
internal sealed class MachineInMemory : IMachine
{
    private readonly Dictionary<string, (byte[] Bytes, UnixFileMode Mode)> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IPAddress[]> _names = new(StringComparer.Ordinal);

    public string HostName { get; init; } = "mx.example.org";
    public string NodeName { get; init; } = "mx.example.org";
    public bool HasIpv6 { get; init; } = true;

    public ImmutableArray<InterfaceAddress> Interfaces { get; init; } =
    [
        new("lo", IPAddress.Loopback), new("lo", IPAddress.IPv6Loopback),
        new("pcn0", IPAddress.Parse("192.0.2.7"), Egress: true), new("pcn0", IPAddress.Parse("2001:db8::7"), Egress: true),
    ];

    public MachineInMemory With(string path, string text, string mode = "644") => With(path, Encoding.UTF8.GetBytes(text), mode);

    public MachineInMemory With(string path, byte[] bytes, string mode = "644")
    {
        _files[path] = (bytes, (UnixFileMode)Convert.ToInt32(mode, 8));
        return this;
    }

    public MachineInMemory WithName(string name, params string[] addresses)
    {
        _names[name] = [.. addresses.Select(IPAddress.Parse)];
        return this;
    }

    public FileContent Read(string path) => _files.TryGetValue(path, out (byte[] Bytes, UnixFileMode Mode) file)
        ? new FileContent(file.Bytes) : new FileContent(default, "there is no such file");

    public FileState Look(string path) => _files.TryGetValue(path, out (byte[] Bytes, UnixFileMode Mode) file)
        ? new FileState(FilePresence.Present, file.Mode) : new FileState(FilePresence.Missing);

    public ImmutableArray<IPAddress> Resolve(string name) =>
        name == "localhost" ? [IPAddress.Loopback, IPAddress.IPv6Loopback] : _names.TryGetValue(name, out IPAddress[]? found) ? [.. found] : [];
}
