using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

internal enum TokenKind
{
    /// <summary>Bare text: a keyword or a value.</summary>
    Word,

    /// <summary>Text in quotes: never a keyword.</summary>
    Quoted,

    /// <summary><c>$name</c>; the text is the name.</summary>
    Macro,

    /// <summary>One of <c>{ } &lt; &gt; ! = , ( )</c>; <c>=&gt;</c> counts as <c>=</c>.</summary>
    Mark,
    EndOfLine,
    EndOfFile,

    /// <summary>Not readable; the lexer has told why.</summary>
    Bad,
}

internal readonly record struct Token(TokenKind Kind, string Text, SourceSpan At)
{
    public bool IsMark(char mark) => Kind == TokenKind.Mark && Text[0] == mark;

    public bool IsText => Kind is TokenKind.Word or TokenKind.Quoted;

    /// <summary>As a message names it.</summary>
    public string Shown => Kind switch
    {
        TokenKind.EndOfLine or TokenKind.EndOfFile => "the end of the line",
        TokenKind.Macro => "`$" + Text + "`",
        _ => "`" + Text + "`",
    };
}
