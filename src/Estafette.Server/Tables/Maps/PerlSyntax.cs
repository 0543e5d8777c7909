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
internal sealed class PerlSyntax
{
    private const int MaximumNesting = 250;
    private const int MaximumRepeat = 65535;
    private const string NoGroup = "reference to non-existent subpattern";

    private static readonly string[] s_verbs =
    [
        "", "ACCEPT", "F", "FAIL", "COMMIT", "PRUNE", "SKIP", "THEN", "MARK", "UTF", "UCP", "CR", "LF", "CRLF", "ANYCRLF", "ANY", "NUL", "BSR_ANYCRLF", "BSR_UNICODE", "NOTEMPTY", "NOTEMPTY_ATSTART",
        "pla", "plb", "nla", "nlb", "napla", "naplb", "positive_lookahead", "positive_lookbehind", "negative_lookahead", "negative_lookbehind", "atomic", "sr", "asr", "script_run", "atomic_script_run",
    ];

    private readonly string _pattern;
    private readonly PerlOptions _options;
    private readonly PerlCursor _cursor;
    private readonly StringBuilder _output = new();

    /// <summary>Where open groups begin in the output, and whether blanks mean something behind them.</summary>
    private readonly Stack<(int Start, bool Extended)> _open = [];
    private readonly PerlCharacters _characters;
    private readonly Dictionary<string, int> _names = new(StringComparer.Ordinal);
    private readonly int _total;
    private bool _extended;
    private int _groups;
    private int _atom = -1;
    private bool _isUnsupported;

    private PerlSyntax(string pattern, PerlOptions options)
    {
        _pattern = pattern;
        _options = options;
        _cursor = new PerlCursor(pattern);
        _characters = new PerlCharacters(_cursor);
        _total = CountGroups(pattern);
        _extended = options.HasFlag(PerlOptions.Extended);
    }

    public static TranslatedPattern Translate(string pattern, PerlOptions options) => new PerlSyntax(pattern, options).Run();

    private TranslatedPattern Run()
    {
        if (_options.HasFlag(PerlOptions.Anchored))
            _output.Append(@"\A(?:");
        string? problem = null;
        while (_cursor.At < _pattern.Length && problem is null)
            problem = Next();
        if (problem is null && _open.Count > 0)
            problem = "missing closing parenthesis";
        if (problem is not null)
            return TranslatedPattern.Wrong(string.Create(CultureInfo.InvariantCulture, $"error in regex at offset {Math.Min(_cursor.At, _pattern.Length)}: {problem}")) with { IsUnsupported = _isUnsupported || _characters.IsUnsupported };
        return new TranslatedPattern(_options.HasFlag(PerlOptions.Anchored) ? _output.Append(')').ToString() : _output.ToString(), _groups);
    }

    private string? Next()
    {
        char c = _pattern[_cursor.At++];
        switch (c)
        {
            case '\\':
                return Escape();
            case '[':
                return _characters.Class(out string text) ?? Atom(text);
            case '(':
                return Open();
            case ')' when _open.Count == 0:
                _cursor.At--;
                return "unmatched closing parenthesis";
            case ')':
                (_atom, _extended) = _open.Pop();
                _output.Append(')');
                return null;
            case '*' or '+' or '?':
                return Repeat(c.ToString());
            case '{' when IsInterval(out int end, out string? problem):
                string interval = _pattern[(_cursor.At - 1)..end];
                _cursor.At = end;
                return problem ?? Repeat(interval);
            case '|' or '^':
                return Put(c.ToString());
            case '$':
                return Put(_options.HasFlag(PerlOptions.DollarAtEnd) ? @"\z" : "$");
            case '.':
                return Atom(".");
            case '#' when _extended:
                int line = _pattern.IndexOf('\n', _cursor.At);
                _cursor.At = line < 0 ? _pattern.Length : line + 1;
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
        char mode = _cursor.At < _pattern.Length ? _pattern[_cursor.At] : '\0';
        if (mode is '?' or '+')
            _cursor.At++;
        if (mode == '+')
        {
            _output.Insert(_atom, "(?>");
            _output.Append(quantifier).Append(')');
        }
        else
            _output.Append(quantifier).Append(mode == '?' != _options.HasFlag(PerlOptions.Ungreedy) ? "?" : "");
        _atom = -1;
        return null;
    }

    /// <summary>True for <c>{2}</c>, <c>{2,}</c>, <c>{2,4}</c>; any other brace is a brace.</summary>
    private bool IsInterval(out int end, out string? problem)
    {
        end = _pattern.IndexOf('}', _cursor.At) + 1;
        problem = null;
        if (end == 0)
            return false;
        string[] bounds = _pattern[_cursor.At..(end - 1)].Split(',');
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
        if (_cursor.Peek("*") && _cursor.At + 1 < _pattern.Length && (char.IsAsciiLetter(_pattern[_cursor.At + 1]) || _pattern[_cursor.At + 1] == ':'))
            return Verb();
        if (!_cursor.Peek("?"))
            return Group("(", capturing: true);
        if (_cursor.Peek("?#"))
        {
            int end = _pattern.IndexOf(')', _cursor.At);
            _cursor.At = end < 0 ? _pattern.Length : end + 1;
            return end < 0 ? "missing ) after (?# comment" : null;
        }
        foreach (string kind in new[] { "?:", "?=", "?!", "?<=", "?<!", "?>" })
        {
            if (_cursor.Peek(kind))
            {
                _cursor.At += kind.Length;
                return Group("(" + kind, capturing: false);
            }
        }
        if (_cursor.Peek("?|"))
            return Unsupported("a branch reset, (?|...)");
        if (_cursor.Peek("?("))
            return Condition();
        if (_cursor.Peek("?P=") || _cursor.Peek("?P>") || _cursor.Peek("?&") || _cursor.Peek("?R") || _cursor.Peek("?C") || (_cursor.At + 1 < _pattern.Length && (char.IsAsciiDigit(_pattern[_cursor.At + 1]) || (_pattern[_cursor.At + 1] is '+' or '-' && _cursor.At + 2 < _pattern.Length && char.IsAsciiDigit(_pattern[_cursor.At + 2])))))
            return _cursor.Peek("?P=") ? NamedReference(_cursor.At + 3, ')') : Unsupported("a recursion or a callout");
        if (_cursor.Peek("?P<") || _cursor.Peek("?<") || _cursor.Peek("?'"))
            return Named();
        return Switches();
    }

    /// <summary><c>(*ACCEPT)</c>, <c>(*UTF)</c>, <c>(*pla:...)</c>: none can be expressed.</summary>
    private string? Verb()
    {
        int end = _pattern.AsSpan(_cursor.At).IndexOfAny("):=");
        string verb = end < 0 ? "" : _pattern.Substring(_cursor.At + 1, end - 1);
        return s_verbs.Contains(verb) || verb.StartsWith("NO_", StringComparison.Ordinal) || verb.StartsWith("LIMIT_", StringComparison.Ordinal)
            ? Unsupported("(*" + verb + ")")
            : "(*VERB) not recognized or malformed";
    }

    private string? Group(string opening, bool capturing)
    {
        _open.Push((_output.Length, _extended));
        if (capturing)
            _groups++;
        return Put(opening);
    }

    private string? Named()
    {
        int start = _cursor.At + (_cursor.Peek("?P<") ? 3 : 2);
        char close = _pattern[start - 1] == '\'' ? '\'' : '>';
        int end = _pattern.IndexOf(close, start);
        string name = end < 0 ? "" : _pattern[start..end];
        if (name.Length is 0 or > 32 || char.IsAsciiDigit(name[0]) || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
            return end < 0 ? "syntax error in subpattern name (missing terminator?)" : "subpattern name must start with a non-digit";
        if (!_names.TryAdd(name, _groups + 1))
            return "two named subpatterns have the same name (PCRE2_DUPNAMES not set)";
        _cursor.At = end + 1;
        return Group("(", capturing: true);
    }

    /// <summary><c>(?(1)yes|no)</c>, by number or name; conditions that look around are the same in both languages.</summary>
    private string? Condition()
    {
        int end = _pattern.IndexOf(')', _cursor.At + 2);
        string condition = end < 0 ? "" : _pattern[(_cursor.At + 2)..end];
        if (condition.StartsWith('?'))
            return Unsupported("a condition that looks around");
        string name = condition.Trim('<', '>', '\'');
        int number = _names.TryGetValue(name, out int named) ? named : int.TryParse(condition, NumberStyles.None, CultureInfo.InvariantCulture, out int given) ? given : 0;
        if (number < 1 || number > _total)
            return Unsupported("the condition (" + condition + ")");
        _cursor.At = end + 1;
        return Group(string.Create(CultureInfo.InvariantCulture, $"(?({number})"), capturing: false);
    }

    /// <summary><c>(?i)</c> and <c>(?i-s:...)</c>.</summary>
    private string? Switches()
    {
        int end = _cursor.At + 1;
        while (end < _pattern.Length && (char.IsAsciiLetter(_pattern[end]) || _pattern[end] is '-' or '^'))
            end++;
        string letters = end > _pattern.Length ? "" : _pattern[(_cursor.At + 1)..Math.Min(end, _pattern.Length)];
        if (end >= _pattern.Length || _pattern[end] is not (')' or ':'))
            return "unrecognized character after (? or (?-";
        if (letters.AsSpan().ContainsAnyExcept("imsx-"))
            return Unsupported("the option of (?" + letters + ")");
        string[] sides = letters.Split('-');
        if (sides.Length > 2)
            return "invalid hyphen in option setting";
        bool isGroup = _pattern[end] == ':';
        _cursor.At = end + 1;
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
        if (_cursor.At == _pattern.Length)
            return @"\ at end of pattern";
        char c = _pattern[_cursor.At++];
        switch (c)
        {
            case 'Q':
                int end = _pattern.IndexOf(@"\E", _cursor.At, StringComparison.Ordinal);
                foreach (char literal in _pattern[_cursor.At..(end < 0 ? _pattern.Length : end)])
                    Atom(ClassText.Literal(literal));
                _cursor.At = end < 0 ? _pattern.Length : end + 2;
                return null;
            case 'E':
                return null;
            case 'b' or 'B' or 'A' or 'Z' or 'z' or 'G':
                return Put("\\" + c);
            case 'R':
                return Atom(@"(?:\r\n|[\n\v\f\r\uf785])");
            case 'N' when !_cursor.Peek("{"):
                return Atom(@"[^\n]");
            case 'K' or 'X' or 'C' or 'N' or 'p' or 'P':
                return Unsupported("\\" + c);
            case 'g' or 'k':
                return Reference(c);
            case >= '1' and <= '9' when BackReference() is { } number:
                return number > _total ? NoGroup : Atom(string.Create(CultureInfo.InvariantCulture, $@"(?:\{number})"));
            default:
                if (PerlCharacters.ClassOf(c) is { } set)
                    return Atom($"[{set}]");
                return _characters.Character(c, out char value) is { } problem ? problem : Atom(ClassText.Literal(value));
        }
    }

    /// <summary>A number that is a reference and no octal code: one digit always is, more are where there are as many groups.</summary>
    private int? BackReference()
    {
        int end = _cursor.At;
        while (end < _pattern.Length && char.IsAsciiDigit(_pattern[end]) && end - _cursor.At < 4)
            end++;
        int number = int.Parse(_pattern.AsSpan(_cursor.At - 1, end - _cursor.At + 1), CultureInfo.InvariantCulture);
        if (number >= 10 && number > _total && _pattern[_cursor.At - 1] < '8')
            return null;
        _cursor.At = end;
        return number;
    }

    private string? Reference(char kind)
    {
        char open = _cursor.At < _pattern.Length ? _pattern[_cursor.At] : '\0';
        if (kind == 'g' && open is '<' or '\'')
            return Unsupported("a subroutine, \\g" + open);
        if (open is '{' or '<' or '\'')
            return NamedReference(_cursor.At + 1, open == '{' ? '}' : open == '<' ? '>' : '\'');
        int end = _cursor.At;
        if (kind == 'g' && end < _pattern.Length && _pattern[end] is '-' or '+')
            end++;
        while (end < _pattern.Length && char.IsAsciiDigit(_pattern[end]))
            end++;
        string number = _pattern[_cursor.At..end];
        _cursor.At = end;
        return kind == 'k' ? @"\k is not followed by a braced, angle-bracketed, or quoted name" : Numbered(number);
    }

    private string? NamedReference(int start, char close)
    {
        int end = start > _pattern.Length ? -1 : _pattern.IndexOf(close, start);
        if (end < 0)
            return "syntax error in subpattern name (missing terminator?)";
        string name = _pattern[start..end];
        _cursor.At = end + 1;
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
