using Estafette.Mail;

namespace Estafette.Tables;

/// <summary>One target on the right side of an alias or a line of a forward file.</summary>
public abstract record AliasTarget
{
    private AliasTarget() { }

    /// <summary>A name without a domain; <paramref name="Direct"/> where a backslash stands before it.</summary>
    public sealed record User(string Name, bool Direct) : AliasTarget;

    public sealed record Address(MailAddress Value) : AliasTarget;

    /// <summary><c>|command</c>; the text goes to a shell of the user, nothing of the message ever does (E11).</summary>
    public sealed record Command(string CommandLine) : AliasTarget;

    public sealed record File(string Path) : AliasTarget;

    /// <summary><c>:include:/path</c></summary>
    public sealed record Include(string Path) : AliasTarget;

    /// <summary><c>error:550 5.7.1 text</c>: the recipient is refused with this reply.</summary>
    public sealed record Error(int Code, EnhancedStatus Status, string Text) : AliasTarget;
}
