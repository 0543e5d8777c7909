using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.RegularExpressions;

namespace Estafette.Tables;

/// <summary>The two pattern languages of tables. Regular expressions run in linear time (E60).</summary>
internal static class PatternText
{
    /// <summary>
    /// Matches a domain with a pattern, both folded. A star stands for text up to the first occurrence of the character after it, as OpenSMTPD
    /// has it: <c>*.example.org</c> covers one label and not two.
    /// </summary>
    public static bool DomainMatches(ReadOnlySpan<char> domain, ReadOnlySpan<char> pattern)
    {
        while (!pattern.IsEmpty && !domain.IsEmpty)
        {
            if (pattern[0] == '*')
            {
                pattern = pattern.TrimStart('*');
                int next = pattern.IsEmpty ? -1 : domain.IndexOf(pattern[0]);
                domain = next < 0 ? [] : domain[next..];
                continue;
            }
            if (pattern[0] != domain[0])
                return false;
            pattern = pattern[1..];
            domain = domain[1..];
        }
        return pattern.IsEmpty && domain.IsEmpty;
    }

    /// <summary>Compiles an extended regular expression (POSIX); <c>(?i)</c> in front is allowed and says what holds anyway.</summary>
    public static bool TryRegex(string pattern, [NotNullWhen(true)] out Regex? regex)
    {
        regex = null;
        if (pattern.StartsWith("(?i)", StringComparison.Ordinal))
            pattern = pattern[4..];
        try
        {
            regex = new Regex(FromPosix(pattern), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.IgnoreCase);
            return true;
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            return false;
        }
    }

    /// <summary>Rewrites what POSIX brackets mean differently: named classes, a literal backslash, and <c>[</c>, which opens a subtraction in .NET.</summary>
    private static string FromPosix(string pattern)
    {
        var text = new StringBuilder(pattern.Length);
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            if (c == '\\' && i + 1 < pattern.Length)
                text.Append(c).Append(pattern[++i]);
            else if (c == '[')
                i = AppendBracket(pattern, i, text);
            else
                text.Append(c);
        }
        return text.ToString();
    }

    private static int AppendBracket(string pattern, int start, StringBuilder text)
    {
        text.Append('[');
        int i = start + 1;
        if (i < pattern.Length && pattern[i] == '^')
            text.Append(pattern[i++]);
        for (bool first = true; i < pattern.Length && (first || pattern[i] != ']'); first = false, i++)
        {
            int end = pattern[i] == '[' && i + 1 < pattern.Length && pattern[i + 1] == ':' ? pattern.IndexOf(":]", i, StringComparison.Ordinal) : -1;
            if (end > 0)
            {
                text.Append(NamedClass(pattern[(i + 2)..end]));
                i = end + 1;
            }
            else if (pattern[i] is '[' or ']' or '\\')
                text.Append('\\').Append(pattern[i]);
            else
                text.Append(pattern[i]);
        }
        if (i < pattern.Length)
            text.Append(']');
        return i;
    }

    private static string NamedClass(string name) => name switch
    {
        "alpha" => "a-zA-Z",
        "digit" => "0-9",
        "alnum" => "a-zA-Z0-9",
        "upper" or "lower" => "a-zA-Z",
        "space" => @"\s",
        "blank" => @" \t",
        "punct" => @"!-/:-@\[-`{-~",
        "xdigit" => "0-9a-fA-F",
        "cntrl" => @"\x00-\x1f\x7f",
        "print" => @"\x20-\x7e",
        "graph" => @"\x21-\x7e",
        _ => throw new ArgumentException("unknown character class " + name, nameof(name)),
    };
}
