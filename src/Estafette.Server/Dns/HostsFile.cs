using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;

namespace Estafette.Dns;

/// <summary>The names of hosts(5), both ways. <c>localhost</c> is always there (RFC 6761 s6.3).</summary>
public sealed class HostsFile
{
    private readonly FrozenDictionary<string, ImmutableArray<IPAddress>> _addresses;
    private readonly FrozenDictionary<IPAddress, string> _names;

    private HostsFile(Dictionary<string, ImmutableArray<IPAddress>> addresses, Dictionary<IPAddress, string> names)
    {
        _addresses = addresses.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
        _names = names.ToFrozenDictionary();
    }

    public static HostsFile Empty { get; } = Parse("");

    public static HostsFile Parse(string text)
    {
        var addresses = new Dictionary<string, ImmutableArray<IPAddress>>(StringComparer.OrdinalIgnoreCase);
        var names = new Dictionary<IPAddress, string>();
        foreach (string line in text.Split('\n'))
        {
            string[] words = line.Split('#')[0].Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2 || !IPAddress.TryParse(words[0], out IPAddress? address))
                continue;
            // The first line wins for the name of an address; addresses of a name add up.
            names.TryAdd(address, words[1]);
            foreach (string name in words[1..])
            {
                ImmutableArray<IPAddress> known = addresses.GetValueOrDefault(name, []);
                if (!known.Contains(address))
                    addresses[name] = known.Add(address);
            }
        }
        addresses.TryAdd("localhost", [IPAddress.Loopback, IPAddress.IPv6Loopback]);
        return new HostsFile(addresses, names);
    }

    /// <summary>Empty when the name is not there.</summary>
    public ImmutableArray<IPAddress> AddressesOf(string name) => _addresses.GetValueOrDefault(name, []);

    public string? NameOf(IPAddress address) => _names.GetValueOrDefault(address);
}
