using System.Collections.Immutable;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>The small grammar of values: lists are separated by blanks and commas, and braces keep a word together that holds those (<c>{ name = value }</c>).</summary>
internal static class Words
{
    /// <summary>What C's <c>isspace</c> takes for one.</summary>
    public const string Blanks = " \t\r\n\v\f";

    /// <summary>Between the words of a list.</summary>
    public const string Separators = ", \t\r\n";

    public static bool IsBlank(char c) => Blanks.Contains(c, StringComparison.Ordinal);

    /// <summary>The words of a text; a separator within braces separates nothing.</summary>
    public static ImmutableArray<string> Split(string text, string separators = Separators)
    {
        var words = ImmutableArray.CreateBuilder<string>();
        int start = -1;
        int depth = 0;
        for (int i = 0; i <= text.Length; i++)
        {
            char c = i < text.Length ? text[i] : '\0';
            bool end = i == text.Length || (depth == 0 && separators.Contains(c, StringComparison.Ordinal));
            if (end && start >= 0)
            {
                words.Add(text[start..i]);
                (start, depth) = (-1, 0);
            }
            else if (!end)
            {
                if (start < 0)
                    start = i;
                if (c == '{')
                    depth++;
                else if (c == '}' && depth > 0)
                    depth--;
            }
        }
        return words.ToImmutable();
    }

    /// <summary>What stands in the braces of a word, without blanks around it; the word itself where it has none. Null with a reason where the braces do not match.</summary>
    public static string? Braced(string word, out string? problem)
    {
        problem = null;
        if (!word.StartsWith('{'))
            return word;
        int end = Matching(word, 0);
        if (end < 0)
            problem = "missing '}' in \"" + word + "\"";
        else if (end != word.Length - 1)
            problem = "syntax error after '}' in \"" + word + "\"";
        return problem is null ? word[1..end].Trim(Blanks.ToCharArray()) : null;
    }

    /// <summary>The brace that closes the one at <paramref name="open"/>; -1 where there is none.</summary>
    public static int Matching(string text, int open)
    {
        int depth = 0;
        for (int i = open; i < text.Length; i++)
        {
            if (text[i] == text[open])
                depth++;
            else if (text[i] == (text[open] == '(' ? ')' : '}') && --depth == 0)
                return i;
        }
        return -1;
    }

    /// <summary><c>name = value</c>, blanks around both left out. The problem is worded as Postfix does.</summary>
    public static bool TrySplitSetting(string text, out string name, out string value, out string? problem)
    {
        (name, value, problem) = ("", "", null);
        string trimmed = text.Trim(Blanks.ToCharArray());
        int end = trimmed.AsSpan().IndexOfAny(Blanks + "=");
        name = end < 0 ? trimmed : trimmed[..end];
        if (name.Length == 0)
        {
            problem = "missing attribute name";
            return false;
        }
        string rest = end < 0 ? "" : trimmed[end..].TrimStart(Blanks.ToCharArray());
        if (!rest.StartsWith('='))
        {
            problem = "missing '=' after attribute name";
            return false;
        }
        value = rest[1..].Trim(Blanks.ToCharArray());
        return true;
    }
}
