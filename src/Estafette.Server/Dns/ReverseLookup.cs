using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;

namespace Estafette.Dns;

/// <summary>Which source of names is asked first for an address. OpenSMTPD's resolver asks the DNS first, the C library usually the file.</summary>
public enum HostsOrder : byte { FileFirst, DnsFirst }

/// <summary>
/// What is known of a client's name. <see cref="Name"/> is what the reverse zone says (null when nothing); <see cref="IsConfirmed"/> tells that this
/// name has the address among its own. A name that is not confirmed is the client's claim and proves nothing.
/// </summary>
public sealed record ReverseName(DnsStatus Status, string? Name, bool IsConfirmed)
{
    /// <summary>The name where it is confirmed.</summary>
    public string? Verified => IsConfirmed ? Name : null;
}

/// <summary>Looks up the name of an address and confirms it by the way back (RFC 1912 s2.1).</summary>
public sealed class ReverseLookup(Resolver resolver, HostsOrder order = HostsOrder.FileFirst)
{
    /// <summary>PTR records of one address that are tried.</summary>
    public const int MaximumNames = 5;

    public async ValueTask<ReverseName> LookUpAsync(IPAddress address, CancellationToken cancellationToken)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        ReverseName? local = resolver.Hosts.NameOf(address) is { } name ? new ReverseName(DnsStatus.Found, name, true) : null;
        if (local is not null && order is HostsOrder.FileFirst)
            return local;
        DnsAnswer<string> answer = await resolver.PtrAsync(address, cancellationToken);
        return answer.IsFound ? await ConfirmAsync(address, answer.Records, cancellationToken) : local ?? new ReverseName(answer.Status, null, false);
    }

    private async ValueTask<ReverseName> ConfirmAsync(IPAddress address, ImmutableArray<string> names, CancellationToken cancellationToken)
    {
        DnsStatus status = DnsStatus.Found;
        foreach (string name in names.Take(MaximumNames))
        {
            DnsAnswer<IPAddress> forward = await resolver.AddressesAsync(name, address.AddressFamily, cancellationToken);
            if (forward.Records.Contains(address))
                return new ReverseName(DnsStatus.Found, name, true);
            if (forward.IsTemporary)
                status = DnsStatus.Failed;
        }
        // A name that is no host name is not worth showing.
        string? claimed = names.FirstOrDefault(n => DnsName.TryNormalize(n, out _));
        return new ReverseName(status, claimed, false);
    }

    /// <summary>The name below in-addr.arpa or ip6.arpa (RFC 1035 s3.5, RFC 3596 s2.5).</summary>
    public static string NameOf(IPAddress address)
    {
        byte[] octets = address.GetAddressBytes();
        Array.Reverse(octets);
        if (octets.Length == 4)
            return string.Join('.', octets.Select(o => o.ToString(CultureInfo.InvariantCulture))) + ".in-addr.arpa";
        var name = new StringBuilder(72);
        foreach (byte octet in octets)
            name.Append(CultureInfo.InvariantCulture, $"{octet & 15:x}.{octet >> 4:x}.");
        return name.Append("ip6.arpa").ToString();
    }
}
