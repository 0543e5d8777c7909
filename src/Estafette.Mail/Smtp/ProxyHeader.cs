using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Estafette.Smtp;

public enum ProxyStatus : byte { More, Ok, Invalid }

/// <summary>
/// The PROXY protocol, versions 1 (text) and 2 (binary), as balancers send it before the first octet of a session (E49). Pure: nothing is consumed until
/// the whole header is there; its length is bounded. <see cref="Source"/> is null for a connection of the balancer itself (LOCAL, UNKNOWN).
/// </summary>
public readonly record struct ProxyHeader(IPEndPoint? Source)
{
    private const int LongestV1 = 107;
    private const int V2Prefix = 16;
    private const int LongestV2 = 1024;

    private static ReadOnlySpan<byte> V2Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    public static ProxyStatus TryTake(in ReadOnlySequence<byte> input, out ProxyHeader header, out SequencePosition next)
    {
        header = default;
        next = input.Start;
        int seen = (int)Math.Min(input.Length, V2Prefix + LongestV2);
        Span<byte> octets = stackalloc byte[V2Prefix + LongestV2];
        input.Slice(0, seen).CopyTo(octets);
        ReadOnlySpan<byte> text = octets[..seen];
        int known = Math.Min(seen, V2Signature.Length);
        ProxyStatus status;
        int used = 0;
        if (known > 0 && text[..known].SequenceEqual(V2Signature[..known]))
            status = TakeV2(text, out header, out used);
        else
            status = TakeV1(text, out header, out used);
        if (status == ProxyStatus.Ok)
            next = input.GetPosition(used);
        return status;
    }

    private static ProxyStatus TakeV1(ReadOnlySpan<byte> text, out ProxyHeader header, out int used)
    {
        header = default;
        used = 0;
        int known = Math.Min(text.Length, 6);
        if (!text[..known].SequenceEqual("PROXY "u8[..known]))
            return ProxyStatus.Invalid;
        int end = text[..Math.Min(text.Length, LongestV1)].IndexOf("\r\n"u8);
        if (end < 0)
            return text.Length >= LongestV1 ? ProxyStatus.Invalid : ProxyStatus.More;
        used = end + 2;
        if (!Ascii.IsValid(text[..end]))
            return ProxyStatus.Invalid;
        string[] words = Encoding.ASCII.GetString(text[..end]).Split(' ');
        if (words.Length >= 2 && words[1] == "UNKNOWN")
            return ProxyStatus.Ok;
        if (words.Length != 6 || words[1] is not ("TCP4" or "TCP6") || !IPAddress.TryParse(words[2], out IPAddress? source)
            || !ushort.TryParse(words[4], out ushort port))
            return ProxyStatus.Invalid;
        header = new ProxyHeader(new IPEndPoint(source, port));
        return ProxyStatus.Ok;
    }

    private static ProxyStatus TakeV2(ReadOnlySpan<byte> text, out ProxyHeader header, out int used)
    {
        header = default;
        used = 0;
        if (text.Length < V2Prefix)
            return ProxyStatus.More;
        int length = BinaryPrimitives.ReadUInt16BigEndian(text[14..]);
        if (text[12] >> 4 != 2 || length > LongestV2)
            return ProxyStatus.Invalid;
        if (text.Length < V2Prefix + length)
            return ProxyStatus.More;
        used = V2Prefix + length;
        int command = text[12] & 0xf;
        if (command == 0)
            return ProxyStatus.Ok;
        ReadOnlySpan<byte> block = text.Slice(V2Prefix, length);
        int family = text[13] >> 4;
        if (command != 1 || (family == 1 && length < 12) || (family == 2 && length < 36))
            return ProxyStatus.Invalid;
        header = family switch
        {
            1 => new ProxyHeader(new IPEndPoint(new IPAddress(block[..4]), BinaryPrimitives.ReadUInt16BigEndian(block[8..]))),
            2 => new ProxyHeader(new IPEndPoint(new IPAddress(block[..16]), BinaryPrimitives.ReadUInt16BigEndian(block[32..]))),
            _ => default,
        };
        return ProxyStatus.Ok;
    }
}
