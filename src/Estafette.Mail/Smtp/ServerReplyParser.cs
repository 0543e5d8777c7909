namespace Estafette.Smtp;

public enum ReplyReading : byte
{
    /// <summary>Not whole yet: nothing is consumed.</summary>
    More,
    Complete,

    /// <summary>No SMTP reply, codes that differ between lines, or beyond the limits (E39): the connection is of no use any more.</summary>
    Malformed,
}

/// <summary>
/// Finds one reply, possibly of several lines, at the start of what a server sent (RFC 5321 s4.2, s4.2.1). Pure: the same octets give the same
/// answer however they were split on the way. A bare LF ends a line too, because there are servers that send it.
/// </summary>
public static class ServerReplyParser
{
    /// <summary>Octets of a reply line; RFC 5321 s4.5.3.1.5 asks for 512, real servers exceed it.</summary>
    public const int MaximumLine = 4096;

    /// <summary>Octets of a whole reply; what is longer is no reply but an attempt to fill our memory.</summary>
    public const int MaximumReply = 64 * 1024;
    public const int MaximumLines = 256;

    /// <summary>On <see cref="ReplyReading.Complete"/>, <paramref name="length"/> is the number of octets of the reply and <paramref name="code"/> its code.</summary>
    public static ReplyReading Read(ReadOnlySpan<byte> input, out int code, out int length)
    {
        code = 0;
        length = 0;
        for (int lines = 1; ; lines++)
        {
            ReadOnlySpan<byte> rest = input[length..];
            int end = rest[..Math.Min(rest.Length, MaximumLine)].IndexOf((byte)'\n');
            if (end < 0)
                return rest.Length >= MaximumLine || length + rest.Length >= MaximumReply || !MayBegin(rest, code) ? ReplyReading.Malformed : ReplyReading.More;
            ReadOnlySpan<byte> line = rest[..end];
            if (line.EndsWith("\r"u8))
                line = line[..^1];
            int own = CodeOf(line);
            if (own == 0 || (code != 0 && own != code) || lines > MaximumLines || length + end >= MaximumReply)
                return ReplyReading.Malformed;
            code = own;
            length += end + 1;
            if (line.Length == 3 || line[3] == (byte)' ')
                return ReplyReading.Complete;
            if (line[3] != (byte)'-')
                return ReplyReading.Malformed;
        }
    }

    /// <summary>The three digits at the start, 200 to 599; 0 when there are none.</summary>
    public static int CodeOf(ReadOnlySpan<byte> line)
    {
        if (line.Length < 3 || line[0] is < (byte)'2' or > (byte)'5' || !char.IsAsciiDigit((char)line[1]) || !char.IsAsciiDigit((char)line[2]))
            return 0;
        return ((line[0] - '0') * 100) + ((line[1] - '0') * 10) + (line[2] - '0');
    }

    /// <summary>Whether an unfinished line can still become a reply, so that a peer of another protocol is noticed without waiting for a time-out.</summary>
    private static bool MayBegin(ReadOnlySpan<byte> line, int code)
    {
        if (line.Length >= 3)
        {
            int own = CodeOf(line);
            return own != 0 && (code == 0 || own == code) && (line.Length == 3 || line[3] is (byte)' ' or (byte)'-' or (byte)'\r');
        }
        return line.IsEmpty || (line[0] is >= (byte)'2' and <= (byte)'5' && (line.Length == 1 || char.IsAsciiDigit((char)line[1])));
    }
}
