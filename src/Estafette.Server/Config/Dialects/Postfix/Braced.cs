using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>Lists in which braces keep an item together, <c>a, {b = c d}, inline:{x=y}</c> (postconf(5), the text before the parameters). Pure.</summary>
internal static class Braced
{
    public const string Separators = ", \t\r\n";
    private static readonly char[] s_blanks = [' ', '\t', '\r', '\n', '\v', '\f'];

    /// <summary>The items of a list. A brace that is not closed takes the rest, as in the original.</summary>
    public static ImmutableArray<string> Split(string text)
    {
        var items = ImmutableArray.CreateBuilder<string>();
        int depth = 0, start = -1;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (depth == 0 && Separators.Contains(c, StringComparison.Ordinal))
            {
                if (start >= 0)
                    items.Add(text[start..i]);
                start = -1;
                continue;
            }
            if (start < 0)
                start = i;
            depth += c == '{' ? 1 : c == '}' && depth > 0 ? -1 : 0;
        }
        if (start >= 0)
            items.Add(text[start..]);
        return items.ToImmutable();
    }

    /// <summary>What is between the braces that open at the start and close at the end; false where they do not.</summary>
    public static bool TryInside(string text, [NotNullWhen(true)] out string? inside)
    {
        inside = null;
        if (EndOf(text) != text.Length || text.Length == 0)
            return false;
        inside = text[1..^1].Trim(s_blanks);
        return true;
    }

    /// <summary>Behind the brace that closes the one at the start; 0 where none opens there or it is not closed.</summary>
    public static int EndOf(string text)
    {
        if (!text.StartsWith('{'))
            return 0;
        int depth = 0;
        for (int i = 0; i < text.Length; i++)
        {
            depth += text[i] switch { '{' => 1, '}' => -1, _ => 0 };
            if (depth == 0)
                return i + 1;
        }
        return 0;
    }

    /// <summary><c>name = value</c>, the name perhaps with quotation marks and backslashes, which stay; else the original's words for what is wrong.</summary>
    public static string? SplitPair(string text, out KeyValuePair<string, string> pair)
    {
        pair = default;
        text = text.Trim(s_blanks);
        if (text.Length == 0)
            return "no key found; expected format: key = value";
        bool quoted = false;
        int end = 0;
        for (; end < text.Length && (quoted || text[end] != '=' && !s_blanks.Contains(text[end])); end++)
        {
            if (text[end] == '\\')
                end++;
            else if (text[end] == '"')
                quoted = !quoted;
        }
        if (quoted)
            return "unbalanced '\"'";
        end = Math.Min(end, text.Length);
        string rest = text[end..].TrimStart(s_blanks);
        if (!rest.StartsWith('='))
            return "missing '=' after attribute name";
        pair = KeyValuePair.Create(text[..end], rest[1..].Trim(s_blanks));
        return null;
    }
}
