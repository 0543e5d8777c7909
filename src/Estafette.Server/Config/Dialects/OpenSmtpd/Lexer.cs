using System.Text;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>
/// Cuts smtpd.conf text into tokens: words, quoted strings, macros, marks and line ends. A backslash before a line end joins lines; <c>#</c>
/// starts a comment. Pure; what it cannot read it tells as an error and returns as one bad token, so that it always comes to the end.
/// A string must end on its line (the original lets it run on, which turns one forgotten quote into a puzzle pages below).
/// </summary>
internal sealed class Lexer(SourceText source, Findings findings)
{
    private readonly string _text = source.Text;
    private int _at;

    public Token Next()
    {
        SkipBlanks();
        int start = _at;
        if (_at >= _text.Length)
            return Make(TokenKind.EndOfFile, "", start);
        char c = _text[_at];
        switch (c)
        {
            case '\n':
                _at++;
                return Make(TokenKind.EndOfLine, "\n", start);
            case '"' or '\'':
                return Quoted(c, start);
            case '$':
                return Macro(start);
            case '=':
                _at += _at + 1 < _text.Length && _text[_at + 1] == '>' ? 2 : 1;
                return Make(TokenKind.Mark, "=", start);
            case '{' or '}' or '<' or '>' or '!' or ',' or '(' or ')':
                _at++;
                return Make(TokenKind.Mark, c.ToString(), start);
            default:
                return char.IsControl(c) || char.IsWhiteSpace(c) ? Control(c, start) : Word(start);
        }
    }

    private void SkipBlanks()
    {
        while (_at < _text.Length)
        {
            if (_text[_at] is ' ' or '\t' or '\r')
                _at++;
            else if (ContinuationLength(_at) is > 0 and int length)
                _at += length;
            else if (_text[_at] == '#')
                SkipComment();
            else
                return;
        }
    }

    /// <summary>A backslash at the end of a comment continues it, as in the original; the next line is then comment too.</summary>
    private void SkipComment()
    {
        bool told = false;
        while (_at < _text.Length && _text[_at] != '\n')
        {
            int length = ContinuationLength(_at);
            if (length > 0 && !told)
            {
                told = true;
                findings.Warning(source.Span(_at, 1), "this backslash makes the next line part of the comment",
                    "take the backslash away, or start the next line with `#`");
            }
            _at += Math.Max(1, length);
        }
    }

    /// <summary>How many characters a joined line end takes here; 0 when there is none.</summary>
    private int ContinuationLength(int at)
    {
        if (_text[at] != '\\')
            return 0;
        if (at + 1 < _text.Length && _text[at + 1] == '\n')
            return 2;
        return at + 2 < _text.Length && _text[at + 1] == '\r' && _text[at + 2] == '\n' ? 3 : 0;
    }

    private Token Quoted(char quote, int start)
    {
        var value = new StringBuilder();
        _at++;
        while (_at < _text.Length && _text[_at] != '\n')
        {
            char c = _text[_at];
            if (c == quote)
            {
                _at++;
                return Make(TokenKind.Quoted, value.ToString(), start);
            }
            if (ContinuationLength(_at) is > 0 and int length)
            {
                _at += length;
                continue;
            }
            if (c == '\\' && _at + 1 < _text.Length && (_text[_at + 1] == quote || _text[_at + 1] is ' ' or '\t'))
                c = _text[++_at];
            else if (char.IsControl(c) && c is not ('\t' or '\r'))
                return Control(c, start);
            value.Append(c);
            _at++;
        }
        findings.Error(source.Span(start, _at - start), "this string is not closed",
            "put a " + (quote == '"' ? "double" : "single") + " quote where it ends, or a backslash at the end of a line that goes on");
        return Make(TokenKind.Bad, "", start);
    }

    private Token Macro(int start)
    {
        _at++;
        int first = _at;
        while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || _text[_at] == '_'))
            _at++;
        if (_at > first)
            return Make(TokenKind.Macro, _text[first.._at], start);
        findings.Error(source.Span(start, 1), "`$` without a name", "write `$name`, or put the text into quotes to have a plain `$`");
        return Make(TokenKind.Bad, "", start);
    }

    private Token Word(int start)
    {
        var value = new StringBuilder();
        while (_at < _text.Length)
        {
            char c = _text[_at];
            if (ContinuationLength(_at) is > 0 and int length)
            {
                _at += length;
                continue;
            }
            if (c == '\\' && _at + 1 < _text.Length && !char.IsControl(_text[_at + 1]))
                c = _text[++_at];
            else if (char.IsWhiteSpace(c) || char.IsControl(c) || "(){}<>!=#,".Contains(c, StringComparison.Ordinal))
                break;
            value.Append(c);
            _at++;
        }
        if (_at == start)
            _at++;
        return Make(TokenKind.Word, value.ToString(), start);
    }

    private Token Control(char c, int start)
    {
        _at = Math.Max(_at, start) + 1;
        findings.Error(source.Span(_at - 1, 1),
            string.Create(System.Globalization.CultureInfo.InvariantCulture, $"the character U+{(int)c:X4} cannot stand here"),
            char.IsControl(c) ? "remove it; `cat -v` shows where it is" : "replace it by a plain blank; it was probably copied from a web page");
        return Make(TokenKind.Bad, "", start);
    }

    private Token Make(TokenKind kind, string text, int start) => new(kind, text, source.Span(start, Math.Max(1, _at - start)));
}
