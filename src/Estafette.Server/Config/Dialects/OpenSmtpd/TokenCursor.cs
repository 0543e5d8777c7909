using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>Walks over tokens with one token of look-ahead and puts the tokens of a macro in its place.</summary>
internal sealed class TokenCursor
{
    private readonly Lexer _lexer;
    private readonly Func<Token, ImmutableArray<Token>?> _expand;
    private ImmutableArray<Token> _pending = [];
    private int _next;

    public TokenCursor(Lexer lexer, Func<Token, ImmutableArray<Token>?> expand)
    {
        _lexer = lexer;
        _expand = expand;
        Advance();
        LastEnd = Current.At;
    }

    public Token Current { get; private set; }

    /// <summary>The place right behind the token that was passed last.</summary>
    public SourceSpan LastEnd { get; private set; }

    public void Advance()
    {
        LastEnd = Current.At with { Column = Current.At.Column + Current.At.Length, Length = 1 };
        while (true)
        {
            if (_next < _pending.Length)
            {
                Current = _pending[_next++];
                return;
            }
            Current = _lexer.Next();
            if (Current.Kind != TokenKind.Macro)
                return;
            if (_expand(Current) is not { } tokens)
            {
                Current = Current with { Kind = TokenKind.Bad };
                return;
            }
            _pending = tokens;
            _next = 0;
        }
    }

    /// <summary>Moves to the end of this line, which is where reading goes on after an error.</summary>
    public void SkipLine()
    {
        _next = _pending.Length;
        while (Current.Kind is not (TokenKind.EndOfLine or TokenKind.EndOfFile))
            Advance();
    }
}
