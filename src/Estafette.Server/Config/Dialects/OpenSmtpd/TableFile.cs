using System.Collections.Immutable;
using System.Text;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>
/// The form of a <c>file:</c> table, as far as a check before the start needs it: one entry a line, <c>#</c> comments, key and value parted by blanks or a colon;
/// the first entry decides whether it is a list or a mapping (a comment <c># @list</c> decides for a list). A backslash at the end of a line joins the next one.
/// </summary>
internal static class TableFile
{
    public sealed record Content(ImmutableArray<KeyValuePair<string, string>> Rows, int? BadLine, bool Mapping);

    public static Content Parse(ReadOnlySpan<byte> bytes)
    {
        var rows = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
        bool? mapping = null;
        string[] lines = Encoding.UTF8.GetString(bytes).Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            int number = i + 1;
            string line = lines[i].Trim();
            if (line.EndsWith('\\') && line[0] != '#')
                line = Joined(lines, ref i);
            if (line.StartsWith('#'))
            {
                if (mapping is null && line[1..].Trim() == "@list")
                    mapping = false;
                continue;
            }
            if (line.Length == 0)
                continue;
            int end = TableKey.End(line);
            if (end == 0)
                return new Content(rows.ToImmutable(), number, mapping ?? true);
            mapping ??= end < line.Length;
            if (mapping == false)
            {
                rows.Add(KeyValuePair.Create(line, ""));
                continue;
            }
            string value = end < line.Length ? line[(end + 1)..].TrimStart(' ', '\t') : "";
            if (value.StartsWith(':'))
                value = value[1..].TrimStart();
            if (value.Length == 0)
                return new Content(rows.ToImmutable(), number, true);
            rows.Add(KeyValuePair.Create(line[..end].Trim('"'), value));
        }
        return new Content(rows.ToImmutable(), null, mapping ?? true);
    }

    /// <summary>The entry that begins at a line and goes on behind each backslash; <paramref name="at"/> is then its last line.</summary>
    private static string Joined(string[] lines, ref int at)
    {
        var entry = new StringBuilder();
        while (lines[at].TrimEnd('\r') is var part && part.EndsWith('\\') && at + 1 < lines.Length)
        {
            entry.Append(part.AsSpan(0, part.Length - 1)).Append(' ');
            at++;
        }
        return entry.Append(lines[at]).ToString().Trim();
    }
}
