using System.Collections.Immutable;
using System.Text;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>
/// The form of a <c>file:</c> table, as far as a check before the start needs it: one entry a line, <c>#</c> comments, key and value parted by blanks or a colon;
/// the first entry decides whether it is a list or a mapping (a comment <c># @list</c> decides for a list). Lines are not continued.
/// </summary>
internal static class TableFile
{
    public sealed record Content(ImmutableArray<KeyValuePair<string, string>> Rows, int? BadLine, bool Mapping);

    public static Content Parse(ReadOnlySpan<byte> bytes)
    {
        var rows = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
        bool? mapping = null;
        int number = 0;
        foreach (string raw in Encoding.UTF8.GetString(bytes).Split('\n'))
        {
            number++;
            string line = raw.Trim();
            if (line.StartsWith('#'))
            {
                if (mapping is null && line[1..].Trim() == "@list")
                    mapping = false;
                continue;
            }
            if (line.Length == 0)
                continue;
            int end = KeyEnd(line);
            if (end < 0)
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
            rows.Add(KeyValuePair.Create(line[..end], value));
        }
        return new Content(rows.ToImmutable(), null, mapping ?? true);
    }

    /// <summary>Where the key ends; an address literal in brackets may hold colons. -1 when its bracket is not closed.</summary>
    private static int KeyEnd(string line)
    {
        if (line[0] == '[')
        {
            int bracket = line.IndexOf(']', StringComparison.Ordinal);
            return bracket < 0 ? -1 : bracket + 1;
        }
        int end = line.AsSpan().IndexOfAny(" \t:");
        return end < 0 ? line.Length : end;
    }
}
