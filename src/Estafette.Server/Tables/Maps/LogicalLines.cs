using System.Text;

namespace Estafette.Tables;

/// <summary>One entry of a Postfix table's text; <paramref name="Line"/> counts from 1 and is where it begins.</summary>
internal readonly record struct LogicalLine(string Text, int Line);

/// <summary>
/// The logical lines of Postfix's texts (postmap(1) TABLE FORMAT): a line that begins with a blank goes on with the entry above it, comments and empty lines between them do not end it. The newline
/// goes, the blanks stay. Pure; never throws. What begins with a blank and has nothing above it is told and left out.
/// </summary>
internal static class LogicalLines
{
    public static IEnumerable<LogicalLine> Read(string text, Action<MapNote> warn)
    {
        var entry = new StringBuilder();
        int line = 0, first = 0;
        for (int position = 0; position < text.Length;)
        {
            line++;
            int end = text.IndexOf('\n', position);
            if (end < 0)
                end = text.Length;
            ReadOnlySpan<char> raw = text.AsSpan(position, end - position);
            position = end + 1;
            if (IsNothing(raw))
            {
                if (entry.Length == 0 || ContinuesAt(text, position))
                    continue;
            }
            else
            {
                if (entry.Length == 0)
                    first = line;
                entry.Append(raw);
            }
            if (ContinuesAt(text, position))
                continue;
            string whole = entry.ToString();
            entry.Clear();
            // For the original a text ends at a NUL.
            int nul = whole.IndexOf('\0', StringComparison.Ordinal);
            if (nul >= 0)
                whole = whole[..nul];
            if (whole.Length == 0)
                continue;
            if (IsBlank(whole[0]))
                warn(new MapNote(first, $"logical line must not start with whitespace: \"{Start(whole)}\"") { Place = NotePlace.File });
            else
                yield return new LogicalLine(whole, first);
        }
    }

    /// <summary>A blank as isspace(3) has it.</summary>
    public static bool IsBlank(char c) => c is ' ' or (>= '\t' and <= '\r');

    public static bool IsLetterOrDigit(char c) => char.IsAsciiLetterOrDigit(c);

    private static bool IsNothing(ReadOnlySpan<char> raw)
    {
        foreach (char c in raw)
        {
            if (!IsBlank(c))
                return c == '#';
        }
        return true;
    }

    private static bool ContinuesAt(string text, int position) => position < text.Length && (text[position] == '#' || IsBlank(text[position]));

    private static string Start(string text) => text.Length > 30 ? text[..30] + "..." : text;
}
