using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Estafette.Smtp;

/// <summary>
/// Turns a stored message into the octets that follow DATA (RFC 5321 s4.5.2), piece by piece: a dot at the start of a line is doubled, and whatever
/// is stored, only CRLF ends a line on the wire (E4): a bare LF becomes CRLF, a bare CR a space, so that it can neither end the message nor open a
/// header field. Well-formed text is copied a vector at a time. With stuffing off the same octets are made fit for BDAT (RFC 3030).
/// </summary>
public struct DotStuffer(bool stuff)
{
    /// <summary>Room that <see cref="Finish"/> needs.</summary>
    public const int FinishRoom = 6;

    /// <summary>Room below which <see cref="Encode"/> may make no progress.</summary>
    public const int MinimumRoom = 4;

    // The receiver starts as if after CRLF: an empty message is legal, and a first dot is doubled.
    private byte _last = (byte)'\n';
    private bool _heldCr;

    /// <summary>Encodes as much as fits. The call may be repeated with the rest of <paramref name="source"/> or with the next piece.</summary>
    public void Encode(ReadOnlySpan<byte> source, Span<byte> destination, out int consumed, out int written)
    {
        int from = 0, to = 0;
        while (from < source.Length)
        {
            if (!_heldCr && IsOrdinary(_last, source[from]))
            {
                int copied = CopyOrdinary(source[from..], destination[to..]);
                if (copied > 0)
                {
                    from += copied;
                    to += copied;
                    _last = source[from - 1];
                    continue;
                }
            }
            if (destination.Length - to < MinimumRoom)
                break;
            to += EncodeOne(source[from], destination[to..]);
            from++;
        }
        consumed = from;
        written = to;
    }

    /// <summary>Ends the last line where the message did not, and with stuffing writes the final dot.</summary>
    public int Finish(Span<byte> destination)
    {
        int to = 0;
        if (_heldCr)
        {
            destination[to++] = (byte)' ';
            _last = (byte)' ';
            _heldCr = false;
        }
        if (_last != (byte)'\n')
        {
            "\r\n"u8.CopyTo(destination[to..]);
            to += 2;
            _last = (byte)'\n';
        }
        if (!stuff)
            return to;
        ".\r\n"u8.CopyTo(destination[to..]);
        return to + 3;
    }

    /// <summary>True where the pair needs no change: no dot to double, and CR and LF only together.</summary>
    private readonly bool IsOrdinary(byte before, byte here) =>
        (before == (byte)'\r') == (here == (byte)'\n') && !(stuff && before == (byte)'\n' && here == (byte)'.');

    private int EncodeOne(byte octet, Span<byte> destination)
    {
        int to = 0;
        if (_heldCr)
        {
            _heldCr = false;
            if (octet == (byte)'\n')
            {
                "\r\n"u8.CopyTo(destination);
                _last = octet;
                return 2;
            }
            destination[to++] = (byte)' ';
            _last = (byte)' ';
        }
        if (octet == (byte)'\r')
        {
            _heldCr = true;
            return to;
        }
        // A CR that the vector loop wrote has its LF in the same piece: it is this octet.
        if (octet == (byte)'\n' && _last != (byte)'\r')
            destination[to++] = (byte)'\r';
        else if (octet == (byte)'.' && _last == (byte)'\n' && stuff)
            destination[to++] = (byte)'.';
        destination[to++] = octet;
        _last = octet;
        return to;
    }

    /// <summary>
    /// Copies whole vectors of which every octet goes well with the one that follows; the pair before the first octet was checked by the caller.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly int CopyOrdinary(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        int limit = Math.Min(source.Length - 1, destination.Length) - Vector256<byte>.Count;
        Vector256<byte> cr = Vector256.Create((byte)'\r');
        Vector256<byte> lf = Vector256.Create((byte)'\n');
        Vector256<byte> dot = Vector256.Create(stuff ? (byte)'.' : (byte)'\n');
        int i = 0;
        for (; i <= limit; i += Vector256<byte>.Count)
        {
            Vector256<byte> here = Vector256.Create(source.Slice(i, Vector256<byte>.Count));
            Vector256<byte> next = Vector256.Create(source.Slice(i + 1, Vector256<byte>.Count));
            // LF before LF is a bare LF already, so without stuffing the second test finds nothing new.
            Vector256<byte> odd = (Vector256.Equals(here, cr) ^ Vector256.Equals(next, lf)) | (Vector256.Equals(here, lf) & Vector256.Equals(next, dot));
            if (odd == Vector256<byte>.Zero)
            {
                here.CopyTo(destination[i..]);
                continue;
            }
            int good = BitOperations.TrailingZeroCount(odd.ExtractMostSignificantBits());
            // The octet before the odd pair is itself in order unless it is a CR, which waits for what follows.
            if (source[i + good] == (byte)'\r')
                good--;
            if (good >= 0)
            {
                source.Slice(i, good + 1).CopyTo(destination[i..]);
                i += good + 1;
            }
            break;
        }
        return i;
    }
}
