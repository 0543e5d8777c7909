using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Estafette.Dns;

/// <summary>
/// The stub resolver. It asks the recursive servers of resolv.conf (or of the configuration), remembers what they say for as long as they allow, follows
/// CNAME, and consults /etc/hosts for addresses as the system does. Every answer is a value; only cancellation by the caller throws. Equal questions that
/// are asked at the same time become one.
/// </summary>
public sealed class Resolver : IDisposable
{
    private readonly ResolverSettings _settings;
    private readonly WatchedFile<HostsFile> _hosts;
    private readonly DnsCache _cache;
    private readonly RecursiveServers _servers;
    private readonly SemaphoreSlim _slots;
    private readonly ConcurrentDictionary<DnsKey, Lazy<Task<DnsResult>>> _underWay = new();

    public Resolver(ResolverSettings settings, TimeProvider clock)
    {
        _settings = settings;
        _hosts = new WatchedFile<HostsFile>(settings.Hosts, HostsFile.Parse, HostsFile.Empty, settings.FileCheckInterval, clock);
        _cache = new DnsCache(settings.CacheEntries, clock);
        _servers = new RecursiveServers(settings, clock);
        _slots = new SemaphoreSlim(settings.ConcurrentQueries);
    }

    public async ValueTask<DnsAnswer<MxRecord>> MxAsync(string domain, CancellationToken cancellationToken) =>
        (await ResolveAsync(domain, DnsRecordType.Mx, cancellationToken)).As<MxRecord>();

    /// <summary>One character an octet; the strings of a record are joined.</summary>
    public async ValueTask<DnsAnswer<string>> TxtAsync(string name, CancellationToken cancellationToken) =>
        (await ResolveAsync(name, DnsRecordType.Txt, cancellationToken)).As<string>();

    public async ValueTask<DnsAnswer<TlsaRecord>> TlsaAsync(string name, CancellationToken cancellationToken) =>
        (await ResolveAsync(name, DnsRecordType.Tlsa, cancellationToken)).As<TlsaRecord>();

    /// <summary>The names of a zone's name servers; nothing where the name is no zone of its own.</summary>
    public async ValueTask<DnsAnswer<string>> NsAsync(string domain, CancellationToken cancellationToken) =>
        (await ResolveAsync(domain, DnsRecordType.Ns, cancellationToken)).As<string>();

    /// <summary>A or AAAA; hosts first.</summary>
    public async ValueTask<DnsAnswer<IPAddress>> AddressesAsync(string host, AddressFamily family, CancellationToken cancellationToken)
    {
        ImmutableArray<IPAddress> local = _hosts.Value.AddressesOf(host.TrimEnd('.'));
        if (!local.IsEmpty)
        {
            ImmutableArray<IPAddress> matching = [.. local.Where(a => a.AddressFamily == family)];
            return new(matching.IsEmpty ? DnsStatus.NoData : DnsStatus.Found, matching) { CanonicalName = host };
        }
        DnsRecordType type = family is AddressFamily.InterNetworkV6 ? DnsRecordType.Aaaa : DnsRecordType.A;
        return (await ResolveAsync(host, type, cancellationToken)).As<IPAddress>();
    }

    /// <summary>A and AAAA together, IPv4 first; failed only when neither gave an address and one failed.</summary>
    public async ValueTask<DnsAnswer<IPAddress>> AddressesAsync(string host, CancellationToken cancellationToken)
    {
        Task<DnsAnswer<IPAddress>> askIPv6 = AddressesAsync(host, AddressFamily.InterNetworkV6, cancellationToken).AsTask();
        DnsAnswer<IPAddress> v4 = await AddressesAsync(host, AddressFamily.InterNetwork, cancellationToken);
        DnsAnswer<IPAddress> v6 = await askIPv6;
        if (v4.IsFound && v6.IsFound)
            return v4 with { Records = v4.Records.AddRange(v6.Records), IsAuthentic = v4.IsAuthentic && v6.IsAuthentic };
        if (v4.IsFound || v6.IsFound)
            return v4.IsFound ? v4 : v6;
        return v6.IsTemporary ? v6 : v4;
    }

    /// <summary>The names an address has in the DNS; hosts are not consulted (see <see cref="ReverseLookup"/>).</summary>
    public async ValueTask<DnsAnswer<string>> PtrAsync(IPAddress address, CancellationToken cancellationToken) =>
        (await ResolveAsync(ReverseLookup.NameOf(address), DnsRecordType.Ptr, cancellationToken)).As<string>();

    internal HostsFile Hosts => _hosts.Value;

    internal int CachedAnswers => _cache.Count;

    /// <summary>Forgets everything, for an operator who has just mended a zone.</summary>
    public void Flush() => _cache.Clear();

    public void Dispose() => _slots.Dispose();

    private async ValueTask<DnsResult> ResolveAsync(string name, DnsRecordType type, CancellationToken cancellationToken)
    {
        if (!DnsName.TryNormalize(name, out string normal))
            return new DnsResult(DnsStatus.BadName, "", [], false, TimeSpan.Zero, "not a domain name");
        var key = new DnsKey(normal, type);
        if (_cache.Find(key) is { } known)
            return known;
        Lazy<Task<DnsResult>> task = _underWay.GetOrAdd(key, k => new Lazy<Task<DnsResult>>(() => AskAndStoreAsync(k)));
        return await task.Value.WaitAsync(cancellationToken);
    }

    /// <summary>Runs for all that wait, so no single one of them can cancel it; its own limits end it.</summary>
    private async Task<DnsResult> AskAndStoreAsync(DnsKey key)
    {
        try
        {
            await _slots.WaitAsync();
            try
            {
                DnsResult result = await _servers.ResolveAsync(key);
                _cache.Store(key, result);
                return result;
            }
            finally
            {
                _slots.Release();
            }
        }
        finally
        {
            _underWay.TryRemove(key, out _);
        }
    }
}
