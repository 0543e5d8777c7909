using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Estafette.Dns;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Peers;

/// <summary>The resolver against Knot DNS and NSD, each with a zone of its own: what one does not serve, the other does.</summary>
public sealed class DnsPeerTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly TemporaryFolder _folder = new();
    private readonly List<Background> _servers = [];
    private readonly IPEndPoint _knot = new(IPAddress.Parse("127.0.0.91"), Ports.Free("127.0.0.91"));
    private readonly IPEndPoint _nsd = new(IPAddress.Parse("127.0.0.92"), Ports.Free("127.0.0.92"));

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(_folder["db"]);
        _folder.Write("knot.zone", $"""
            $ORIGIN knot.test.
            $TTL 60
            @ SOA ns root 1 60 60 60 7
            @ NS ns
            ns A 127.0.0.91
            @ MX 20 mx2
            @ MX 10 mx1
            mx1 A 192.0.2.1
            mx1 AAAA 2001:db8::1
            mx2 A 192.0.2.2
            null MX 0 .
            alias CNAME mail.nsd.test.
            nowhere CNAME gone.nsd.test.
            loop1 CNAME loop2
            loop2 CNAME loop1
            @ TXT "v=spf1 " "-all"
            _25._tcp.mx1 TLSA 3 1 1 0102030405060708091011121314151617181920212223242526272829303132
            {string.Join('\n', Enumerable.Range(1, 200).Select(i => string.Create(CultureInfo.InvariantCulture, $"many A 192.0.2.{i}")))}

            """);
        _folder.Write("reverse.zone", """
            $ORIGIN 2.0.192.in-addr.arpa.
            $TTL 60
            @ SOA ns.knot.test. root.knot.test. 1 60 60 60 60
            @ NS ns.knot.test.
            1 PTR mx1.knot.test.
            2 PTR liar.knot.test.

            """);
        _folder.Write("nsd.zone", """
            $ORIGIN nsd.test.
            $TTL 60
            @ SOA ns root 1 60 60 60 60
            @ NS ns
            ns A 127.0.0.92
            mail A 192.0.2.9

            """);
        _folder.Write("knot.conf", $"""
            server:
                rundir: {_folder.Path}
                listen: {_knot.Address}@{_knot.Port}
            database:
                storage: {_folder["db"]}
            zone:
              - domain: knot.test
                file: {_folder["knot.zone"]}
              - domain: 2.0.192.in-addr.arpa
                file: {_folder["reverse.zone"]}

            """);
        _folder.Write("nsd.conf", $"""
            server:
                ip-address: {_nsd.Address}@{_nsd.Port}
                zonesdir: "{_folder.Path}"
                database: ""
                pidfile: "{_folder["nsd.pid"]}"
                xfrdfile: "{_folder["xfrd.state"]}"
                zonelistfile: "{_folder["zone.list"]}"
                xfrdir: "{_folder.Path}"
                username: ""
                chroot: ""
            remote-control:
                control-enable: no
            zone:
                name: nsd.test
                zonefile: nsd.zone

            """);
        _servers.Add(new Background("/usr/sbin/knotd", ["-c", _folder["knot.conf"]]));
        _servers.Add(new Background("/usr/sbin/nsd", ["-d", "-c", _folder["nsd.conf"]]));
        using Resolver knot = Asking(_knot);
        using Resolver nsd = Asking(_nsd);
        await Wait.UntilAsync(async () => (await knot.MxAsync("knot.test", None)).IsFound, "knotd answers");
        await Wait.UntilAsync(async () => (await nsd.AddressesAsync("mail.nsd.test", None)).IsFound, "nsd answers");
    }

    public async Task DisposeAsync()
    {
        foreach (Background server in _servers)
        {
            await server.TerminateAsync();
            await server.DisposeAsync();
        }
        _folder.Dispose();
    }

    [Fact]
    public async Task Real_servers_answer_every_kind_of_question()
    {
        using Resolver resolver = Asking(_knot, _nsd);

        Assert.Equal(["10 mx1.knot.test", "20 mx2.knot.test"], (await resolver.MxAsync("knot.test", None)).Records.Select(m => $"{m.Preference} {m.Exchange}").Order());
        Assert.Equal("", Assert.Single((await resolver.MxAsync("null.knot.test", None)).Records).Exchange);
        Assert.Equal(["192.0.2.1", "2001:db8::1"], (await resolver.AddressesAsync("MX1.Knot.Test.", None)).Records.Select(a => a.ToString()));
        Assert.Equal("v=spf1 -all", Assert.Single((await resolver.TxtAsync("knot.test", None)).Records));
        Assert.Equal(32, Assert.Single((await resolver.TlsaAsync("_25._tcp.mx1.knot.test", None)).Records).Data.Length);

        // More than a datagram holds: over TCP.
        Assert.Equal(200, (await resolver.AddressesAsync("many.knot.test", AddressFamily.InterNetwork, None)).Records.Length);

        // E40, E44: the kinds of nothing.
        Assert.Equal(DnsStatus.NoData, (await resolver.MxAsync("mx1.knot.test", None)).Status);
        Assert.Equal(DnsStatus.NoSuchName, (await resolver.MxAsync("gone.knot.test", None)).Status);
        Assert.Equal(DnsStatus.Failed, (await resolver.MxAsync("elsewhere.test", None)).Status);

        // An alias into the zone of the other server, which the first refuses to answer for.
        DnsAnswer<IPAddress> alias = await resolver.AddressesAsync("alias.knot.test", AddressFamily.InterNetwork, None);
        Assert.Equal(("mail.nsd.test", "192.0.2.9"), (alias.CanonicalName, Assert.Single(alias.Records).ToString()));
        Assert.Equal(DnsStatus.NoSuchName, (await resolver.AddressesAsync("nowhere.knot.test", AddressFamily.InterNetwork, None)).Status);
        Assert.Equal(DnsStatus.Failed, (await resolver.AddressesAsync("loop1.knot.test", AddressFamily.InterNetwork, None)).Status);

        var names = new ReverseLookup(resolver);
        Assert.Equal("mx1.knot.test", (await names.LookUpAsync(IPAddress.Parse("192.0.2.1"), None)).Verified);
        Assert.Equal(new ReverseName(DnsStatus.Found, "liar.knot.test", false), await names.LookUpAsync(IPAddress.Parse("192.0.2.2"), None));
        Assert.Null((await names.LookUpAsync(IPAddress.Parse("192.0.2.3"), None)).Name);
    }

    [Fact]
    public async Task A_server_that_dies_is_replaced_by_the_next()
    {
        using Resolver resolver = Asking(_knot, _nsd);
        Assert.True((await resolver.AddressesAsync("mail.nsd.test", AddressFamily.InterNetwork, None)).IsFound);
        await _servers[0].KillAsync();
        resolver.Flush();
        Assert.True((await resolver.AddressesAsync("mail.nsd.test", AddressFamily.InterNetwork, None)).IsFound);
        DnsAnswer<MxRecord> gone = await resolver.MxAsync("knot.test", None);
        Assert.True(gone.IsTemporary);
        Assert.NotEqual("", gone.Problem);
    }

    private static Resolver Asking(params IPEndPoint[] servers) =>
        new(new ResolverSettings { Servers = [.. servers], Hosts = "/nonexistent", Timeout = TimeSpan.FromSeconds(3), FailureTtl = TimeSpan.Zero, RandomizeCase = true }, TimeProvider.System);
}
