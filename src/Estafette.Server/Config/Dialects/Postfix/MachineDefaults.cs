using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>
/// The defaults that depend on the machine: <c>myhostname</c>, <c>mydomain</c> and <c>mynetworks</c> (<c>postconf(5)</c>). The resolver is not asked for the own name, so that nothing hangs where it is away.
/// </summary>
internal static class MachineDefaults
{
    private const string NoDomain = "localdomain";

    /// <param name="domain">The value of <c>mydomain</c> where it is set.</param>
    public static string HostName(IMachine machine, string? domain) =>
        machine.NodeName.Contains('.', StringComparison.Ordinal) ? machine.NodeName : machine.NodeName + "." + (domain ?? NoDomain);

    public static string Domain(string hostName) => hostName.IndexOf('.', StringComparison.Ordinal) is >= 0 and int dot ? hostName[(dot + 1)..] : NoDomain;

    /// <summary>The own addresses by <c>inet_interfaces</c> and <c>inet_protocols</c>; what is no address and has none is told by whoever listens.</summary>
    public static ImmutableArray<InterfaceAddress> OwnAddresses(IMachine machine, ImmutableArray<string> interfaces, ImmutableArray<string> protocols)
    {
        var found = new List<InterfaceAddress>();
        foreach (string name in interfaces)
        {
            string literal = name.StartsWith('[') && name.EndsWith(']') ? name[1..^1] : name;
            if (name.Equals("all", StringComparison.OrdinalIgnoreCase))
                found.AddRange(machine.Interfaces);
            else if (name.Equals("loopback-only", StringComparison.OrdinalIgnoreCase))
                found.AddRange(machine.Interfaces.Where(a => IPAddress.IsLoopback(a.Address)));
            else
                found.AddRange((IPAddress.TryParse(literal, out IPAddress? address) ? [address] : machine.Resolve(name)).Select(a => Known(machine, a)));
        }
        return [.. found.Where(a => Serves(protocols, a.Address)).DistinctBy(a => a.Address).OrderBy(a => a.Address.AddressFamily == AddressFamily.InterNetwork ? 0 : 1)];
    }

    public static bool Serves(ImmutableArray<string> protocols, IPAddress address) =>
        protocols.Any(p => p.Equals("all", StringComparison.OrdinalIgnoreCase)
            || p.Equals(address.AddressFamily == AddressFamily.InterNetwork ? "ipv4" : "ipv6", StringComparison.OrdinalIgnoreCase));

    /// <summary>The networks of the own addresses by <c>mynetworks_style</c>: class, subnet or host.</summary>
    public static string Networks(ImmutableArray<InterfaceAddress> addresses, string style)
    {
        var text = new StringBuilder();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (InterfaceAddress own in addresses)
        {
            byte[] octets = own.Address.GetAddressBytes();
            bool four = octets.Length == 4;
            int bits = style.ToLowerInvariant() switch
            {
                "host" => octets.Length * 8,
                "class" when four => octets[0] switch { < 128 => 8, < 192 => 16, < 224 => 24, _ => 28 },
                _ => own.PrefixLength > 0 ? own.PrefixLength : octets.Length * 8,
            };
            for (int bit = bits; bit < octets.Length * 8; bit++)
                octets[bit / 8] &= (byte)~(0x80 >> (bit % 8));
            string network = (four ? new IPAddress(octets).ToString() : "[" + new IPAddress(octets) + "]") + "/" + bits.ToString(System.Globalization.CultureInfo.InvariantCulture);
            if (seen.Add(network))
                text.Append(text.Length > 0 ? " " : "").Append(network);
        }
        return text.ToString();
    }

    private static InterfaceAddress Known(IMachine machine, IPAddress address) =>
        machine.Interfaces.FirstOrDefault(i => i.Address.Equals(address)) ?? new InterfaceAddress("", address);
}
