using System.Text;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>
/// Replaces <c>$name</c>, <c>${name}</c>, <c>$(name)</c>, <c>${name?x}</c>, <c>${name:x}</c>, <c>${name?{x}:{y}}</c> and <c>${{x} == {y} ? {a} : {b}}</c> by values, and in those again
/// (<c>postconf(5)</c>). A problem is worded as Postfix does, and then there is no text. Depth and length of the result have limits, so that settings which name each other end.
/// </summary>
internal ref struct MacroExpansion
{
    private const int MaximumDepth = 100;
    private const int MaximumLength = 1 << 20;
    private const int MaximumSteps = 100_000;

    private readonly Func<string, string?> _lookup;
    private readonly StringBuilder _result = new();
    private int _depth;
    private int _steps;
    private string? _problem;

    private MacroExpansion(Func<string, string?> lookup) => _lookup = lookup;

    /// <param name="lookup">The value of a name, not expanded; null for none, which counts as empty.</param>
    /// <param name="problem">Why there is no text.</param>
    public static string? Expand(string text, Func<string, string?> lookup, out string? problem)
    {
        problem = null;
        if (!text.Contains('$', StringComparison.Ordinal))
            return text;
        var expansion = new MacroExpansion(lookup);
        expansion.Text(text);
        problem = expansion._problem;
        return problem is null ? expansion._result.ToString() : null;
    }

    private void Text(string text)
    {
        if (++_depth > MaximumDepth || ++_steps > MaximumSteps)
        {
            Fail("unreasonable macro call nesting: \"" + text + "\"");
            return;
        }
        int at = 0;
        while (at < text.Length && _problem is null)
        {
            int dollar = text.IndexOf('$', at);
            Append(dollar < 0 ? text.AsSpan(at) : text.AsSpan(at, dollar - at));
            if (dollar < 0)
                break;
            at = dollar + 1;
            if (at < text.Length && text[at] == '$')
            {
                Append("$");
                at++;
                continue;
            }
            int end;
            string expression;
            if (at < text.Length && text[at] is '{' or '(')
            {
                int close = Words.Matching(text, at);
                if (close < 0)
                {
                    Fail("truncated macro reference: \"" + text + "\"");
                    break;
                }
                (expression, end) = (text[(at + 1)..close], close + 1);
            }
            else
            {
                for (end = at; end < text.Length && IsNameCharacter(text[end]);)
                    end++;
                expression = text[at..end];
            }
            at = end;
            if (expression.Length == 0)
                Fail("empty macro name: \"" + text + "\"");
            else
                Expression(expression);
        }
        _depth--;
    }

    private void Expression(string text)
    {
        int at = Skip(text, 0);
        string? value;
        if (at < text.Length && text[at] == '{')
        {
            if (!Relation(text, ref at, out value))
                return;
        }
        else
        {
            int start = at;
            while (at < text.Length && IsNameCharacter(text[at]))
                at++;
            string name = text[start..at];
            at = Skip(text, at);
            if (at < text.Length && text[at] is not ('?' or ':'))
            {
                Fail("attribute name syntax error at: \"..." + text[..at] + ">>>" + Some(text, at) + "\"");
                return;
            }
            value = _lookup(name);
        }
        if (at >= text.Length)
        {
            if (!string.IsNullOrEmpty(value))
                Text(value);
            return;
        }
        Choose(text, at, !string.IsNullOrEmpty(value));
    }

    /// <summary>What stands behind <c>?</c> and <c>:</c>: a text to the end, or one in braces.</summary>
    private void Choose(string text, int at, bool holds)
    {
        if (text[at] is not ('?' or ':'))
        {
            Fail("\"?\" or \":\" expected at: \"...}>>>" + Some(text, at) + "\"");
            return;
        }
        if (text[at] == '?')
        {
            at++;
            if (!Operand(text, ref at, out string yes))
                return;
            if (holds)
                Text(yes);
            if (at >= text.Length || _problem is not null)
                return;
            if (text[at] != ':')
            {
                Fail("\":\" expected at: \"..." + yes + "}>>>" + Some(text, at) + "\"");
                return;
            }
        }
        at++;
        if (!Operand(text, ref at, out string no))
            return;
        if (!holds)
            Text(no);
        if (at < text.Length && _problem is null)
            Fail("unexpected input at: \"..." + no + "}>>>" + Some(text, at) + "\"");
    }

    private bool Operand(string text, ref int at, out string operand)
    {
        int brace = Skip(text, at);
        if (brace >= text.Length || text[brace] != '{')
        {
            (operand, at) = (text[at..], text.Length);
            return true;
        }
        at = brace;
        return Braced(text, ref at, out operand);
    }

    /// <summary>The text in the braces at <paramref name="at"/>, which goes behind them and the blanks that follow.</summary>
    private bool Braced(string text, ref int at, out string content)
    {
        int close = Words.Matching(text, at);
        if (close < 0)
        {
            content = "";
            Fail("unbalanced {} in attribute expression: \"" + text[at..] + "\"");
            return false;
        }
        content = text[(at + 1)..close];
        at = Skip(text, close + 1);
        return true;
    }

    private bool Relation(string text, ref int at, out string? value)
    {
        value = null;
        if (!Braced(text, ref at, out string left))
            return false;
        int start = at;
        while (at < text.Length && "<>!=?+-*/~&|%".Contains(text[at], StringComparison.Ordinal))
            at++;
        string sign = text[start..at];
        if (sign is not ("==" or "!=" or "<" or "<=" or ">=" or ">"))
        {
            Fail("\"==\" or \"!=\" or \"<\" or \"<=\" or \">=\" or \">\" expected at: \"..." + left + "}>>>" + Some(text, start) + "\"");
            return false;
        }
        int suffix = at;
        while (at < text.Length && char.IsAsciiLetterOrDigit(text[at]))
            at++;
        string kind = text[suffix..at];
        if (kind is not ("" or "level"))
        {
            Fail("bad operator suffix at: \"..." + sign + ">>>" + kind + "\"");
            return false;
        }
        at = Skip(text, at);
        if (at >= text.Length || text[at] != '{')
        {
            Fail("\"{expression}\" expected at: \"...{" + left + "} " + sign + kind + ">>>" + Some(text, at) + "\"");
            return false;
        }
        if (!Braced(text, ref at, out string right))
            return false;
        string? a = Inner(left), b = _problem is null ? Inner(right) : null;
        if (a is null || b is null)
            return false;
        int? order = kind.Length > 0 ? Levels(a, b) : Compare(a, b);
        value = order switch
        {
            null => null,
            int o => sign switch { "==" => o == 0, "!=" => o != 0, "<" => o < 0, "<=" => o <= 0, ">=" => o >= 0, _ => o > 0 } ? "true" : "",
        };
        return order is not null;
    }

    /// <summary>A text of its own; its length counts with the rest.</summary>
    private string? Inner(string text)
    {
        int before = _result.Length;
        Text(text);
        if (_problem is not null)
            return null;
        string inner = _result.ToString(before, _result.Length - before);
        _result.Length = before;
        return inner;
    }

    /// <summary>As numbers where both are, else octet by octet.</summary>
    private static int Compare(string a, string b) =>
        a.Length is > 0 and < 19 && b.Length is > 0 and < 19 && a.All(char.IsAsciiDigit) && b.All(char.IsAsciiDigit)
            ? long.Parse(a, System.Globalization.CultureInfo.InvariantCulture).CompareTo(long.Parse(b, System.Globalization.CultureInfo.InvariantCulture))
            : string.CompareOrdinal(a, b);

    private int? Levels(string a, string b)
    {
        if (CompatibilityLevel.TryParse(a, out CompatibilityLevel left) && CompatibilityLevel.TryParse(b, out CompatibilityLevel right))
            return left.CompareTo(right);
        Fail("malformed compatibility level syntax: \"" + (CompatibilityLevel.TryParse(a, out _) ? b : a) + "\"");
        return null;
    }

    private void Append(ReadOnlySpan<char> text)
    {
        if (_result.Length + text.Length > MaximumLength)
            Fail("the value is longer than 1 MiB when its names are replaced");
        else
            _result.Append(text);
    }

    private void Fail(string problem) => _problem ??= problem;

    private static bool IsNameCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';

    private static int Skip(string text, int at)
    {
        while (at < text.Length && Words.IsBlank(text[at]))
            at++;
        return at;
    }

    private static string Some(string text, int at) => at >= text.Length ? "" : text.Substring(at, Math.Min(20, text.Length - at));
}
