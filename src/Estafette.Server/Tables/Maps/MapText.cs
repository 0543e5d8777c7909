using System.Collections.Immutable;
using System.Text;

namespace Estafette.Tables;

/// <summary>How the original names the place of what it tells.</summary>
public enum NotePlace : byte
{
    /// <summary>File and line.</summary>
    Line,

    /// <summary>The file.</summary>
    File,

    /// <summary>Not at all.</summary>
    None,
}

/// <summary>What is odd about a line of a table.</summary>
public readonly record struct MapNote(int Line, string Text)
{
    public NotePlace Place { get; init; }
}

/// <summary>One entry of a text, its key as written.</summary>
public readonly record struct MapEntry(string Key, string Value, int Line);

/// <summary>
/// Reads the text that postmap(1) takes, <c>key whitespace value</c>. Pure; never throws. Odd lines are told and left out, as in the original: one bad line must not stop the mail of all others.
/// </summary>
public static class MapText
{
    internal const string NoEntry = "expected format: key whitespace value";
    internal static readonly char[] Blanks = [' ', '\t', '\n', '\v', '\f', '\r'];

    public static IEnumerable<MapEntry> Read(string text, Action<MapNote> note)
    {
        foreach (LogicalLine line in LogicalLines.Read(text, note))
        {
            if (Problem(line.Text, out int end) is { } problem)
            {
                note(new MapNote(line.Line, problem));
                continue;
            }
            string key = line.Text[..end];
            if (key[^1] == ':')
                note(new MapNote(line.Line, "record is in \"key: value\" format; is this an alias file?"));
            yield return new MapEntry(key, line.Text[end..].Trim(Blanks), line.Line);
        }
    }

    private static string? Problem(string line, out int end)
    {
        end = 0;
        if (line.Contains('\uFFFD', StringComparison.Ordinal))
            return $"non-UTF-8 input \"{line}\" -- ignoring this line";
        end = KeyEnd(line);
        if (end < 0)
            return $"unbalanced '\"' in '{line}' -- ignoring this line";
        return end == 0 || line.AsSpan(end).Trim(Blanks).IsEmpty ? NoEntry : null;
    }

    /// <summary>The first blank outside quotation marks; the length where there is none, -1 where a quotation mark is not closed.</summary>
    private static int KeyEnd(string line)
    {
        bool quoted = false;
        int i = 0;
        for (; i < line.Length; i++)
        {
            if (line[i] == '\\')
                i++;
            else if (line[i] == '"')
                quoted = !quoted;
            else if (!quoted && LogicalLines.IsBlank(line[i]))
                return i;
        }
        return quoted ? -1 : line.Length;
    }
}
