using System.Buffers;
using System.Buffers.Text;

namespace Estafette.Mail;

/// <summary>Encodes one body piece by piece (RFC 2045 s6.7, s6.8): lines of at most 76 octets, the same result for every split.</summary>
internal sealed class BodyEncoder(TransferEncoding encoding, IBufferWriter<byte> output)
{
    private const int MaximumLine = 76;
    private const int Base64Group = 57;

    private readonly byte[] _group = new byte[Base64Group];
    private int _groupLength;
    private int _column;
    private byte _heldBlank;

    public void Text(ReadOnlySpan<byte> text)
    {
        if (encoding is TransferEncoding.Base64)
        {
            Collect(text);
            return;
        }
        foreach (byte octet in text)
        {
            ReleaseBlank(encoded: false);
            // Only what follows tells whether a blank stands at the end of its line, where it must be encoded.
            if (octet is (byte)' ' or (byte)'\t')
                _heldBlank = octet;
            else
                Quote(octet, octet is < 33 or > 126 or (byte)'=');
        }
    }

    public void LineEnd(ReadOnlySpan<byte> lineEnd)
    {
        if (encoding is TransferEncoding.Base64)
        {
            Collect(lineEnd);
            return;
        }
        ReleaseBlank(encoded: true);
        output.Write("\r\n"u8);
        _column = 0;
    }

    /// <summary>The body is over; <paramref name="atEnd"/> where nothing follows, so that the last line must end here.</summary>
    public void Complete(bool atEnd)
    {
        ReleaseBlank(encoded: true);
        if (_groupLength > 0)
            WriteGroup(atEnd);
    }

    private void ReleaseBlank(bool encoded)
    {
        if (_heldBlank == 0)
            return;
        byte blank = _heldBlank;
        _heldBlank = 0;
        Quote(blank, encoded);
    }

    private void Quote(byte octet, bool encoded)
    {
        int width = encoded ? 3 : 1;
        // One column stays for the soft line break.
        if (_column + width > MaximumLine - 1)
        {
            output.Write("=\r\n"u8);
            _column = 0;
        }
        Span<byte> span = output.GetSpan(3);
        if (encoded)
        {
            span[0] = (byte)'=';
            span[1] = "0123456789ABCDEF"u8[octet >> 4];
            span[2] = "0123456789ABCDEF"u8[octet & 15];
        }
        else
            span[0] = octet;
        output.Advance(width);
        _column += width;
    }

    private void Collect(ReadOnlySpan<byte> octets)
    {
        while (!octets.IsEmpty)
        {
            // A full group is written when more follows: its line end must not double the boundary's.
            if (_groupLength == Base64Group)
                WriteGroup(true);
            int taken = Math.Min(octets.Length, Base64Group - _groupLength);
            octets[..taken].CopyTo(_group.AsSpan(_groupLength));
            _groupLength += taken;
            octets = octets[taken..];
        }
    }

    private void WriteGroup(bool lineEnd)
    {
        Base64.EncodeToUtf8(_group.AsSpan(0, _groupLength), output.GetSpan(MaximumLine), out _, out int written);
        output.Advance(written);
        if (lineEnd)
            output.Write("\r\n"u8);
        _groupLength = 0;
    }
}
