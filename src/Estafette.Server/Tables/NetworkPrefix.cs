using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Estafette.Tables;

/// <summary>
/// An IPv4 or IPv6 address or network as tables write it: <c>192.0.2.1</c>, <c>10.0.0.0/8</c>, <c>10/8</c>, <c>[2001:db8::]/32</c>,
/// <c>IPv6:::1</c>. IPv4 addresses mapped into IPv6 are IPv4 addresses on both sides of a comparison (E52).
/// </summary>
public readonly struct NetworkPrefix
{
    private readonly UInt128 _network;
    private readonly UInt128 _mask;
    private readonly bool _v6;

    private NetworkPrefix(IPAddress address, int bits)
    {
        _v6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        int unused = (_v6 ? 128 : 32) - bits;
        _mask = unused == 128 ? UInt128.Zero : UInt128.MaxValue << unused;
        _network = Number(address) & _mask;
        Bits = bits;
    }

    public int Bits { get; }

    public bool Contains(IPAddress address)
    {
        address = Canonical(address);
        return address.AddressFamily == AddressFamily.InterNetworkV6 == _v6 && (Number(address) & _mask) == _network;
    }

    public static IPAddress Canonical(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    public static bool TryParse(ReadOnlySpan<char> text, out NetworkPrefix prefix)
    {
        prefix = default;
        int slash = text.LastIndexOf('/');
        ReadOnlySpan<char> host = slash < 0 ? text : text[..slash];
        if (!TryAddress(host, slash >= 0, out IPAddress? address, out int defaultBits))
            return false;
        bool mapped = address.IsIPv4MappedToIPv6;
        int most = address.AddressFamily == AddressFamily.InterNetworkV6 ? 128 : 32;
        int bits = defaultBits;
        if (slash >= 0 && (!int.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out bits) || bits > most))
            return false;
        // A prefix shorter than the mapping's own 96 bits is a statement about IPv6, not about IPv4.
        prefix = mapped && bits >= 96 ? new NetworkPrefix(address.MapToIPv4(), bits - 96) : new NetworkPrefix(address, bits);
        return true;
    }

    /// <summary>Reads an address in any of the forms above, without a mask, canonical.</summary>
    public static bool TryParseAddress(ReadOnlySpan<char> text, [NotNullWhen(true)] out IPAddress? address)
    {
        if (!TryAddress(text, false, out address, out _))
            return false;
        address = Canonical(address);
        return true;
    }

    private static bool TryAddress(ReadOnlySpan<char> text, bool abbreviated, [NotNullWhen(true)] out IPAddress? address, out int bits)
    {
        address = null;
        bits = 32;
        text = StripMark(text);
        if (text.StartsWith("[") && text.EndsWith("]"))
            text = StripMark(text[1..^1]);
        if (text.Contains(':'))
        {
            bits = 128;
            return !text.ContainsAny("[]%") && IPAddress.TryParse(text, out address) && address.AddressFamily == AddressFamily.InterNetworkV6;
        }
        return TryVersion4(text, abbreviated, out address);
    }

    private static ReadOnlySpan<char> StripMark(ReadOnlySpan<char> text) =>
        text.StartsWith("IPv6:", StringComparison.OrdinalIgnoreCase) ? text[5..] : text;

    /// <summary>Dotted decimals only: hexadecimal, octal and 32-bit forms that the system's parser takes are typing errors here. <c>10/8</c> is short for <c>10.0.0.0/8</c>.</summary>
    private static bool TryVersion4(ReadOnlySpan<char> text, bool abbreviated, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        Span<byte> octets = stackalloc byte[4];
        int count = 0;
        foreach (Range range in text.Split('.'))
        {
            ReadOnlySpan<char> part = text[range];
            if (count == 4 || part.Length > 3 || !byte.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out octets[count]))
                return false;
            count++;
        }
        if (count < 4 && !abbreviated)
            return false;
        address = new IPAddress(octets);
        return true;
    }

    private static UInt128 Number(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int written);
        UInt128 number = 0;
        foreach (byte b in bytes[..written])
            number = (number << 8) | b;
        return number;
    }
}
