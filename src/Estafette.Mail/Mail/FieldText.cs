using System.Buffers;
using System.Text;

namespace Estafette.Mail;

/// <summary>
/// Text from outside on its way into a header field: control characters (CR and LF first of all) become a space, so that nothing can add a line
/// or a field (E15, E29, E55).
/// </summary>
public static class FieldText
{
    // C0, DEL and C1; a lone surrogate cannot be written as UTF-8 and is replaced by the encoder.
    private static readonly SearchValues<char> Controls = SearchValues.Create([.. Enumerable.Range(0, 32).Select(c => (char)c), .. Enumerable.Range(127, 33).Select(c => (char)c)]);

    public static string Sanitize(string text) =>
        text.AsSpan().ContainsAny(Controls) ? string.Create(text.Length, text, static (span, source) =>
        {
            source.CopyTo(span);
            for (int i = span.IndexOfAny(Controls); i >= 0; i = span.IndexOfAny(Controls))
                span[i] = ' ';
        }) : text;

    /// <summary>Appends text as UTF-8, sanitised.</summary>
    public static void Write(IBufferWriter<byte> output, string text) => WriteRaw(output, Sanitize(text));

    /// <summary>Appends our own text as it is, line ends included.</summary>
    internal static void WriteRaw(IBufferWriter<byte> output, string text)
    {
        Span<byte> span = output.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length));
        output.Advance(Encoding.UTF8.GetBytes(text, span));
    }

    /// <summary>The value on one line: line ends of the folding removed, blanks at both ends cut; octets that are no UTF-8 are replaced.</summary>
    public static string Unfold(ReadOnlySpan<byte> value)
    {
        string text = Encoding.UTF8.GetString(value);
        if (text.AsSpan().ContainsAny('\r', '\n'))
            text = text.Replace("\r\n", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal);
        return Sanitize(text.Trim(' ', '\t'));
    }
}
