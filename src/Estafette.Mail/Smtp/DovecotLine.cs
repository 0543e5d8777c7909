using System.Collections.Immutable;
using System.Text;

namespace Estafette.Smtp;

/// <summary>
/// A line of Dovecot's authentication protocol, version 1: fields between tabs, in which tab, CR, LF, NUL and SOH are escaped by SOH. Reading is total; writing escapes, so
/// that nothing a client says becomes a field or a line of its own.
/// </summary>
public static class DovecotLine
{
    private const char Escape = '\x01';

    /// <summary>The fields of a line without its line end.</summary>
    public static ImmutableArray<string> Split(ReadOnlySpan<byte> line) => [.. Encoding.UTF8.GetString(line).Split('\t').Select(Unescape)];

    public static string Join(params ReadOnlySpan<string> fields)
    {
        var line = new StringBuilder();
        for (int i = 0; i < fields.Length; i++)
        {
            if (i > 0)
                line.Append('\t');
            AppendEscaped(line, fields[i]);
        }
        return line.Append('\n').ToString();
    }

    /// <summary>The value of <c>name=value</c> among the fields; null where there is none.</summary>
    public static string? Value(ImmutableArray<string> fields, string name)
    {
        foreach (string field in fields)
        {
            if (field.StartsWith(name, StringComparison.Ordinal) && field.Length > name.Length && field[name.Length] == '=')
                return field[(name.Length + 1)..];
        }
        return null;
    }

    private static void AppendEscaped(StringBuilder line, string field)
    {
        foreach (char c in field)
        {
            char code = c switch { '\0' => '0', Escape => '1', '\t' => 't', '\r' => 'r', '\n' => 'n', _ => '\0' };
            if (code == '\0')
                line.Append(c);
            else
                line.Append(Escape).Append(code);
        }
    }

    private static string Unescape(string field)
    {
        if (!field.Contains(Escape, StringComparison.Ordinal))
            return field;
        var text = new StringBuilder(field.Length);
        for (int i = 0; i < field.Length; i++)
        {
            if (field[i] != Escape || i + 1 == field.Length)
                text.Append(field[i]);
            else
                text.Append(field[++i] switch { '0' => '\0', '1' => Escape, 't' => '\t', 'r' => '\r', 'n' => '\n', char other => other });
        }
        return text.ToString();
    }
}
