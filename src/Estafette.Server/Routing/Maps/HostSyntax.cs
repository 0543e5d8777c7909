using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using Estafette.Tables;

namespace Estafette.Routing.Maps;

/// <summary>Which domains of addresses are well formed: a host name, or an address in brackets (RFC 5321 s4.1.3). A bare address is neither. Pure.</summary>
internal static class HostSyntax
{
    private const int LongestName = 255, LongestLabel = 63;

    public static bool IsName(ReadOnlySpan<char> name)
    {
        if (name.IsEmpty || name.Length > LongestName)
            return false;
        bool hasLetter = false;
        int label = 0;
        for (int i = 0; i <= name.Length; i++)
        {
            if (i == name.Length || name[i] == '.')
            {
                if (label is 0 or > LongestLabel || name[i - 1] == '-')
                    return false;
                label = 0;
                continue;
            }
            char c = name[i];
            if (!char.IsAsciiLetterOrDigit(c) && c is not '_' and < (char)0x80 && (c != '-' || label == 0))
                return false;
            hasLetter |= !char.IsAsciiDigit(c);
            label++;
        }
        return hasLetter;
    }

    /// <summary><c>[192.0.2.1]</c> or <c>[IPv6:2001:db8::1]</c>.</summary>
    public static bool TryLiteral(ReadOnlySpan<char> domain, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        if (domain.Length < 3 || domain[0] != '[' || domain[^1] != ']')
            return false;
        ReadOnlySpan<char> inner = domain[1..^1];
        bool six = inner.StartsWith("IPv6:", StringComparison.OrdinalIgnoreCase);
        if (!TryAddress(six ? inner[5..] : inner, out address) || six != (address.AddressFamily == AddressFamily.InterNetworkV6))
            return false;
        address = NetworkPrefix.Canonical(address);
        return true;
    }

    /// <summary>An address without brackets, in the usual notation only: other parsers also take <c>1</c> or <c>0x7f.1</c>.</summary>
    public static bool TryAddress(ReadOnlySpan<char> text, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        if (text.Contains('%') || !IPAddress.TryParse(text, out IPAddress? parsed)
            || (parsed.AddressFamily == AddressFamily.InterNetwork && !text.SequenceEqual(parsed.ToString())))
            return false;
        address = parsed;
        return true;
    }
}
