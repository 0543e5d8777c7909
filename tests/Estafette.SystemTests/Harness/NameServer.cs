using System.Globalization;
using System.Net;
using Estafette.Dns;

namespace Estafette.SystemTests.Harness;

/// <summary>Knot DNS that serves zones of the test, on a port of its own.</summary>
internal sealed class NameServer : IAsyncDisposable
{
    private readonly Background _process;

    private NameServer(Background process, IPEndPoint at) => (_process, At) = (process, at);

    public IPEndPoint At { get; }

    /// <param name="zones">Zone name to its records; SOA and NS are added.</param>
    public static async Task<NameServer> StartAsync(TemporaryFolder folder, IReadOnlyDictionary<string, string> zones)
    {
        var at = new IPEndPoint(IPAddress.Parse("127.0.0.94"), Ports.Free("127.0.0.94"));
        var text = new System.Text.StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"server:\n    rundir: {folder.Path}\n    listen: {at.Address}@{at.Port}\ndatabase:\n    storage: {Directory.CreateDirectory(folder["zones"]).FullName}\nzone:\n");
        foreach ((string zone, string records) in zones)
        {
            folder.Write(zone + ".zone", $"$ORIGIN {zone}.\n$TTL 60\n@ SOA ns root 1 60 60 60 7\n@ NS ns\nns A {at.Address}\n{records}\n");
            text.Append(CultureInfo.InvariantCulture, $"  - domain: {zone}\n    file: {folder[zone + ".zone"]}\n");
        }
        var server = new NameServer(new Background("/usr/sbin/knotd", ["-c", folder.Write("knot.conf", text.ToString())]), at);
        using var resolver = new Resolver(new ResolverSettings { Servers = [at], Hosts = "/nonexistent", FailureTtl = TimeSpan.Zero }, TimeProvider.System);
        string first = zones.Keys.First();
        await Wait.UntilAsync(async () => (await resolver.AddressesAsync("ns." + first, CancellationToken.None)).IsFound, "knotd answers\n" + server._process.Output);
        return server;
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
