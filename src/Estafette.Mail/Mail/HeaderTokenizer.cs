using System.Text;

namespace Estafette.Mail;

/// <summary>Cuts the text of an address list into tokens (RFC 5322 s3.2). Nothing is refused: what has no end ends with the text.</summary>
internal ref struct HeaderTokenizer(string text, int limit)
{
    private const string Operators = "|%!()<>@,;:\\\".[]";

    private readonly string _text = text;
    private readonly int _limit = limit;
    private int _at;

    /// <summary>The ends of the chain; null where there is no token. Tokens beyond the limit are not read.</summary>
    public (HeaderToken? First, HeaderToken? Last) Read()
    {
        HeaderToken? first = null;
        HeaderToken? last = null;
        for (int count = 0; count < _limit && Next() is { } token; count++)
        {
            first ??= token;
            HeaderToken.Join(last, token);
            last = token;
        }
        return (first, last);
    }

    private HeaderToken? Next()
    {
        while (_at < _text.Length && IsBlank(_text[_at]))
            _at++;
        if (_at >= _text.Length)
            return null;
        char c = _text[_at++];
        switch (c)
        {
            case '(':
                return new HeaderToken(HeaderTokenKind.Comment, Comment());
            case '[':
                return new HeaderToken(HeaderTokenKind.Literal, Until(']'));
            case '"':
                return new HeaderToken(HeaderTokenKind.Quoted, Until('"'));
            case not '\\' when Operators.Contains(c, StringComparison.Ordinal):
                return new HeaderToken(HeaderTokenKind.Operator, "", c);
            default:
                _at--;
                string word = Word();
                bool needsQuotes = word.Any(w => w == ' ' || char.IsControl(w) && w < 128 || Operators.Contains(w, StringComparison.Ordinal));
                return new HeaderToken(needsQuotes ? HeaderTokenKind.Quoted : HeaderTokenKind.Atom, word);
        }
    }

    private string Word()
    {
        var word = new StringBuilder();
        while (_at < _text.Length)
        {
            char c = _text[_at];
            bool escaped = c == '\\';
            if (escaped && ++_at >= _text.Length)
                break;
            if (!escaped && (IsBlank(c) || Operators.Contains(c, StringComparison.Ordinal)))
                break;
            Add(word, _text[_at++]);
        }
        return word.ToString();
    }

    /// <summary>Text up to a closing character, which is passed over.</summary>
    private string Until(char close)
    {
        var inner = new StringBuilder();
        while (_at < _text.Length)
        {
            char c = _text[_at++];
            if (c == close)
                break;
            if (c == '\\')
            {
                if (_at >= _text.Length)
                    break;
                c = _text[_at++];
            }
            Add(inner, c);
        }
        return inner.ToString();
    }

    /// <summary>A comment keeps its written form, parentheses and backslashes included; a counter stands for nested ones.</summary>
    private string Comment()
    {
        int start = _at - 1;
        for (int depth = 1; _at < _text.Length && depth > 0; _at++)
        {
            if (_text[_at] == '(')
                depth++;
            else if (_text[_at] == ')')
                depth--;
            else if (_text[_at] == '\\' && _at + 1 < _text.Length)
                _at++;
        }
        return _text[start.._at];
    }

    private static void Add(StringBuilder to, char c) => to.Append(IsBlank(c) ? ' ' : c);

    private static bool IsBlank(char c) => c is ' ' or '\t' or '\r' or '\n';
}
