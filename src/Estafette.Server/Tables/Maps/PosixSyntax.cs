using System.Globalization;
using System.Text;

namespace Estafette.Tables;

/// <summary>A pattern as .NET understands it and its groups; or why it is none, in the original's words.</summary>
internal readonly record struct TranslatedPattern(string Text, int Groups, string? Problem = null)
{
    /// <summary>The pattern is right, but uses what cannot be expressed here: the table must not be used without its rule.</summary>
    public bool IsUnsupported { get; init; }

    public static TranslatedPattern Wrong(string problem) => new("", 0, problem);
}

/// <summary>
/// Rewrites a POSIX regular expression (regex(7), with the additions of glibc: <c>\w \s \b \&lt; \&gt; \1</c>) for .NET. Pure; never throws. Patterns and keys are octets. Whether something matches is the same;
/// of several ways to match, .NET takes the first and POSIX the longest, which only what <c>$1</c> holds can show.
/// </summary>
/// <param name="extended">Extended syntax; else basic.</param>
/// <param name="newlines"><c>.</c> and <c>[^x]</c> match no newline (REG_NEWLINE).</param>
internal sealed class PosixSyntax(string pattern, bool extended, bool newlines)
{
    private const int MaximumRepeat = 32767;
    private const int MaximumNesting = 250;
    private const string WordCharacters = "a-zA-Z0-9_", SpaceCharacters = @" \t\n\v\f\r";
    private const string OpenGroup = @"Unmatched ( or \(";
    private const string NotRepeatable = "Invalid preceding regular expression", BadBrace = @"Invalid content of \{\}", OpenBracket = "Unmatched [, [^, [:, [., or [=";

    private readonly StringBuilder _output = new();
    private readonly Stack<int> _open = [];
    private int _at;
    private int _groups;

    /// <summary>Where the last atom begins in the output; -1 where there is nothing that could be repeated.</summary>
    private int _atom = -1;

    /// <summary>Where the last repetition ends in the pattern.</summary>
    private int _repeated = -1;

    public static TranslatedPattern Translate(string pattern, bool extended, bool newlines) => new PosixSyntax(pattern, extended, newlines).Run();

    private TranslatedPattern Run()
    {
        while (_at < pattern.Length)
        {
            if (Next() is { } problem)
                return TranslatedPattern.Wrong(problem);
        }
        return _open.Count > 0 ? TranslatedPattern.Wrong(OpenGroup) : new TranslatedPattern(_output.ToString(), _groups);
    }

    private string? Next()
    {
        char c = pattern[_at];
        bool escaped = c == '\\';
        if (escaped)
        {
            if (_at + 1 == pattern.Length)
                return "Trailing backslash";
            c = pattern[_at + 1];
        }
        // What is an operator bare in one syntax is one behind a backslash in the other.
        bool isOperator = "(){}|+?".Contains(c, StringComparison.Ordinal) ? escaped != extended : !escaped && "*.[^$".Contains(c, StringComparison.Ordinal);
        int start = _at;
        _at += escaped ? 2 : 1;
        if (!isOperator)
            return escaped ? Escape(c) : Literal(c);
        switch (c)
        {
            case '(':
                return Open();
            case ')':
                return Close();
            case '|':
                _output.Append('|');
                _atom = -1;
                return null;
            case '*' or '+' or '?' or '{':
                return Repeat(c, start);
            case '}':
                return Literal('}');
            case '[':
                return Bracket();
            case '.':
                return Atom(newlines ? @"[^\n]" : @"[\s\S]");
            default:
                return Anchor(c, start);
        }
    }

    private string? Anchor(char c, int start)
    {
        bool first = start == 0 || (start >= 2 && pattern[start - 2] == '\\' && pattern[start - 1] is '(' or '|');
        bool last = _at == pattern.Length || (_at + 1 < pattern.Length && pattern[_at] == '\\' && pattern[_at + 1] is ')' or '|');
        if (!extended && !(c == '^' ? first : last))
            return Literal(c);
        _output.Append(c == '^' ? newlines ? "(?m:^)" : @"\A" : newlines ? "(?m:$)" : @"\z");
        _atom = -1;
        return null;
    }

    private string? Open()
    {
        if (_open.Count == MaximumNesting)
            return "Regular expression too big";
        _open.Push(_output.Length);
        _groups++;
        _output.Append('(');
        _atom = -1;
        return null;
    }

    private string? Close()
    {
        if (_open.Count == 0)
            return extended ? Literal(')') : OpenGroup;
        _output.Append(')');
        _atom = _open.Pop();
        return null;
    }

    private string? Repeat(char c, int start)
    {
        if (_atom < 0)
        {
            // In basic syntax a star at the start is a star.
            return !extended && c == '*' ? Literal('*') : NotRepeatable;
        }
        if (!extended && c is ('*' or '{') && start == _repeated)
            return NotRepeatable;
        string quantifier = c.ToString();
        if (c == '{' && Interval(out quantifier) is { } problem)
            return problem;
        // The atom with its repetition is one that may be repeated again: a+? is (a+)?, not a lazy a+.
        _output.Insert(_atom, "(?:");
        _output.Append(quantifier).Append(')');
        _repeated = _at;
        return null;
    }

    private string? Interval(out string quantifier)
    {
        quantifier = "";
        int end = pattern.IndexOf(extended ? "}" : @"\}", _at, StringComparison.Ordinal);
        if (end < 0)
            return @"Unmatched \{";
        string[] bounds = pattern[_at..end].Split(',');
        if (bounds.Length > 2 || bounds.Any(b => !b.All(char.IsAsciiDigit)) || (bounds.Length == 1 && bounds[0].Length == 0))
            return BadBrace;
        int least = bounds[0].Length == 0 ? 0 : Number(bounds[0]);
        int most = bounds.Length == 1 ? least : bounds[1].Length == 0 ? MaximumRepeat : Number(bounds[1]);
        if (least > MaximumRepeat || most > MaximumRepeat)
            return "Regular expression too big";
        if (least > most)
            return BadBrace;
        _at = end + (extended ? 1 : 2);
        string upper = bounds.Length == 2 && bounds[1].Length == 0 ? "" : most.ToString(CultureInfo.InvariantCulture);
        quantifier = string.Create(CultureInfo.InvariantCulture, $"{{{least},{upper}}}");
        return null;
    }

    private static int Number(string digits) => int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : int.MaxValue;

    private string? Escape(char c) => c switch
    {
        'w' => Atom($"[{WordCharacters}]"),
        'W' => Atom($"[^{WordCharacters}]"),
        's' => Atom($"[{SpaceCharacters}]"),
        'S' => Atom($"[^{SpaceCharacters}]"),
        'b' or 'B' => Assertion("\\" + c),
        '<' => Assertion(@"\b(?=\w)"),
        '>' => Assertion(@"\b(?<=\w)"),
        '`' => Assertion(@"\A"),
        '\'' => Assertion(@"\z"),
        >= '1' and <= '9' => c - '0' <= _groups ? Atom($@"(?:\{c})") : "Invalid back reference",
        _ => Literal(c),
    };

    private string? Assertion(string text)
    {
        _output.Append(text);
        _atom = -1;
        return null;
    }

    private string? Literal(char c) => Atom(ClassText.Literal(c));

    private string? Atom(string text)
    {
        _atom = _output.Length;
        _output.Append(text);
        return null;
    }

    private string? Bracket()
    {
        var set = new StringBuilder("[");
        bool negated = _at < pattern.Length && pattern[_at] == '^';
        if (negated)
        {
            set.Append(newlines ? @"^\n" : "^");
            _at++;
        }
        for (bool first = true; ; first = false)
        {
            if (_at >= pattern.Length)
                return OpenBracket;
            if (pattern[_at] == ']' && !first)
                break;
            if (Element(out char low, out string? named) is { } problem)
                return problem;
            if (named is not null)
            {
                set.Append(named);
                continue;
            }
            if (_at + 1 < pattern.Length && pattern[_at] == '-' && pattern[_at + 1] != ']')
            {
                _at++;
                if (Element(out char high, out named) is { } wrong)
                    return wrong;
                if (named is not null || high < low)
                    return "Invalid range end";
                set.Append(ClassText.Escape(low)).Append('-').Append(ClassText.Escape(high));
            }
            else
                set.Append(ClassText.Escape(low));
        }
        _at++;
        return Atom(set.Append(']').ToString());
    }

    /// <summary>One character of a bracket, or a named class.</summary>
    private string? Element(out char character, out string? named)
    {
        named = null;
        character = pattern[_at];
        char kind = character == '[' && _at + 1 < pattern.Length ? pattern[_at + 1] : '\0';
        if (kind is not (':' or '.' or '='))
        {
            _at++;
            return null;
        }
        int end = pattern.IndexOf(kind + "]", _at + 2, StringComparison.Ordinal);
        if (end < 0)
            return OpenBracket;
        string name = pattern[(_at + 2)..end];
        _at = end + 2;
        if (kind == ':')
            return (named = ClassText.Named(name)) is null ? "Invalid character class name" : null;
        if (name.Length != 1)
            return "Invalid collation character";
        character = name[0];
        if (kind == '=')
            named = ClassText.Escape(character);
        return null;
    }
}

/// <summary>Sets of octets as .NET writes them.</summary>
internal static class ClassText
{
    /// <summary>A named class of POSIX in the C locale, for use in brackets; null for a name that is none.</summary>
    public static string? Named(string name) => name switch
    {
        "alpha" => "a-zA-Z",
        "digit" => "0-9",
        "alnum" => "a-zA-Z0-9",
        "upper" => "A-Z",
        "lower" => "a-z",
        "space" => @" \t\n\v\f\r",
        "blank" => @" \t",
        "punct" => @"!-/:-@\[-`{-~",
        "xdigit" => "0-9a-fA-F",
        "cntrl" => @"\x00-\x1f\x7f",
        "print" => @"\x20-\x7e",
        "graph" => @"\x21-\x7e",
        _ => null,
    };

    /// <summary>A character within brackets.</summary>
    public static string Escape(char c) => c >= OctetText.FirstHigh ? OctetText.ToPattern(c).ToString() : c is '[' or ']' or '\\' or '^' or '-' ? "\\" + c : c is < ' ' or '\x7f' ? Hex(c) : c.ToString();

    /// <summary>A character on its own, also where blanks count for nothing.</summary>
    public static string Literal(char c) => c >= OctetText.FirstHigh ? OctetText.ToPattern(c).ToString() : c is < ' ' or '\x7f' ? Hex(c) : @"\*+?|{}[]()^$.# -/".Contains(c, StringComparison.Ordinal) ? "\\" + c : c.ToString();

    private static string Hex(char c) => string.Create(CultureInfo.InvariantCulture, $@"\x{(int)c:x2}");
}
