using System.Buffers;
using System.Globalization;
using System.Text;

namespace Estafette.Mail;

/// <summary>Text of a notification on its way into lines: sanitised, cut at a limit, ASCII unless the report is international (RFC 6533 s3: <c>\x{HEX}</c>), folded.</summary>
internal static class ReportText
{
    /// <summary>What a peer said is cut here.</summary>
    public const int MaximumDiagnostic = 2000;

    private const int FoldAfter = 76;
    private const int FoldAtLatest = 900;

    public static string Plain(string text, bool international)
    {
        text = FieldText.Sanitize(text.Length > MaximumDiagnostic ? text[..MaximumDiagnostic] : text).Trim();
        if (international || Ascii.IsValid(text))
            return text;
        var escaped = new StringBuilder(text.Length + 16);
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (rune.IsAscii)
                escaped.Append((char)rune.Value);
            else
                escaped.Append(CultureInfo.InvariantCulture, $"\\x{{{rune.Value:X}}}");
        }
        return escaped.ToString();
    }

    /// <summary>Writes one logical line, broken at blanks where it is long; further lines begin with <paramref name="indent"/>, which is one blank at least.</summary>
    public static void WriteFolded(IBufferWriter<byte> output, string line, string indent = " ")
    {
        int column = 0;
        foreach (string word in line.Split(' '))
        {
            if (column > 0 && column + 1 + word.Length > FoldAfter)
            {
                FieldText.WriteRaw(output, "\r\n" + indent);
                column = indent.Length;
            }
            else if (column > 0)
            {
                FieldText.WriteRaw(output, " ");
                column++;
            }
            string rest = word;
            for (; rest.Length > FoldAtLatest; rest = rest[FoldAtLatest..])
                FieldText.WriteRaw(output, rest[..FoldAtLatest] + "\r\n" + indent);
            FieldText.WriteRaw(output, rest);
            column += word.Length;
        }
        output.Write("\r\n"u8);
    }
}
