using System.Text.RegularExpressions;

namespace Estafette.Tables;

/// <summary>Reads one rule of a table of regular expressions: <c>/pattern/flags result</c>, <c>!/pattern/ result</c>, <c>if /pattern/</c>, <c>endif</c>. What is wrong is told in the original's words.</summary>
internal sealed class ExpressionRuleReader(LogicalLine line, ExpressionSyntax syntax, LinearEngines engines, Action<MapNote> note)
{
    /// <summary>Characters of a pattern.</summary>
    private const int MaximumPattern = 16_384;
    private const string Skipping = ": skipping this rule";

    private readonly string _text = line.Text.TrimEnd(MapText.Blanks);
    private int _at;

    private readonly record struct PatternText(string Text, string Flags, bool Negated);

    /// <summary>The rule is right, but cannot be expressed here: why.</summary>
    public string? Unsupported { get; private set; }

    /// <param name="inBlock">An <c>if</c> is open.</param>
    /// <returns>Null for what is no rule; it was told.</returns>
    public ExpressionRule? Read(bool inBlock)
    {
        if (!LogicalLines.IsLetterOrDigit(_text[0]))
            return ReadMatch();
        if (RuleWord.TryEndIf(_text, out string rest))
        {
            if (!inBlock)
            {
                Warn("ignoring ENDIF without matching IF");
                return null;
            }
            if (rest.Trim(MapText.Blanks).Length > 0)
                Warn("ignoring extra text after ENDIF");
            return new ExpressionRule(ExpressionRuleKind.EndIf, line.Line, null, null, Replacement.Empty);
        }
        if (RuleWord.TryIf(_text, out _))
            return ReadIf();
        Warn("ignoring unrecognized request");
        return null;
    }

    private ExpressionRule? ReadIf()
    {
        _at = 2;
        if (ReadPattern() is not { } pattern)
            return null;
        if (_text[_at..].Trim(MapText.Blanks) is { Length: > 0 } extra)
        {
            Warn($"ignoring extra text after IF statement: \"{extra}\"");
            Warn("do not prepend whitespace to statements between IF and ENDIF");
        }
        return Compile(pattern, out _) is { } expression ? new ExpressionRule(ExpressionRuleKind.If, line.Line, expression, null, Replacement.Empty) : null;
    }

    private ExpressionRule? ReadMatch()
    {
        if (ReadPattern() is not { } first)
            return null;
        PatternText? second = null;
        if (syntax == ExpressionSyntax.Posix && _at < _text.Length && _text[_at] == '!')
        {
            second = ReadPattern();
            if (second is null)
                return null;
        }
        string result = _text[_at..].TrimStart(MapText.Blanks);
        if (result.Length == 0)
            Warn("no replacement text: using empty string");
        if (Replacement.Parse(result, syntax == ExpressionSyntax.Perl, (words, named) => note(new MapNote(line.Line, words) { Place = named ? NotePlace.Line : NotePlace.None })) is not { } replacement)
        {
            Warn("bad replacement syntax" + Skipping);
            return null;
        }
        if (replacement.Highest > 0 && first.Negated)
        {
            Warn("$number found in negative match replacement text" + Skipping);
            return null;
        }
        if (Compile(first, out int groups) is not { } expression)
            return null;
        if (replacement.Highest > groups)
        {
            Warn($"out of range replacement index \"{replacement.Highest}\"" + Skipping);
            return null;
        }
        Expression? also = null;
        if (second is { } other)
        {
            also = Compile(other, out _);
            if (also is null)
                return null;
        }
        return new ExpressionRule(ExpressionRuleKind.Match, line.Line, expression, also, replacement);
    }

    private PatternText? ReadPattern()
    {
        bool negated = false;
        for (; _at < _text.Length && (_text[_at] == '!' || LogicalLines.IsBlank(_text[_at])); _at++)
            negated ^= _text[_at] == '!';
        if (_at == _text.Length)
        {
            Warn("no regexp" + Skipping);
            return null;
        }
        char delimiter = _text[_at];
        int start = ++_at;
        for (; _at < _text.Length && _text[_at] != delimiter; _at++)
        {
            if (_text[_at] == '\\')
                _at++;
        }
        if (_at >= _text.Length)
        {
            Warn($"no closing regexp delimiter \"{delimiter}\": {(syntax == ExpressionSyntax.Perl ? "ignoring" : "skipping")} this rule");
            return null;
        }
        string pattern = _text[start.._at++];
        int flags = _at;
        while (_at < _text.Length && !LogicalLines.IsBlank(_text[_at]) && !(syntax == ExpressionSyntax.Posix && _text[_at] == '!'))
            _at++;
        string letters = _text[flags.._at];
        int unknown = letters.AsSpan().IndexOfAnyExcept(syntax == ExpressionSyntax.Perl ? "imsxAEUX" : "imx");
        if (unknown >= 0)
        {
            Warn($"unknown regexp option \"{letters[unknown]}\"" + Skipping);
            return null;
        }
        return new PatternText(pattern, letters, negated);
    }

    private Expression? Compile(PatternText pattern, out int groups)
    {
        // Every flag switches to the other side, each time it stands there.
        bool Has(char flag) => pattern.Flags.Count(c => c == flag) % 2 == 1;
        groups = 0;
        TranslatedPattern translated;
        RegexOptions options = RegexOptions.CultureInvariant | (Has('i') ? 0 : RegexOptions.IgnoreCase);
        if (pattern.Text.Length > MaximumPattern)
            translated = TranslatedPattern.Wrong("Regular expression too big");
        else if (syntax == ExpressionSyntax.Posix)
            translated = PosixSyntax.Translate(pattern.Text, extended: !Has('x'), newlines: Has('m'));
        else
        {
            if (Has('X'))
                Warn("ignoring obsolete regexp option \"X\"");
            options |= (Has('m') ? RegexOptions.Multiline : 0) | (Has('s') ? 0 : RegexOptions.Singleline);
            translated = PerlSyntax.Translate(pattern.Text,
                (Has('x') ? PerlOptions.Extended : 0) | (Has('A') ? PerlOptions.Anchored : 0) | (Has('E') && !Has('m') ? PerlOptions.DollarAtEnd : 0) | (Has('U') ? PerlOptions.Ungreedy : 0));
        }
        if (translated.Problem is { } problem)
        {
            if (translated.IsUnsupported)
                Unsupported = problem;
            else
                Warn(problem);
            return null;
        }
        groups = translated.Groups;
        try
        {
            return new Expression(translated.Text, options, pattern.Negated, engines);
        }
        catch (ArgumentException e)
        {
            Unsupported = $"the pattern \"{pattern.Text}\" cannot be used here: {e.Message}";
            return null;
        }
    }

    private void Warn(string text) => note(new MapNote(line.Line, text));
}
