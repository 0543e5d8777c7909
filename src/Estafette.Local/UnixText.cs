namespace Estafette.Local;

/// <summary>
/// Turns a stored message into the text of a mailbox, piece by piece: CRLF becomes LF, all other octets stay (P22); for an mbox a line that begins with
/// "From " gets a ">" before it, because readers take such a line for the start of a message. Pure: at most five octets are held back until the next
/// ones decide about them.
/// </summary>
internal sealed class UnixText
{
    /// <summary>Room in the output below which nothing is converted.</summary>
    public const int MinimumRoom = 16;

    private bool _quoteFrom;
    private bool _heldCr;

    /// <summary>How many octets of "From " have matched since the line began; -1 when the line cannot match any more.</summary>
    private int _matched;

    private static ReadOnlySpan<byte> From => "From "u8;

    /// <summary>True when the last octet given out was a line end, or none was given out.</summary>
    public bool AtLineStart { get; private set; } = true;

    public void Reset(bool quoteFrom)
    {
        _quoteFrom = quoteFrom;
        _heldCr = false;
        _matched = 0;
        AtLineStart = true;
    }

    /// <summary>Consumes all input unless the output's room ends before.</summary>
    public void Convert(ReadOnlySpan<byte> input, Span<byte> output, out int consumed, out int written)
    {
        consumed = 0;
        written = 0;
        while (consumed < input.Length && written + MinimumRoom <= output.Length)
        {
            byte next = input[consumed];
            if (_heldCr)
            {
                _heldCr = false;
                if (next == (byte)'\n')
                    consumed++;
                Emit(next == (byte)'\n' ? "\n"u8 : "\r"u8, output, ref written);
            }
            else if (_quoteFrom && _matched >= 0)
                consumed += Match(next, output, ref written);
            else
                consumed += Copy(input[consumed..], output, ref written);
        }
    }

    /// <summary>The message is at its end: gives out what was held back.</summary>
    public int Finish(Span<byte> output)
    {
        int written = 0;
        if (_matched > 0)
            Emit(From[.._matched], output, ref written);
        if (_heldCr)
            Emit("\r"u8, output, ref written);
        _heldCr = false;
        _matched = -1;
        return written;
    }

    private int Match(byte next, Span<byte> output, ref int written)
    {
        if (next == From[_matched])
        {
            if (++_matched == From.Length)
            {
                Emit(">From "u8, output, ref written);
                _matched = -1;
            }
            return 1;
        }
        Emit(From[.._matched], output, ref written);
        _matched = -1;
        return 0;
    }

    /// <summary>A run of octets up to a CR, or up to a line end where lines matter.</summary>
    private int Copy(ReadOnlySpan<byte> input, Span<byte> output, ref int written)
    {
        ReadOnlySpan<byte> run = input[..Math.Min(input.Length, output.Length - written)];
        int stop = _quoteFrom ? run.IndexOfAny((byte)'\r', (byte)'\n') : run.IndexOf((byte)'\r');
        if (stop < 0)
        {
            Emit(run, output, ref written);
            return run.Length;
        }
        _heldCr = run[stop] == (byte)'\r';
        Emit(run[..(_heldCr ? stop : stop + 1)], output, ref written);
        return stop + 1;
    }

    private void Emit(ReadOnlySpan<byte> octets, Span<byte> output, ref int written)
    {
        if (octets.IsEmpty)
            return;
        octets.CopyTo(output[written..]);
        written += octets.Length;
        AtLineStart = octets[^1] == (byte)'\n';
        if (AtLineStart)
            _matched = 0;
    }
}
