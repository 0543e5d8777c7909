using System.Net;
using System.Net.Sockets;

namespace Estafette.Policy.Restrictions;

/// <summary>What the text of a host name or address literal is worth, without asking anybody (RFC 5321 s4.1.2, s4.1.3). The underscore is taken: it is out there.</summary>
internal static class HostText
{
    private const int MaximumName = 255;
    private const int MaximumLabel = 63;

    /// <summary>Labels of letters, digits, hyphens; not all of it digits.</summary>
    public static bool IsName(ReadOnlySpan<char> text)
    {
        if (text.Length is 0 or > MaximumName)
            return false;
        bool numeric = true;
        foreach (Range range in text.Split('.'))
        {
            ReadOnlySpan<char> label = text[range];
            if (label.Length is 0 or > MaximumLabel || label[0] == '-' || label[^1] == '-')
                return false;
            foreach (char c in label)
            {
                if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_') && c < 0x80)
                    return false;
                numeric &= char.IsAsciiDigit(c);
            }
        }
        return !numeric;
    }

    public static bool IsFullName(ReadOnlySpan<char> text) => text.Contains('.') && IsName(text);

    public static string WithoutDot(string name) => name.EndsWith('.') ? name[..^1] : name;

    /// <summary>An address without brackets.</summary>
    public static bool IsAddress(string text) =>
        IPAddress.TryParse(text, out IPAddress? address) && (address.AddressFamily == AddressFamily.InterNetworkV6 || text == address.ToString());

    /// <summary><c>[192.0.2.1]</c>, <c>[IPv6:2001:db8::1]</c>.</summary>
    public static bool IsLiteral(string text) => LiteralAddress(text) is not null;

    public static IPAddress? LiteralAddress(string text)
    {
        if (text.Length < 3 || text[0] != '[' || text[^1] != ']')
            return null;
        string inner = text[1..^1];
        if (inner.StartsWith("IPv6:", StringComparison.OrdinalIgnoreCase))
            return IPAddress.TryParse(inner[5..], out IPAddress? six) && six.AddressFamily == AddressFamily.InterNetworkV6 ? six : null;
        return IsAddress(inner) ? IPAddress.Parse(inner) : null;
    }
}
