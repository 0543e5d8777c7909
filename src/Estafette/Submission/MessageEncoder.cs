using System.Buffers;

namespace Estafette.Program.Submission;

/// <summary>Writes header and body in SMTP's form: CRLF line ends, dots doubled, a CR without LF made a blank (E3).</summary>
internal static class MessageEncoder
{
    public static async Task WriteAsync(Submission submission, Stream output, CancellationToken cancellationToken)
    {
        var buffer = new ArrayBufferWriter<byte>(64 << 10);
        await CopyAsync(new MemoryStream(submission.Header), buffer, output, true, cancellationToken);
        bool atLineStart = await CopyAsync(submission.Message.Body, buffer, output, true, cancellationToken);
        if (!atLineStart)
            buffer.Write("\r\n"u8);
        await output.WriteAsync(buffer.WrittenMemory, cancellationToken);
    }

    private static async Task<bool> CopyAsync(Stream input, ArrayBufferWriter<byte> buffer, Stream output, bool atLineStart, CancellationToken cancellationToken)
    {
        var lines = new LineReader(input);
        while (await lines.NextAsync(cancellationToken) is { IsEmpty: false } piece)
        {
            atLineStart = Encode(piece.Span, buffer, atLineStart);
            if (buffer.WrittenCount < 48 << 10)
                continue;
            await output.WriteAsync(buffer.WrittenMemory, cancellationToken);
            buffer.ResetWrittenCount();
        }
        return atLineStart;
    }

    private static bool Encode(ReadOnlySpan<byte> piece, ArrayBufferWriter<byte> buffer, bool atLineStart)
    {
        bool ends = piece[^1] == '\n';
        ReadOnlySpan<byte> text = ends ? piece[..^1] : piece;
        if (ends && text is [.., (byte)'\r'])
            text = text[..^1];
        if (atLineStart && text is [(byte)'.', ..])
            buffer.Write("."u8);
        text.CopyTo(buffer.GetSpan(text.Length));
        buffer.GetSpan(text.Length)[..text.Length].Replace((byte)'\r', (byte)' ');
        buffer.Advance(text.Length);
        if (ends)
            buffer.Write("\r\n"u8);
        return ends;
    }
}
