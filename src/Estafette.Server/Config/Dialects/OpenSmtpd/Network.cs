using System.Net;
using System.Net.Sockets;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>An address or network as smtpd.conf writes it: <c>192.0.2.0/24</c>, <c>2001:db8::/32</c>, <c>[::1]</c>, <c>IPv6:::1</c>.</summary>
internal readonly record struct Network(IPAddress Address, int Prefix)
{
    public static Network? Parse(string text)
    {
        string value = text.StartsWith("IPv6:", StringComparison.OrdinalIgnoreCase) ? text[5..] : text;
        int slash = value.IndexOf('/', StringComparison.Ordinal);
        string host = slash < 0 ? value : value[..slash];
        if (host.StartsWith('[') && host.EndsWith(']'))
            host = host[1..^1];
        if (!IPAddress.TryParse(host, out IPAddress? address))
            return null;

        // The runtime reads "10" as 0.0.0.10; nobody means that.
        if (address.AddressFamily == AddressFamily.InterNetwork && host.Count(c => c == '.') != 3)
            return null;
        int longest = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        if (slash < 0)
            return new Network(address, longest);
        return Quantity.Count(value[(slash + 1)..]) is { } prefix && prefix <= longest ? new Network(address, (int)prefix) : null;
    }

    /// <summary>Wide enough to hold much of the Internet, and not one of the private ranges.</summary>
    public bool IsPublicWide
    {
        get
        {
            byte first = Address.GetAddressBytes()[0];
            if (Address.AddressFamily == AddressFamily.InterNetwork)
                return Prefix < 8 || (Prefix == 8 && first is not (10 or 127));
            return Prefix < 20 && !(first is 0xfc or 0xfd or 0xfe && Prefix >= 7);
        }
    }
}
