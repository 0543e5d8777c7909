namespace Estafette.Local;

/// <summary>
/// Turns a stored message into the text of a mailbox, piece by piece: CRLF becomes LF, all other octets stay (P22); for an mbox a line that begins with
/// "From " gets a ">" before it, because readers take such a line for the start of a message. Pure: what it cannot decide yet it leaves unconsumed.
/// </summary>
internal sealed class UnixText
{
    private bool _quoteFrom;
    private bool _atLineStart = true;

    /// <summary>True when the last octet given out was a line end, or none was given out.</summary>
    public bool AtLineStart => _atLineStart;

    public void Reset(bool quoteFrom)
    {
        _quoteFrom = quoteFrom;
        _atLineStart = true;
    }

    /// <summary>
    /// Converts as much as fits. With <paramref name="final"/> the input is the message's end and is consumed whole (room permitting); without it up to four octets
    /// may stay behind for the next call. <paramref name="output"/> has room for at least 16 octets.
    /// </summary>
    public void Convert(ReadOnlySpan<byte> input, Span<byte> output, bool final, out int consumed, out int written)
    {
        consumed = 0;
        written = 0;
        while (consumed < input.Length && written + 2 <= output.Length)
        {
            ReadOnlySpan<byte> rest = input[consumed..];
            if (_quoteFrom && _atLineStart)
            {
                if (rest.StartsWith("From "u8))
                    output[written++] = (byte)'>';
                else if (!final && rest.Length < 5 && "From "u8.StartsWith(rest))
                    return;
            }
            int room = Math.Min(rest.Length, output.Length - written);
            int stop = _quoteFrom ? rest[..room].IndexOfAny((byte)'\r', (byte)'\n') : rest[..room].IndexOf((byte)'\r');
            int plain = stop < 0 ? room : stop;
            rest[..plain].CopyTo(output[written..]);
            consumed += plain;
            written += plain;
            if (plain > 0)
                _atLineStart = rest[plain - 1] == (byte)'\n';
            if (stop < 0)
                continue;
            if (rest[stop] == (byte)'\n')
            {
                output[written++] = (byte)'\n';
                consumed++;
                _atLineStart = true;
                continue;
            }
            if (stop + 1 == rest.Length && !final)
                return;
            bool lineEnd = stop + 1 < rest.Length && rest[stop + 1] == (byte)'\n';
            output[written++] = lineEnd ? (byte)'\n' : (byte)'\r';
            consumed += lineEnd ? 2 : 1;
            _atLineStart = lineEnd;
        }
    }
}
