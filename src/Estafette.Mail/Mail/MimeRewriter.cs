using System.Buffers;
using System.Text;

namespace Estafette.Mail;

/// <summary>The second pass of <see cref="MimeDowngrade"/>: writes the message with the encodings that the first one chose; everything else keeps its octets.</summary>
internal sealed class MimeRewriter(IReadOnlyDictionary<int, TransferEncoding> encodings, IBufferWriter<byte> output) : IMimeVisitor
{
    private BodyEncoder? _encoder;

    public void Header(MimeEntity entity, ReadOnlySpan<byte> fields, ReadOnlySpan<byte> blankLine)
    {
        if (!encodings.TryGetValue(entity.Number, out TransferEncoding encoding))
        {
            output.Write(fields);
            output.Write(blankLine);
            return;
        }
        bool labelled = false;
        bool typed = false;
        bool versioned = false;
        foreach (HeaderField field in new HeaderFields(fields))
        {
            KnownField known = field.Known;
            typed |= known is KnownField.ContentType;
            versioned |= known is KnownField.MimeVersion;
            if (known is not KnownField.ContentTransferEncoding)
                WriteField(field);
            else if (!labelled)
            {
                labelled = true;
                WriteLabel(encoding);
            }
        }
        // Without MIME nobody knows what the octets mean (RFC 1428 s3).
        if (entity.IsMessage && !versioned)
            output.Write("MIME-Version: 1.0\r\n"u8);
        if (entity.IsMessage && !typed)
            output.Write("Content-Type: text/plain; charset=unknown-8bit\r\n"u8);
        if (!labelled)
            WriteLabel(encoding);
        output.Write("\r\n"u8);
        _encoder = encoding is TransferEncoding.SevenBit ? null : new BodyEncoder(encoding, output);
    }

    public void Text(MimeEntity? entity, bool isSealed, ReadOnlySpan<byte> text)
    {
        if (entity is not null && _encoder is not null)
            _encoder.Text(text);
        else if (entity is not null || isSealed || Ascii.IsValid(text))
            output.Write(text);
        else
            WriteMasked(text);
    }

    public void LineEnd(MimeEntity? entity, ReadOnlySpan<byte> lineEnd)
    {
        if (entity is not null && _encoder is not null)
            _encoder.LineEnd(lineEnd);
        else
            output.Write(lineEnd);
    }

    public void EndOfBody(MimeEntity entity)
    {
        // The first entity's body has no boundary behind it.
        _encoder?.Complete(entity.IsMessage);
        _encoder = null;
    }

    public void Boundary(ReadOnlySpan<byte> lineEndBefore, ReadOnlySpan<byte> line)
    {
        output.Write(lineEndBefore);
        output.Write(line);
    }

    private void WriteField(in HeaderField field)
    {
        output.Write(field.Whole);
        if (field.LineEnd.IsEmpty)
            output.Write("\r\n"u8);
    }

    private void WriteLabel(TransferEncoding encoding) => output.Write(encoding switch
    {
        TransferEncoding.QuotedPrintable => "Content-Transfer-Encoding: quoted-printable\r\n"u8,
        TransferEncoding.Base64 => "Content-Transfer-Encoding: base64\r\n"u8,
        _ => "Content-Transfer-Encoding: 7bit\r\n"u8,
    });

    /// <summary>Text before, between and behind the parts is for nobody (RFC 2046 s5.1.1) and has no encoding.</summary>
    private void WriteMasked(ReadOnlySpan<byte> text)
    {
        Span<byte> span = output.GetSpan(text.Length);
        for (int i = 0; i < text.Length; i++)
            span[i] = text[i] > 127 ? (byte)'?' : text[i];
        output.Advance(text.Length);
    }
}
