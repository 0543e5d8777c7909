using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>
/// Reads <c>{ a, b }</c> and <c>{ a = b, c = d }</c>; line ends and commas separate. A brace that is never closed is told where it was
/// opened: a line that begins in the first column with a statement's word is taken for the next statement.
/// </summary>
internal sealed class ListParser(TokenCursor tokens, Findings findings)
{
    private readonly ImmutableArray<Row>.Builder _rows = ImmutableArray.CreateBuilder<Row>();

    /// <summary>Null when an error was told.</summary>
    public Item.List? Parse(Token opening)
    {
        bool comma = false;
        while (true)
        {
            Token token = tokens.Current;
            if (token.Kind == TokenKind.EndOfFile || Vocabulary.BeginsStatement(token))
                return Unclosed(opening);
            if (token.IsMark('}'))
                return Close(opening, token);
            if (token.Kind == TokenKind.EndOfLine)
                tokens.Advance();
            else if (token.IsMark(',') && _rows.Count > 0 && !comma)
            {
                comma = true;
                tokens.Advance();
            }
            else if (!token.IsText)
                return Fail(token.At, token.Kind == TokenKind.Bad ? null : token.Shown + " does not belong into a list", "separate values by commas");
            else if (!ParseRow(token))
                return null;
            else
                comma = false;
        }
    }

    private bool ParseRow(Token key)
    {
        tokens.Advance();
        Item.Text? value = null;
        if (tokens.Current.IsMark('='))
        {
            tokens.Advance();
            Token token = tokens.Current;
            if (!token.IsText)
            {
                Fail(token.At, token.Kind == TokenKind.Bad ? null : "the value for `" + key.Text + "` is missing", "write `" + key.Text + " = value`");
                return false;
            }
            value = ToText(token);
            tokens.Advance();
        }
        if (_rows.Count > 0 && (_rows[0].Value is null) != (value is null))
        {
            Fail(key.At, "a list holds either values or `key = value` pairs, not both",
                value is null ? "write `" + key.Text + " = value`" : "make every entry a pair, or none");
            return false;
        }
        _rows.Add(new Row(ToText(key), value));
        return true;
    }

    private Item.List? Close(Token opening, Token closing)
    {
        tokens.Advance();
        SourceSpan at = closing.At.Line == opening.At.Line
            ? opening.At with { Length = Math.Max(1, closing.At.Column + 1 - opening.At.Column) }
            : opening.At;
        if (_rows.Count > 0)
            return new Item.List(_rows.ToImmutable(), at);
        findings.Error(at, "an empty list matches nothing", "put at least one value between the braces");
        return null;
    }

    private Item.List? Unclosed(Token opening)
    {
        findings.Error(opening.At, "this `{` is never closed", "put `}` behind the last value");
        return null;
    }

    /// <summary>Passes the rest of the list, so that its next lines are not taken for statements.</summary>
    private Item.List? Fail(SourceSpan at, string? message, string cure)
    {
        if (message is not null)
            findings.Error(at, message, cure);
        while (tokens.Current.Kind != TokenKind.EndOfFile && !tokens.Current.IsMark('}') && !Vocabulary.BeginsStatement(tokens.Current))
            tokens.Advance();
        return null;
    }

    private static Item.Text ToText(Token token) => new(token.Text, token.Kind == TokenKind.Quoted, token.At);
}
