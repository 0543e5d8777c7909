using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Estafette.Config;

/// <summary>
/// An address or a network as Postfix takes it (cidr_table(5), postconf(5) mynetworks): <c>192.0.2.1</c>, <c>192.0.2.0/24</c>, <c>2001:db8::/32</c>, <c>[2001:db8::1]</c>, <c>[2001:db8::]/32</c>,
/// <c>[2001:db8::/32]</c>. Stricter than others: four parts, no bit set behind the mask. Pure; never throws.
/// </summary>
public readonly struct NetworkPattern
{
    private readonly UInt128 _network;
    private readonly UInt128 _mask;

    private NetworkPattern(UInt128 network, UInt128 mask, bool isVersion6) => (_network, _mask, IsVersion6) = (network, mask, isVersion6);

    public bool IsVersion6 { get; }

    public bool Contains(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 == IsVersion6 && (Number(address) & _mask) == _network;

    /// <summary>Null where the text is one; else what is wrong with it, in the original's words.</summary>
    public static string? Parse(string text, out NetworkPattern pattern)
    {
        pattern = default;
        string address = text, mask = "";
        bool hasMask = false;
        if (text.StartsWith('['))
        {
            int close = text.IndexOf(']', StringComparison.Ordinal);
            if (close < 0)
                return $"missing ']' character after \"[{text[1..]}\"";
            address = text[1..close];
            string rest = text[(close + 1)..];
            if (rest.Length > 0 && rest[0] != '/')
                return $"garbage after \"[{address}]\"";
            (hasMask, mask) = rest.Length > 0 ? (true, rest[1..]) : (false, "");
        }
        if (!hasMask && address.IndexOf('/', StringComparison.Ordinal) is >= 0 and int slash)
            (hasMask, mask, address) = (true, address[(slash + 1)..], address[..slash]);
        bool isVersion6 = address.Contains(':', StringComparison.Ordinal);
        int most = isVersion6 ? 128 : 32, bits = most;
        if (hasMask)
        {
            if (mask.Length == 0 || !mask.All(char.IsAsciiDigit))
                return $"bad mask value in \"{address}/{mask}\"";
            if (!int.TryParse(mask, NumberStyles.None, CultureInfo.InvariantCulture, out bits) || bits > most)
                return $"bad mask length in \"{address}/{mask}\"";
        }
        if (!TryAddress(address, out IPAddress? parsed))
            return hasMask ? $"bad network value in \"{address}/{mask}\"" : $"bad address pattern: \"{address}\"";
        UInt128 number = Number(parsed);
        UInt128 width = isVersion6 ? UInt128.MaxValue : uint.MaxValue;
        UInt128 set = bits == 0 ? UInt128.Zero : (width << (most - bits)) & width;
        if ((number & ~set) != 0)
            return string.Create(CultureInfo.InvariantCulture, $"non-null host address bits in \"{address}/{mask}\", perhaps you should use \"{ToAddress(number & set, isVersion6)}/{bits}\" instead");
        pattern = new NetworkPattern(number, set, isVersion6);
        return null;
    }

    /// <summary>Reads an address as inet_pton(3) does: no brackets, no zone, four decimal parts.</summary>
    public static bool TryAddress(string text, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        if (text.Length is 0 or > 45)
            return false;
        if (text.Contains(':', StringComparison.Ordinal))
            return text.All(c => char.IsAsciiHexDigit(c) || c is ':' or '.') && IPAddress.TryParse(text, out address) && address.AddressFamily == AddressFamily.InterNetworkV6;
        Span<byte> octets = stackalloc byte[4];
        int count = 0;
        foreach (Range range in text.AsSpan().Split('.'))
        {
            ReadOnlySpan<char> part = text.AsSpan(range);
            if (count == 4 || part.Length is 0 or > 3 || (part.Length > 1 && part[0] == '0') || !byte.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out octets[count]))
                return false;
            count++;
        }
        if (count == 4)
            address = new IPAddress(octets);
        return address is not null;
    }

    private static UInt128 Number(IPAddress address)
    {
        Span<byte> octets = stackalloc byte[16];
        address.TryWriteBytes(octets, out int length);
        return length == 16 ? BinaryPrimitives.ReadUInt128BigEndian(octets) : BinaryPrimitives.ReadUInt32BigEndian(octets);
    }

    private static IPAddress ToAddress(UInt128 number, bool isVersion6)
    {
        Span<byte> octets = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(octets, number);
        return new IPAddress(isVersion6 ? octets : octets[12..]);
    }
}
