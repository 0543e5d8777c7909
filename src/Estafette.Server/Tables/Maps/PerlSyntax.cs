using System.Globalization;
using System.Text;

namespace Estafette.Tables;

/// <summary>The options of a rule of pcre_table(5) that change how its pattern is read.</summary>
[Flags]
internal enum PerlOptions : byte
{
    None = 0,

    /// <summary><c>x</c>: blanks and comments in the pattern mean nothing.</summary>
    Extended = 1,

    /// <summary><c>A</c>: matches at the start only.</summary>
    Anchored = 2,

    /// <summary><c>E</c>: <c>$</c> does not match before a last newline.</summary>
    DollarAtEnd = 4,

    /// <summary><c>U</c>: repetitions are lazy unless a <c>?</c> says otherwise.</summary>
    Ungreedy = 8,
}

/// <summary>
/// Rewrites a pattern of PCRE2 (pcre2pattern(3)) for .NET. Pure; never throws. Patterns and keys are octets, classes are those of the C locale, and named groups count with the others. What .NET has no words for (recursion,
/// <c>\K</c>, branch resets, verbs) is unsupported and told as such.
/// </summary>
internal sealed class PerlSyntax(string pattern, PerlOptions options)
{
    private const int MaximumNesting = 250;
    private const int MaximumRepeat = 65535;
    private const string NoGroup = "reference to non-existent subpattern";
    private const string Word = "a-zA-Z0-9_", Space = @" \t\n\v\f\r", NotWord = @"\x00-/:-@\[-\^`{-\uf7ff", NotSpace = @"\x00-\x08\x0e-\x1f!-\uf7ff", NotDigit = @"\x00-/:-\uf7ff";
    private const string Horizontal = @" \t\uf7a0", Vertical = @"\n\v\f\r\uf785", NotHorizontal = @"\x00-\x08\n-\x1f!-\uf79f\uf7a1-\uf7ff", NotVertical = @"\x00-\t\x0e-\uf784\uf786-\uf7ff";

    private static readonly string[] s_verbs =
    [
        "", "ACCEPT", "F", "FAIL", "COMMIT", "PRUNE", "SKIP", "THEN", "MARK", "UTF", "UCP", "CR", "LF", "CRLF", "ANYCRLF", "ANY", "NUL", "BSR_ANYCRLF", "BSR_UNICODE", "NOTEMPTY", "NOTEMPTY_ATSTART",
        "pla", "plb", "nla", "nlb", "napla", "naplb", "positive_lookahead", "positive_lookbehind", "negative_lookahead", "negative_lookbehind", "atomic", "sr", "asr", "script_run", "atomic_script_run",
    ];

    private readonly StringBuilder _output = new();

    /// <summary>Where open groups begin in the output, and whether blanks mean something behind them.</summary>
    private readonly Stack<(int Start, bool Extended)> _open = [];
    private readonly Dictionary<string, int> _names = new(StringComparer.Ordinal);
    private readonly int _total = CountGroups(pattern);
    private bool _extended = options.HasFlag(PerlOptions.Extended);
    private int _at;
    private int _groups;
    private int _atom = -1;
    private bool _isUnsupported;

    public static TranslatedPattern Translate(string pattern, PerlOptions options) => new PerlSyntax(pattern, options).Run();

    private TranslatedPattern Run()
    {
        if (options.HasFlag(PerlOptions.Anchored))
            _output.Append(@"\A(?:");
        string? problem = null;
        while (_at < pattern.Length && problem is null)
            problem = Next();
        if (problem is null && _open.Count > 0)
            problem = "missing closing parenthesis";
        if (problem is not null)
            return TranslatedPattern.Wrong(string.Create(CultureInfo.InvariantCulture, $"error in regex at offset {Math.Min(_at, pattern.Length)}: {problem}")) with { IsUnsupported = _isUnsupported };
        return new TranslatedPattern(options.HasFlag(PerlOptions.Anchored) ? _output.Append(')').ToString() : _output.ToString(), _groups);
    }

    private string? Next()
    {
        char c = pattern[_at++];
        switch (c)
        {
            case '\\':
                return Escape();
            case '[':
                return Class();
            case '(':
                return Open();
            case ')' when _open.Count == 0:
                _at--;
                return "unmatched closing parenthesis";
            case ')':
                (_atom, _extended) = _open.Pop();
                _output.Append(')');
                return null;
            case '*' or '+' or '?':
                return Repeat(c.ToString());
            case '{' when IsInterval(out int end, out string? problem):
                string interval = pattern[(_at - 1)..end];
                _at = end;
                return problem ?? Repeat(interval);
            case '|' or '^':
                return Put(c.ToString());
            case '$':
                return Put(options.HasFlag(PerlOptions.DollarAtEnd) ? @"\z" : "$");
            case '.':
                return Atom(".");
            case '#' when _extended:
                int line = pattern.IndexOf('\n', _at);
                _at = line < 0 ? pattern.Length : line + 1;
                return null;
            default:
                return _extended && LogicalLines.IsBlank(c) ? null : Atom(ClassText.Literal(c));
        }
    }

    private string? Unsupported(string what)
    {
        _isUnsupported = true;
        return what + " is not supported here";
    }

    private string? Put(string text)
    {
        _output.Append(text);
        _atom = -1;
        return null;
    }

    private string? Atom(string text)
    {
        _atom = _output.Length;
        _output.Append(text);
        return null;
    }

    private string? Repeat(string quantifier)
    {
        if (_atom < 0)
            return "quantifier does not follow a repeatable item";
        char mode = _at < pattern.Length ? pattern[_at] : '\0';
        if (mode is '?' or '+')
            _at++;
        if (mode == '+')
        {
            _output.Insert(_atom, "(?>");
            _output.Append(quantifier).Append(')');
        }
        else
            _output.Append(quantifier).Append(mode == '?' != options.HasFlag(PerlOptions.Ungreedy) ? "?" : "");
        _atom = -1;
        return null;
    }

    /// <summary>True for <c>{2}</c>, <c>{2,}</c>, <c>{2,4}</c>; any other brace is a brace.</summary>
    private bool IsInterval(out int end, out string? problem)
    {
        end = pattern.IndexOf('}', _at) + 1;
        problem = null;
        if (end == 0)
            return false;
        string[] bounds = pattern[_at..(end - 1)].Split(',');
        if (bounds.Length > 2 || bounds[0].Length == 0 || bounds.Any(b => !b.All(char.IsAsciiDigit)))
            return false;
        int[] numbers = [.. bounds.Select(b => b.Length == 0 ? MaximumRepeat : b.Length > 5 ? int.MaxValue : int.Parse(b, CultureInfo.InvariantCulture))];
        problem = numbers.Any(n => n > MaximumRepeat) ? "number too big in {} quantifier" : numbers[0] > numbers[^1] ? "numbers out of order in {} quantifier" : null;
        return true;
    }

    private string? Open()
    {
        if (_open.Count == MaximumNesting)
            return "parentheses are too deeply nested";
        if (Peek("*") && _at + 1 < pattern.Length && (char.IsAsciiLetter(pattern[_at + 1]) || pattern[_at + 1] == ':'))
            return Verb();
        if (!Peek("?"))
            return Group("(", capturing: true);
        if (Peek("?#"))
        {
            int end = pattern.IndexOf(')', _at);
            _at = end < 0 ? pattern.Length : end + 1;
            return end < 0 ? "missing ) after (?# comment" : null;
        }
        foreach (string kind in new[] { "?:", "?=", "?!", "?<=", "?<!", "?>" })
        {
            if (Peek(kind))
            {
                _at += kind.Length;
                return Group("(" + kind, capturing: false);
            }
        }
        if (Peek("?|"))
            return Unsupported("a branch reset, (?|...)");
        if (Peek("?("))
            return Condition();
        if (Peek("?P=") || Peek("?P>") || Peek("?&") || Peek("?R") || Peek("?C") || (_at + 1 < pattern.Length && (char.IsAsciiDigit(pattern[_at + 1]) || (pattern[_at + 1] is '+' or '-' && _at + 2 < pattern.Length && char.IsAsciiDigit(pattern[_at + 2])))))
            return Peek("?P=") ? NamedReference(_at + 3, ')') : Unsupported("a recursion or a callout");
        if (Peek("?P<") || Peek("?<") || Peek("?'"))
            return Named();
        return Switches();
    }

    /// <summary><c>(*ACCEPT)</c>, <c>(*UTF)</c>, <c>(*pla:...)</c>: none can be expressed.</summary>
    private string? Verb()
    {
        int end = pattern.AsSpan(_at).IndexOfAny("):=");
        string verb = end < 0 ? "" : pattern.Substring(_at + 1, end - 1);
        return s_verbs.Contains(verb) || verb.StartsWith("NO_", StringComparison.Ordinal) || verb.StartsWith("LIMIT_", StringComparison.Ordinal)
            ? Unsupported("(*" + verb + ")")
            : "(*VERB) not recognized or malformed";
    }

    private bool Peek(string text) => string.CompareOrdinal(pattern, _at, text, 0, text.Length) == 0;

    private string? Group(string opening, bool capturing)
    {
        _open.Push((_output.Length, _extended));
        if (capturing)
            _groups++;
        return Put(opening);
    }

    private string? Named()
    {
        int start = _at + (Peek("?P<") ? 3 : 2);
        char close = pattern[start - 1] == '\'' ? '\'' : '>';
        int end = pattern.IndexOf(close, start);
        string name = end < 0 ? "" : pattern[start..end];
        if (name.Length is 0 or > 32 || char.IsAsciiDigit(name[0]) || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
            return end < 0 ? "syntax error in subpattern name (missing terminator?)" : "subpattern name must start with a non-digit";
        if (!_names.TryAdd(name, _groups + 1))
            return "two named subpatterns have the same name (PCRE2_DUPNAMES not set)";
        _at = end + 1;
        return Group("(", capturing: true);
    }

    /// <summary><c>(?(1)yes|no)</c>, by number or name; conditions that look around are the same in both languages.</summary>
    private string? Condition()
    {
        int end = pattern.IndexOf(')', _at + 2);
        string condition = end < 0 ? "" : pattern[(_at + 2)..end];
        if (condition.StartsWith('?'))
            return Unsupported("a condition that looks around");
        string name = condition.Trim('<', '>', '\'');
        int number = _names.TryGetValue(name, out int named) ? named : int.TryParse(condition, NumberStyles.None, CultureInfo.InvariantCulture, out int given) ? given : 0;
        if (number < 1 || number > _total)
            return Unsupported("the condition (" + condition + ")");
        _at = end + 1;
        return Group(string.Create(CultureInfo.InvariantCulture, $"(?({number})"), capturing: false);
    }

    /// <summary><c>(?i)</c> and <c>(?i-s:...)</c>.</summary>
    private string? Switches()
    {
        int end = _at + 1;
        while (end < pattern.Length && (char.IsAsciiLetter(pattern[end]) || pattern[end] is '-' or '^'))
            end++;
        string letters = end > pattern.Length ? "" : pattern[(_at + 1)..Math.Min(end, pattern.Length)];
        if (end >= pattern.Length || pattern[end] is not (')' or ':'))
            return "unrecognized character after (? or (?-";
        if (letters.AsSpan().ContainsAnyExcept("imsx-"))
            return Unsupported("the option of (?" + letters + ")");
        string[] sides = letters.Split('-');
        if (sides.Length > 2)
            return "invalid hyphen in option setting";
        bool isGroup = pattern[end] == ':';
        _at = end + 1;
        if (isGroup)
            Group("(?" + letters + ":", capturing: false);
        else
            Put("(?" + letters + ")");
        if (sides[0].Contains('x', StringComparison.Ordinal))
            _extended = true;
        if (sides.Length == 2 && sides[1].Contains('x', StringComparison.Ordinal))
            _extended = false;
        return null;
    }

    private string? Escape()
    {
        if (_at == pattern.Length)
            return @"\ at end of pattern";
        char c = pattern[_at++];
        switch (c)
        {
            case 'Q':
                int end = pattern.IndexOf(@"\E", _at, StringComparison.Ordinal);
                foreach (char literal in pattern[_at..(end < 0 ? pattern.Length : end)])
                    Atom(ClassText.Literal(literal));
                _at = end < 0 ? pattern.Length : end + 2;
                return null;
            case 'E':
                return null;
            case 'b' or 'B' or 'A' or 'Z' or 'z' or 'G':
                return Put("\\" + c);
            case 'R':
                return Atom(@"(?:\r\n|[\n\v\f\r\uf785])");
            case 'N' when !Peek("{"):
                return Atom(@"[^\n]");
            case 'K' or 'X' or 'C' or 'N' or 'p' or 'P':
                return Unsupported("\\" + c);
            case 'g' or 'k':
                return Reference(c);
            case >= '1' and <= '9' when BackReference() is { } number:
                return number > _total ? NoGroup : Atom(string.Create(CultureInfo.InvariantCulture, $@"(?:\{number})"));
            default:
                if (ClassOf(c) is { } set)
                    return Atom($"[{set}]");
                return Character(c, out char value) is { } problem ? problem : Atom(ClassText.Literal(value));
        }
    }

    /// <summary>The set that a letter behind a backslash stands for; null for none.</summary>
    private static string? ClassOf(char c) => c switch
    {
        'd' => "0-9",
        'D' => NotDigit,
        'w' => Word,
        'W' => NotWord,
        's' => Space,
        'S' => NotSpace,
        'h' => Horizontal,
        'H' => NotHorizontal,
        'v' => Vertical,
        'V' => NotVertical,
        _ => null,
    };

    /// <summary>A number that is a reference and no octal code: one digit always is, more are where there are as many groups.</summary>
    private int? BackReference()
    {
        int end = _at;
        while (end < pattern.Length && char.IsAsciiDigit(pattern[end]) && end - _at < 4)
            end++;
        int number = int.Parse(pattern.AsSpan(_at - 1, end - _at + 1), CultureInfo.InvariantCulture);
        if (number >= 10 && number > _total && pattern[_at - 1] < '8')
            return null;
        _at = end;
        return number;
    }

    private string? Reference(char kind)
    {
        char open = _at < pattern.Length ? pattern[_at] : '\0';
        if (kind == 'g' && open is '<' or '\'')
            return Unsupported("a subroutine, \\g" + open);
        if (open is '{' or '<' or '\'')
            return NamedReference(_at + 1, open == '{' ? '}' : open == '<' ? '>' : '\'');
        int end = _at;
        if (kind == 'g' && end < pattern.Length && pattern[end] is '-' or '+')
            end++;
        while (end < pattern.Length && char.IsAsciiDigit(pattern[end]))
            end++;
        string number = pattern[_at..end];
        _at = end;
        return kind == 'k' ? @"\k is not followed by a braced, angle-bracketed, or quoted name" : Numbered(number);
    }

    private string? NamedReference(int start, char close)
    {
        int end = start > pattern.Length ? -1 : pattern.IndexOf(close, start);
        if (end < 0)
            return "syntax error in subpattern name (missing terminator?)";
        string name = pattern[start..end];
        _at = end + 1;
        return _names.TryGetValue(name, out int number) ? Atom(string.Create(CultureInfo.InvariantCulture, $@"(?:\{number})")) : Numbered(name);
    }

    private string? Numbered(string text)
    {
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number))
            return NoGroup;
        if (text[0] is '-' or '+')
            number = text[0] == '-' ? _groups + 1 + number : _groups + number;
        return number < 1 || number > _total ? NoGroup : Atom(string.Create(CultureInfo.InvariantCulture, $@"(?:\{number})"));
    }

    /// <summary>A single character that a letter or a code behind a backslash stands for.</summary>
    private string? Character(char c, out char value)
    {
        value = c;
        switch (c)
        {
            case 'a':
                value = '\a';
                return null;
            case 'e':
                value = '\x1b';
                return null;
            case 'f':
                value = '\f';
                return null;
            case 'n':
                value = '\n';
                return null;
            case 'r':
                value = '\r';
                return null;
            case 't':
                value = '\t';
                return null;
            case 'c' when _at < pattern.Length && pattern[_at] is >= ' ' and <= '~':
                value = (char)(char.ToUpperInvariant(pattern[_at++]) ^ 0x40);
                return null;
            case 'x':
                return Code(16, 2, out value);
            case 'o':
                return Peek("{") ? Code(8, 3, out value) : @"missing opening brace after \o";
            case >= '0' and <= '7':
                _at--;
                return Code(8, 3, out value);
            default:
                return char.IsAsciiLetterOrDigit(c) ? @"unrecognized character follows \" : null;
        }
    }

    private string? Code(int radix, int digits, out char value)
    {
        value = '\0';
        bool braced = Peek("{") && pattern.IndexOf('}', _at) > 0;
        int start = braced ? _at + 1 : _at;
        int end = start;
        while (end < pattern.Length && (braced || end - start < digits) && (radix == 16 ? char.IsAsciiHexDigit(pattern[end]) : pattern[end] is >= '0' and <= '7'))
            end++;
        if (braced && (end == start || pattern[end] != '}'))
            return radix == 16 ? @"non-hex character in \x{} (closing brace missing?)" : @"non-octal character in \o{} (closing brace missing?)";
        int code = end == start ? 0 : end - start > 6 ? int.MaxValue : Convert.ToInt32(pattern[start..end], radix);
        _at = braced ? end + 1 : end;
        value = (char)(code & 0xff);
        return code > 0xff ? "character code point value in \\x{} or \\o{} is too large" : null;
    }

    private string? Class()
    {
        var set = new StringBuilder("[");
        if (Peek("^"))
        {
            set.Append('^');
            _at++;
        }
        bool quoted = false;
        for (bool first = true; ; first = false)
        {
            if (_at >= pattern.Length)
                return "missing terminating ] for character class";
            if (!quoted && pattern[_at] == ']' && !first)
                break;
            if (Peek(quoted ? @"\E" : @"\Q"))
            {
                (quoted, _at) = (!quoted, _at + 2);
                continue;
            }
            if (Element(quoted, out char low, out string? named) is { } problem)
                return problem;
            if (named is not null)
            {
                set.Append(named);
                continue;
            }
            if (!quoted && Peek("-") && _at + 1 < pattern.Length && pattern[_at + 1] != ']')
            {
                int dash = _at++;
                if (Element(quoted, out char high, out string? set2) is { } wrong)
                    return wrong;
                if (set2 is not null)
                    _at = dash + 1;
                else if (high < low)
                    return "range out of order in character class";
                set.Append(ClassText.Escape(low)).Append(set2 is not null ? @"\-" : "-" + ClassText.Escape(high));
                continue;
            }
            set.Append(ClassText.Escape(low));
        }
        _at++;
        return Atom(set.Append(']').ToString());
    }

    private string? Element(bool quoted, out char character, out string? named)
    {
        named = null;
        character = pattern[_at++];
        if (quoted)
            return null;
        if (character == '[' && Peek(":") && pattern.IndexOf(":]", _at + 1, StringComparison.Ordinal) is > 0 and int end && pattern.AsSpan(_at + 1, end - _at - 1).TrimStart('^') is var name && !name.ContainsAnyExceptInRange('a', 'z'))
        {
            bool negated = pattern[_at + 1] == '^';
            _at = end + 2;
            string text = name.ToString();
            named = text == "word" ? Word : ClassText.Named(text);
            return named is null ? "unknown POSIX class name" : negated ? Unsupported("a negated POSIX class") : null;
        }
        if (character != '\\')
            return null;
        if (_at == pattern.Length)
            return @"\ at end of pattern";
        char c = pattern[_at++];
        if (c == 'b')
        {
            character = '\b';
            return null;
        }
        if (c is 'p' or 'P')
            return Unsupported("\\" + c);
        if (c is 'R' or 'X' or 'N' or 'B')
            return "escape sequence is invalid in character class";
        named = ClassOf(c);
        return named is null ? Character(c, out character) : null;
    }

    /// <summary>Groups of the whole pattern, for numbers that may be references; a rough count is enough to tell them from octal codes.</summary>
    private static int CountGroups(string pattern)
    {
        int count = 0;
        for (int i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] == '\\')
                i++;
            else if (pattern[i] == '(' && (i + 1 == pattern.Length || pattern[i + 1] != '?' || (i + 2 < pattern.Length && (pattern[i + 2] is 'P' or '\'' || (pattern[i + 2] == '<' && i + 3 < pattern.Length && pattern[i + 3] is not ('=' or '!'))))))
                count++;
        }
        return count;
    }
}
