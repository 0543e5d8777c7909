using System.Text;
using System.Text.RegularExpressions;

namespace Estafette.Tables;

internal enum ExpressionSyntax : byte { Posix, Perl }

internal enum ExpressionRuleKind : byte { Match, If, EndIf }

/// <summary>One rule of a table of regular expressions.</summary>
/// <param name="first">Null for <c>endif</c>.</param>
/// <param name="second">POSIX tables have <c>/pattern/!/pattern/</c>, too.</param>
internal sealed class ExpressionRule(ExpressionRuleKind kind, int line, Expression? first, Expression? second, Replacement replacement)
{
    public ExpressionRuleKind Kind => kind;
    public int Line => line;

    /// <summary>Its result has text of the key in it.</summary>
    public bool TakesFromKey => replacement.Highest > 0;

    /// <summary>For <c>if</c>: the rule to go on with where it does not hold; the end of the table where nothing closes it.</summary>
    public int Jump { get; set; }

    public bool Holds(string subject) => first!.Holds(subject);

    /// <summary>The result where the rule matches; null where it does not.</summary>
    public string? Answer(string subject)
    {
        if (!TakesFromKey)
            return first!.Holds(subject) && (second is not { } also || also.Holds(subject)) ? replacement.Expand(null) : null;
        Match match = first!.Match(subject);
        return match.Success && (second is not { } too || too.Holds(subject)) ? replacement.Expand(match) : null;
    }
}

/// <summary>The result of a rule: text, and groups of the pattern as <c>$1</c>, <c>${1}</c>, <c>$(1)</c>; <c>$$</c> is a dollar sign.</summary>
internal sealed class Replacement
{
    public static Replacement Empty { get; } = new([]);

    /// <summary>Text, or the number of a group.</summary>
    private readonly List<(string Text, int Group)> _parts;

    private Replacement(List<(string, int)> parts)
    {
        _parts = parts;
        Highest = parts.Count == 0 ? 0 : parts.Max(p => p.Item2);
    }

    /// <summary>The highest group; 0 for none.</summary>
    public int Highest { get; }

    /// <summary>Null where the text is no result, told by <paramref name="warn"/>.</summary>
    /// <param name="warn">What is wrong; with true where the line is to be named.</param>
    public static Replacement? Parse(string text, bool perl, Action<string, bool> warn)
    {
        var parts = new List<(string, int)>();
        var literal = new StringBuilder();
        for (int i = 0; i < text.Length;)
        {
            if (text[i] != '$' || (i + 1 < text.Length && text[i + 1] == '$'))
            {
                literal.Append(text[i]);
                i += text[i] == '$' ? 2 : 1;
                continue;
            }
            if (literal.Length > 0)
                parts.Add((literal.ToString(), 0));
            literal.Clear();
            if (Name(text, ref i, out string? problem) is not { } name)
            {
                warn(problem!, false);
                return null;
            }
            if (!name.All(char.IsAsciiDigit))
            {
                warn($"non-numeric replacement index \"{name}\"", true);
                return null;
            }
            int group = name.Length > 6 ? int.MaxValue : int.Parse(name, System.Globalization.CultureInfo.InvariantCulture);
            if (group < 1)
            {
                warn($"{(perl ? "out of range" : "out-of-range")} replacement index \"{name}\"", true);
                return null;
            }
            parts.Add(("", group));
        }
        if (literal.Length > 0)
            parts.Add((literal.ToString(), 0));
        return new Replacement(parts);
    }

    public string Expand(Match? match)
    {
        if (_parts.Count == 1 && _parts[0].Group == 0)
            return _parts[0].Text;
        var result = new StringBuilder();
        foreach ((string text, int group) in _parts)
            result.Append(group == 0 ? text : match?.Groups[group].Value);
        return result.ToString();
    }

    /// <summary>The name behind a dollar sign; moves behind it.</summary>
    private static string? Name(string text, ref int i, out string? problem)
    {
        problem = null;
        int start = ++i;
        if (start < text.Length && text[start] is '{' or '(')
        {
            char open = text[start], close = open == '{' ? '}' : ')';
            int depth = 0;
            for (; i < text.Length; i++)
            {
                depth += text[i] == open ? 1 : text[i] == close ? -1 : 0;
                if (depth == 0)
                    break;
            }
            if (i == text.Length)
                problem = $"truncated macro reference: \"{text}\"";
            else if (++i - start == 2)
                problem = $"empty macro name: \"{text}\"";
            return problem is null ? text[(start + 1)..(i - 1)] : null;
        }
        while (i < text.Length && (char.IsAsciiLetterOrDigit(text[i]) || text[i] == '_'))
            i++;
        if (i == start)
            problem = $"empty macro name: \"{text}\"";
        return problem is null ? text[start..i] : null;
    }
}
