using System.Collections.Immutable;
using Estafette.Config;

namespace Estafette.Tables;

/// <summary>One row of a text table; <paramref name="Line"/> counts from 1.</summary>
internal readonly record struct TextRow(string Key, string Value, int Line);

/// <summary>The rows of a text, or the line of its first bad entry and why it is bad.</summary>
internal sealed record TextTable(ImmutableArray<TextRow> Rows, int ErrorLine = 0, string Error = "")
{
    public bool IsValid => ErrorLine == 0;
}

internal enum TextTableForm : byte
{
    /// <summary>The first entry decides: with a value it is a mapping, without one a list. <c># @list</c> says list.</summary>
    Detect,
    Mapping,
    List,
}

/// <summary>
/// Reads the text form of tables: table(5), aliases(5), the input of makemap. Pure; never throws. Key and value are separated by
/// blanks, a colon, or both (P16; see <see cref="TableKey"/>); <c>#</c> begins a comment line; a backslash at the end joins the next line. There is no folding by
/// indentation: a folded line is an entry without value, and that is an error.
/// </summary>
internal static class TextTableParser
{
    public static TextTable Parse(string text, TextTableForm form)
    {
        var rows = ImmutableArray.CreateBuilder<TextRow>();
        int line = 0;
        int position = 0;
        while (position < text.Length)
        {
            int first = line + 1;
            string entry = NextEntry(text, ref position, ref line).Trim();
            if (entry.Length == 0)
                continue;
            if (entry[0] == '#')
            {
                if (form == TextTableForm.Detect && entry.AsSpan(1).Trim() is "@list")
                    form = TextTableForm.List;
                continue;
            }
            int keyEnd = form == TextTableForm.List ? entry.Length : TableKey.End(entry);
            if (keyEnd <= 0)
                return Bad(rows, first, entry[0] is '"' or '[' ? "key is not closed" : "entry has no key");
            if (form == TextTableForm.Detect)
                form = keyEnd == entry.Length || NetworkPrefix.TryParse(entry, out _) ? TextTableForm.List : TextTableForm.Mapping;
            if (form == TextTableForm.List)
            {
                rows.Add(new TextRow(Unquote(entry), "", first));
                continue;
            }
            string value = Value(entry.AsSpan(keyEnd));
            if (value.Length == 0)
                return Bad(rows, first, "entry has no value (a folded line is not joined; end the line before with a backslash)");
            rows.Add(new TextRow(Unquote(entry[..keyEnd]), value, first));
        }
        return new TextTable(rows.ToImmutable());
    }

    private static TextTable Bad(ImmutableArray<TextRow>.Builder rows, int line, string error) => new(rows.ToImmutable(), line, error);

    private static string NextEntry(string text, ref int position, ref int line)
    {
        System.Text.StringBuilder? joined = null;
        while (true)
        {
            line++;
            int end = text.IndexOf('\n', position);
            ReadOnlySpan<char> part = text.AsSpan(position, (end < 0 ? text.Length : end) - position).TrimEnd('\r');
            position = end < 0 ? text.Length : end + 1;
            bool more = part.EndsWith("\\") && end >= 0 && !part.TrimStart().StartsWith("#");
            if (!more)
                return joined is null ? part.ToString() : joined.Append(part).ToString();
            (joined ??= new System.Text.StringBuilder()).Append(part[..^1]).Append(' ');
        }
    }

    private static string Value(ReadOnlySpan<char> rest)
    {
        rest = rest.TrimStart(" \t");
        if (rest.StartsWith(":") && (rest.Length == 1 || !IsTargetWord(rest)))
            rest = rest[1..].TrimStart(" \t");
        return rest.ToString();
    }

    /// <summary><c>list :include:/path</c> and <c>name :error:550 no</c> have no separating colon.</summary>
    private static bool IsTargetWord(ReadOnlySpan<char> rest) =>
        rest.StartsWith(":include:", StringComparison.OrdinalIgnoreCase) || rest.StartsWith(":error:", StringComparison.OrdinalIgnoreCase);

    private static string Unquote(string key) => key.Length >= 2 && key[0] == '"' && key[^1] == '"' ? key[1..^1] : key;
}
