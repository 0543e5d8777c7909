using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Routing;

/// <summary>
/// One step of an expansion: a target, where it came from and the rule it goes by. The chain of parents tells which address a mailbox is
/// delivered for, and whose file named a command.
/// </summary>
internal sealed class ExpansionNode(AliasTarget target, ExpansionNode? parent)
{
    public AliasTarget Target => target;
    public ExpansionNode? Parent => parent;
    public int Depth { get; } = parent is null ? 0 : parent.Depth + 1;

    /// <summary>The rule and action this node is expanded with; an address finds its own.</summary>
    public RuleConfig? Rule { get; set; } = parent?.Rule;
    public ActionConfig.Local? Action { get; set; } = parent?.Action;

    /// <summary>A user's name; without the sub-address once the user is looked up.</summary>
    public string Name { get; set; } = (target as AliasTarget.User)?.Name ?? "";

    /// <summary>The same user one step up, or two with the user's address between: its own alias or forward file names it, and it ends at its mailbox.</summary>
    public ExpansionNode? SameUser { get; } = target is AliasTarget.User user ? FindSameUser(user.Name, parent) : null;

    /// <summary>An address that is being expanded already: following it would never end.</summary>
    public bool IsLoop
    {
        get
        {
            for (ExpansionNode? node = parent; node is not null && target is AliasTarget.Address; node = node.Parent)
            {
                if (target.Equals(node.Target))
                    return true;
            }
            return false;
        }
    }

    /// <summary>The user was found, here.</summary>
    public UserRecord? User { get; set; }
    public string Detail { get; set; } = "";

    /// <summary>The user's forward file was asked for.</summary>
    public bool HasForwarded { get; set; }

    /// <summary>Replaces the reverse-path from here on (an <c>owner-</c> alias).</summary>
    public MailAddress? ReversePath { get; set; } = parent?.ReversePath;

    /// <summary>The nearest address, this one included: what the mailbox is delivered for.</summary>
    public MailAddress Address
    {
        get
        {
            for (ExpansionNode? node = this; ; node = node.Parent!)
            {
                if (node.Target is AliasTarget.Address address)
                    return address.Value;
            }
        }
    }

    /// <summary>
    /// What must not be expanded twice. One name may stand for different addresses (they decide where some actions deliver); commands and files
    /// also belong to the user whose file names them.
    /// </summary>
    public object Identity => target switch
    {
        AliasTarget.Address => target,
        AliasTarget.User => (target, SameUser is not null, Address),
        _ => (target, Address, parent?.User?.Name),
    };

    private static ExpansionNode? FindSameUser(string name, ExpansionNode? parent)
    {
        ExpansionNode? above = parent?.Target is AliasTarget.Address ? parent.Parent : parent;
        return above?.Target is AliasTarget.User && above.Name == name ? above : null;
    }
}
