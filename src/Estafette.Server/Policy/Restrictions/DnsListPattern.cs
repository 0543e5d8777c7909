using System.Globalization;
using System.Net;

namespace Estafette.Policy.Restrictions;

/// <summary>A DNS list with the answers that count: <c>zone</c>, <c>zone=127.0.0.2</c>, <c>zone=127.0.[0..3].[2;4..11]</c> (postconf(5) <c>reject_rbl_client</c>).</summary>
public sealed record DnsListPattern(string Zone)
{
    private const int Octets = 4;

    /// <summary>One set of values an octet; null takes every answer.</summary>
    private (byte From, byte To)[][]? _octets;

    /// <summary>Null where the pattern makes no sense.</summary>
    public static DnsListPattern? Read(string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        string zone = equals < 0 ? text : text[..equals];
        if (!HostText.IsName(zone))
            return null;
        if (equals < 0)
            return new DnsListPattern(zone);
        return Parse(text[(equals + 1)..]) is { } octets ? new DnsListPattern(zone) { _octets = octets } : null;
    }

    public bool Takes(IPAddress answer)
    {
        byte[] octets = answer.GetAddressBytes();
        if (octets.Length != Octets)
            return false;
        if (_octets is not { } wanted)
            return true;
        for (int i = 0; i < Octets; i++)
        {
            if (!wanted[i].Any(range => octets[i] >= range.From && octets[i] <= range.To))
                return false;
        }
        return true;
    }

    private static (byte, byte)[][]? Parse(string text)
    {
        var octets = new List<(byte, byte)[]>(Octets);
        int at = 0;
        while (octets.Count < Octets)
        {
            int end = at < text.Length && text[at] == '[' ? text.IndexOf(']', at) + 1 : text.IndexOf('.', at);
            if (end <= 0 && octets.Count < Octets - 1)
                return null;
            end = end <= 0 ? text.Length : end;
            if (Octet(text[at..end]) is not { } values)
                return null;
            octets.Add(values);
            bool last = octets.Count == Octets;
            if (last ? end != text.Length : end >= text.Length || text[end] != '.')
                return null;
            at = end + 1;
        }
        return [.. octets];
    }

    private static (byte, byte)[]? Octet(string text)
    {
        string inner = text.StartsWith('[') && text.EndsWith(']') ? text[1..^1] : text;
        var values = new List<(byte, byte)>();
        foreach (string part in inner.Split(';'))
        {
            int dots = part.IndexOf("..", StringComparison.Ordinal);
            string from = dots < 0 ? part : part[..dots];
            string to = dots < 0 ? part : part[(dots + 2)..];
            if (!byte.TryParse(from, NumberStyles.None, CultureInfo.InvariantCulture, out byte low) || !byte.TryParse(to, NumberStyles.None, CultureInfo.InvariantCulture, out byte high) || low > high)
                return null;
            values.Add((low, high));
        }
        return [.. values];
    }
}
