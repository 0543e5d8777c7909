using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>
/// Cuts tokens into statements, replaces macros, follows <c>include</c>. An error ends its statement only: reading goes on behind the line
/// end, so that all errors are told together. Limits: <see cref="MaximumDepth"/> nested and <see cref="MaximumFiles"/> files in all.
/// </summary>
internal sealed class Parser(SourceReader reader, Findings findings)
{
    public const int MaximumDepth = 16;
    public const int MaximumFiles = 256;

    /// <summary>Tokens that macros may add in all; a macro of many words used many times must not grow without a limit.</summary>
    public const int MaximumExpansion = 100_000;

    private readonly Dictionary<string, MacroValue> _macros = new(StringComparer.Ordinal);
    private readonly List<Statement> _statements = [];
    private readonly Stack<string> _open = new();
    private int _files;
    private int _expanded;

    private sealed class MacroValue(ImmutableArray<Token> tokens, SourceSpan at)
    {
        public ImmutableArray<Token> Tokens => tokens;
        public SourceSpan At => at;
        public bool Used { get; set; }
    }

    /// <summary>All statements of the file and of those it includes, in order. Null when the first file cannot be read.</summary>
    public ImmutableArray<Statement>? Parse(string path)
    {
        SourceText? source = reader.Read(path, SourceSpan.None);
        if (source is null)
            return null;
        ParseFile(source);
        foreach ((string name, MacroValue macro) in _macros)
        {
            if (!macro.Used)
                findings.Warning(macro.At, "the macro `" + name + "` is not used", "use it as `$" + name + "`, or remove the line");
        }
        return [.. _statements];
    }

    private void ParseFile(SourceText source)
    {
        _open.Push(source.Path);
        _files++;
        var tokens = new TokenCursor(new Lexer(source, findings), Expand);
        while (tokens.Current.Kind != TokenKind.EndOfFile && !findings.IsFull)
        {
            if (tokens.Current.Kind == TokenKind.EndOfLine)
                tokens.Advance();
            else
                ParseStatement(tokens);
        }
        _open.Pop();
    }

    private void ParseStatement(TokenCursor tokens)
    {
        Token first = tokens.Current;
        if (!first.IsText)
        {
            if (first.Kind != TokenKind.Bad)
                findings.Error(first.At, "a line cannot begin with " + first.Shown, "begin it with a statement such as `listen`, `table`, `action` or `match`");
            tokens.SkipLine();
            return;
        }
        tokens.Advance();
        if (tokens.Current.IsMark('='))
        {
            ParseMacro(first, tokens);
            return;
        }
        var items = ImmutableArray.CreateBuilder<Item>();
        bool broken = false;
        while (tokens.Current.Kind is not (TokenKind.EndOfLine or TokenKind.EndOfFile))
        {
            Item? item = ParseItem(tokens);
            if (item is null)
            {
                broken = true;
                if (!Vocabulary.BeginsStatement(tokens.Current))
                    tokens.SkipLine();
                break;
            }
            items.Add(item);
        }
        SourceSpan last = items.Count > 0 ? items[^1].At : first.At;
        SourceSpan end = items.Count > 0 && items[^1] is Item.List ? tokens.LastEnd : last with { Column = last.Column + last.Length, Length = 1 };
        var keyword = new Item.Text(first.Text, first.Kind == TokenKind.Quoted, first.At);
        if (!broken && first.Kind == TokenKind.Word && first.Text == "include")
            Include(items, end);
        else
            _statements.Add(new Statement(keyword, items.ToImmutable(), end, broken));
    }

    private Item? ParseItem(TokenCursor tokens)
    {
        Token token = tokens.Current;
        tokens.Advance();
        switch (token.Kind)
        {
            case TokenKind.Word or TokenKind.Quoted:
                return new Item.Text(token.Text, token.Kind == TokenKind.Quoted, token.At);
            case TokenKind.Bad:
                return null;
            default:
                return token.Text[0] switch
                {
                    '<' => ParseTableName(token, tokens),
                    '{' => new ListParser(tokens, findings).Parse(token),
                    '}' => Unmatched(token),
                    _ => new Item.Mark(token.Text[0], token.At),
                };
        }
    }

    private Item.TableName? ParseTableName(Token opening, TokenCursor tokens)
    {
        Token name = tokens.Current;
        if (!name.IsText)
        {
            findings.Error(opening.At, "a table's name is missing behind `<`", "write `<name>`");
            return null;
        }
        tokens.Advance();
        if (!tokens.Current.IsMark('>'))
        {
            findings.Error(opening.At with { Length = Math.Max(1, name.At.Column + name.At.Length - opening.At.Column) }, "`>` is missing behind the table's name",
                "write `<" + name.Text + ">`");
            return null;
        }
        SourceSpan at = opening.At with { Length = Math.Max(1, tokens.Current.At.Column + 1 - opening.At.Column) };
        tokens.Advance();
        return new Item.TableName(name.Text, at);
    }

    private Item? Unmatched(Token token)
    {
        findings.Error(token.At, "`}` without `{`", "remove it, or open the list with `{`");
        return null;
    }

    private void ParseMacro(Token name, TokenCursor tokens)
    {
        tokens.Advance();
        Token value = tokens.Current;
        if (!value.IsText)
        {
            findings.Error(value.At, "the value of the macro `" + name.Text + "` is missing", "write `" + name.Text + " = \"value\"`");
            tokens.SkipLine();
            return;
        }
        tokens.Advance();
        if (tokens.Current.Kind is not (TokenKind.EndOfLine or TokenKind.EndOfFile))
        {
            if (tokens.Current.Kind != TokenKind.Bad)
            {
                findings.Error(tokens.Current.At, "a macro has one value, and " + tokens.Current.Shown + " is more",
                    "put the whole value into quotes: `" + name.Text + " = \"...\"`");
            }
            tokens.SkipLine();
            return;
        }
        if (name.Text.Any(c => !char.IsAsciiLetterOrDigit(c) && c != '_'))
        {
            findings.Error(name.At, "`" + name.Text + "` cannot name a macro", "use letters, digits and `_` only: `$` ends at anything else");
            return;
        }
        _macros[name.Text] = new MacroValue(Relex(value), name.At);
    }

    /// <summary>A macro's value is text: it may hold several words, a list or a table name. Macros in it are not replaced again.</summary>
    private ImmutableArray<Token> Relex(Token value)
    {
        var told = new Findings();
        var lexer = new Lexer(new SourceText("", value.Text), told);
        var tokens = ImmutableArray.CreateBuilder<Token>();
        for (Token token = lexer.Next(); token.Kind != TokenKind.EndOfFile; token = lexer.Next())
        {
            if (token.Kind == TokenKind.Bad)
            {
                findings.Error(value.At, "the macro's value cannot be read: " + told.InOrder([])[0].Message);
                return [];
            }
            if (token.Kind != TokenKind.EndOfLine)
                tokens.Add(token.Kind == TokenKind.Macro ? token with { Kind = TokenKind.Word, Text = "$" + token.Text } : token);
        }
        return tokens.ToImmutable();
    }

    /// <summary>The macro's tokens, placed where it is used; null, with an error told, when there is none of that name.</summary>
    private ImmutableArray<Token>? Expand(Token use)
    {
        if (_macros.TryGetValue(use.Text, out MacroValue? macro))
        {
            macro.Used = true;
            _expanded += macro.Tokens.Length;
            if (_expanded > MaximumExpansion)
            {
                findings.Error(use.At, "macros grow to more than 100000 words here", "put long lists into a table file");
                return null;
            }
            return [.. macro.Tokens.Select(token => token with { At = use.At })];
        }
        string? meant = Spelling.Closest(use.Text, _macros.Keys);
        findings.Error(use.At, "the macro `" + use.Text + "` is not defined here",
            meant is null ? "define it on a line above: `" + use.Text + " = \"value\"`" : "did you mean `$" + meant + "`?");
        return null;
    }

    private void Include(ImmutableArray<Item>.Builder items, SourceSpan end)
    {
        if (items.Count == 0 || items[0] is not Item.Text { Value.Length: > 0 } path)
        {
            findings.Error(items.Count == 0 ? end : items[0].At, "the file to include is missing", "write `include \"/path/to/file\"`");
            return;
        }
        if (items.Count > 1)
        {
            findings.Error(items[1].At, "one file is included at a time, and " + items[1].Shown + " is more", "write one `include` line for each file");
            return;
        }
        if (_open.Contains(path.Value))
        {
            findings.Error(path.At, "`" + path.Value + "` includes itself: " + string.Join(" -> ", _open.Reverse()), "remove this line");
            return;
        }
        if (_open.Count >= MaximumDepth || _files >= MaximumFiles)
        {
            findings.Error(path.At, "too many included files", "at most 16 deep, 256 in all");
            return;
        }
        SourceText? source = reader.Read(path.Value, path.At);
        if (source is not null)
            ParseFile(source);
    }
}
