using System.Buffers;

namespace Estafette.Mail;

/// <summary>
/// How a field is written whose lines are joined by LF: addresses one a line are put together to lines of less than 70 octets, further lines begin with a blank, and a field beyond
/// <c>header_size_limit</c> is cut, at the end of a line where that costs at most a tenth of it.
/// </summary>
public static class FieldLayout
{
    private const int LongestLine = 70;

    /// <summary>Puts lines of an address list together.</summary>
    public static void Fill(Span<byte> field)
    {
        int lineStart = 0;
        for (int start = 0; start >= 0;)
        {
            int length = field[start..].IndexOf((byte)'\n');
            int end = length < 0 ? field.Length : start + length;
            if (start > 0)
            {
                if (end - lineStart < LongestLine)
                    field[start - 1] = (byte)' ';
                else
                    lineStart = start;
            }
            start = length < 0 ? -1 : end + 1;
        }
    }

    public static void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> field, int sizeLimit)
    {
        int start = 0;
        while (start >= 0)
        {
            int length = field[start..].IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = length < 0 ? field[start..] : field.Slice(start, length);
            int next = length < 0 ? -1 : start + length + 1;
            if (start + line.Length > sizeLimit)
            {
                if (start > sizeLimit / 10 * 9)
                    return;
                line = line[..(sizeLimit - start)];
                next = -1;
            }
            if (start > 0 && line is not [(byte)' ' or (byte)'\t', ..])
                output.Write("\t"u8);
            output.Write(line);
            output.Write("\r\n"u8);
            start = next;
        }
    }
}
