namespace Estafette.Mail;

/// <summary>What a token of an address list is. Operators carry their character.</summary>
internal enum HeaderTokenKind : byte { Operator, Atom, Quoted, Literal, Comment, Address, GroupStart, Edge }

/// <summary>
/// One token of an address list, in a chain; an address has the chain of its own tokens below it. Text is one character an octet, so that no octet changes.
/// </summary>
internal sealed class HeaderToken(HeaderTokenKind kind, string text = "", char symbol = '\0')
{
    public HeaderTokenKind Kind { get; set; } = kind;
    public string Text { get; } = text;

    /// <summary>The character of an operator.</summary>
    public char Symbol { get; } = symbol;

    /// <summary>First token below an address.</summary>
    public HeaderToken? Inner { get; set; }
    public HeaderToken? Previous { get; private set; }
    public HeaderToken? Next { get; private set; }

    public bool Is(char symbol) => Kind == HeaderTokenKind.Operator && Symbol == symbol;

    public bool IsWord => Kind is HeaderTokenKind.Atom or HeaderTokenKind.Quoted or HeaderTokenKind.Literal;

    public static void Join(HeaderToken? left, HeaderToken? right)
    {
        if (left is not null)
            left.Next = right;
        if (right is not null)
            right.Previous = left;
    }

    /// <summary>Takes this token out of its chain.</summary>
    public void Leave()
    {
        Join(Previous, Next);
        Previous = Next = null;
    }
}
