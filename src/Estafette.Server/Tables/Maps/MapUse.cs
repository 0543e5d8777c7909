namespace Estafette.Tables;

/// <summary>How a list of maps is asked.</summary>
[Flags]
public enum MapUse : byte
{
    /// <summary>With a whole key: an address, a name, a line. Every type of table is asked.</summary>
    Whole = 0,

    /// <summary>With a part of one (<c>user</c>, <c>@domain</c>, a parent domain): tables of patterns and networks are left out.</summary>
    Partial = 1,

    /// <summary>Rules whose result takes text from the key (<c>$1</c>) are left out: what a stranger sends must not name a file or a command (local(8), virtual(8), transport(5)).</summary>
    NoSubstitution = 2,

    /// <summary>The key is not folded.</summary>
    KeepCase = 4,

    /// <summary>The key is octets, one a character, and so is the answer of regexp and pcre tables: for lines of a message, whose charset is nobody's business.</summary>
    Octets = 8,
}
