using System.Buffers;

namespace Estafette.Smtp;

public enum LineStatus : byte { More, Line, TooLong }

/// <summary>
/// Finds command lines in what has arrived. Pure: it consumes nothing unless there is a whole line, and looks at no more than the limit.
/// A command may end in a bare LF (people type them through netcat); a message may not, see <see cref="DataDecoder"/>.
/// </summary>
public static class LineFraming
{
    /// <param name="limit">Most octets of a line, its end included.</param>
    /// <param name="line">The line without its end.</param>
    /// <param name="next">Where the following line starts.</param>
    public static LineStatus TryTake(in ReadOnlySequence<byte> input, int limit, out ReadOnlySequence<byte> line, out SequencePosition next)
    {
        line = default;
        next = input.Start;
        ReadOnlySequence<byte> window = input.Length > limit ? input.Slice(0, limit) : input;
        if (window.PositionOf((byte)'\n') is not { } end)
            return input.Length >= limit ? LineStatus.TooLong : LineStatus.More;
        next = input.GetPosition(1, end);
        ReadOnlySequence<byte> found = input.Slice(input.Start, end);
        long length = found.Length;
        if (length > 0 && LastOctet(found, length) == '\r')
            found = found.Slice(0, length - 1);
        line = found;
        return LineStatus.Line;
    }

    private static byte LastOctet(in ReadOnlySequence<byte> text, long length)
    {
        if (text.IsSingleSegment)
            return text.FirstSpan[^1];
        // A slice that begins at a border begins with an empty piece.
        foreach (ReadOnlyMemory<byte> piece in text.Slice(length - 1))
        {
            if (!piece.IsEmpty)
                return piece.Span[0];
        }
        return 0;
    }
}
