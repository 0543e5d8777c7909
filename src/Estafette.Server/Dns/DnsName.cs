using System.Globalization;
using System.Text;

namespace Estafette.Dns;

/// <summary>
/// Domain names between text and wire (RFC 1035 s3.1, s4.1.4). A name read from the wire is bounded to 255 octets, its compression pointers only lead
/// backwards, and octets that no host name has are escaped, so that it is safe in logs and comparisons.
/// </summary>
public static class DnsName
{
    public const int MaximumWireLength = 255;
    public const int MaximumLabelLength = 63;

    /// <summary>Lower case, A-labels (RFC 5890), no trailing dot; false where it is no domain name.</summary>
    public static bool TryNormalize(string text, out string name)
    {
        name = text.EndsWith('.') && text.Length > 1 ? text[..^1] : text;
        if (!Ascii.IsValid(name))
        {
            try
            {
                name = new IdnMapping { AllowUnassigned = true }.GetAscii(name.ToLowerInvariant());
            }
            catch (ArgumentException)
            {
                return false;
            }
        }
        name = name.ToLowerInvariant();
        Span<byte> wire = stackalloc byte[MaximumWireLength];
        return name.Length > 0 && TryEncode(name, wire, out _);
    }

    /// <summary>Writes plain ASCII text as labels; "" is the root.</summary>
    public static bool TryEncode(ReadOnlySpan<char> name, Span<byte> destination, out int length)
    {
        length = 0;
        while (!name.IsEmpty)
        {
            int dot = name.IndexOf('.');
            ReadOnlySpan<char> label = dot < 0 ? name : name[..dot];
            if (label.IsEmpty || label.Length > MaximumLabelLength || dot == name.Length - 1 || length + label.Length + 2 > Math.Min(destination.Length, MaximumWireLength))
                return false;
            destination[length++] = (byte)label.Length;
            foreach (char c in label)
            {
                if (c is <= ' ' or >= (char)127 or '\\')
                    return false;
                destination[length++] = (byte)c;
            }
            name = dot < 0 ? [] : name[(dot + 1)..];
        }
        if (destination.IsEmpty)
            return false;
        destination[length++] = 0;
        return true;
    }

    /// <summary>Reads a name at <paramref name="offset"/>, which moves behind it; letters keep their case.</summary>
    public static bool TryRead(ReadOnlySpan<byte> message, ref int offset, out string name)
    {
        name = "";
        var text = new StringBuilder(64);
        int at = offset;
        int wireLength = 0;
        // Every pointer leads before the last one: that alone ends all loops.
        int lowest = offset;
        bool jumped = false;
        while (true)
        {
            if (at >= message.Length)
                return false;
            int length = message[at];
            if (length >= 0xC0)
            {
                if (at + 1 >= message.Length)
                    return false;
                int target = ((length & 0x3F) << 8) | message[at + 1];
                if (target >= lowest)
                    return false;
                if (!jumped)
                    offset = at + 2;
                jumped = true;
                lowest = at = target;
                continue;
            }
            wireLength += length + 1;
            if (length > MaximumLabelLength || wireLength > MaximumWireLength || at + 1 + length > message.Length)
                return false;
            at++;
            if (length == 0)
                break;
            if (text.Length > 0)
                text.Append('.');
            AppendLabel(text, message.Slice(at, length));
            at += length;
        }
        if (!jumped)
            offset = at;
        name = text.ToString();
        return true;
    }

    private static void AppendLabel(StringBuilder text, ReadOnlySpan<byte> label)
    {
        foreach (byte octet in label)
        {
            if (octet is > 32 and < 127 and not ((byte)'.' or (byte)'\\'))
                text.Append((char)octet);
            else
                text.Append(CultureInfo.InvariantCulture, $"\\{octet:D3}");
        }
    }
}
