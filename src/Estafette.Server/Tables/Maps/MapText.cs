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

/// <summary>The entries of a text in their order, keys as written, and what is odd in it. Odd lines are left out, as Postfix does: one bad line must not stop the mail of all others.</summary>
public sealed record MapEntries(ImmutableArray<MapEntry> Entries, ImmutableArray<MapNote> Notes);

public readonly record struct MapEntry(string Key, string Value, int Line);

/// <summary>Reads the text that postmap(1) takes, <c>key whitespace value</c>. Pure; never throws.</summary>
public static class MapText
{
    /// <summary>Reads a source for serving: as aliases where it has their form, else as a map.</summary>
    public static MapEntries ReadEither(string text) => AliasText.LooksLikeAliases(text) ? AliasText.Read(text) : Read(text);

    public static MapEntries Read(string text)
    {
        var entries = ImmutableArray.CreateBuilder<MapEntry>();
        var notes = ImmutableArray.CreateBuilder<MapNote>();
        foreach (LogicalLine line in LogicalLines.Read(text, notes.Add))
        {
            if (line.Text.Contains('\uFFFD', StringComparison.Ordinal))
            {
                notes.Add(new MapNote(line.Line, $"non-UTF-8 input \"{line.Text}\" -- ignoring this line"));
                continue;
            }
            int end = KeyEnd(line.Text);
            if (end < 0)
            {
                notes.Add(new MapNote(line.Line, $"unbalanced '\"' in '{line.Text}' -- ignoring this line"));
                continue;
            }
            string key = line.Text[..end];
            string value = line.Text[end..].Trim(Blanks);
            if (key.Length == 0 || value.Length == 0)
            {
                notes.Add(new MapNote(line.Line, "expected format: key whitespace value"));
                continue;
            }
            if (key[^1] == ':')
                notes.Add(new MapNote(line.Line, "record is in \"key: value\" format; is this an alias file?"));
            entries.Add(new MapEntry(key, value, line.Line));
        }
        return new MapEntries(entries.ToImmutable(), notes.ToImmutable());
    }

    internal static readonly char[] Blanks = [' ', '\t', '\n', '\v', '\f', '\r'];

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
