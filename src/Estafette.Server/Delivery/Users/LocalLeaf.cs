using System.Collections.Immutable;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Delivery.Users;

/// <summary>Where one branch of an expansion stands: what local(8) carries along from an address to what it becomes.</summary>
internal sealed record ExpansionPoint(MailAddress Address)
{
    public int Level { get; init; }

    /// <summary>What the address was written in.</summary>
    public Config.Model.ExpansionSource Source { get; init; }

    /// <summary>The alias that was expanded last; one that names itself means the user.</summary>
    public string? Alias { get; init; }

    /// <summary>The user whose forward file, or the owner of the list, that leads here; others get a message of their own then.</summary>
    public string? Owner { get; init; }
    public required MailAddress Sender { get; init; }

    /// <summary>The sender is a list's owner now.</summary>
    public bool IsList { get; init; }

    /// <summary>What Delivered-To will say.</summary>
    public required MailAddress Delivered { get; init; }

    /// <summary>An extension, with its delimiter, that goes on to what the address becomes.</summary>
    public string Unmatched { get; init; } = "";

    /// <summary>The question whose answer was the forward file; null outside of one.</summary>
    public LocalEnvelope? Forward { get; init; }

    /// <summary>A backslash stood before the name.</summary>
    public bool IsDirect { get; init; }
}

/// <summary>One delivery that a recipient becomes.</summary>
internal abstract record LocalLeaf(ExpansionPoint At)
{
    /// <summary>The same delivery has the same key at a later attempt.</summary>
    public abstract string Key { get; }

    /// <summary>The mailbox of the user, as the action says.</summary>
    public sealed record Mailbox(ExpansionPoint At, LocalEnvelope Envelope) : LocalLeaf(At)
    {
        public override string Key => "mailbox " + Envelope.User;
    }

    /// <summary>A command or file of an alias, a forward file, or a table of mailbox commands.</summary>
    public sealed record Target(ExpansionPoint At, LocalEnvelope Envelope, ListedTarget What) : LocalLeaf(At)
    {
        public override string Key => $"{What.Kind} {Envelope.User} {What.Text}";
    }

    /// <summary>Goes on as a new message.</summary>
    public sealed record Onward(ExpansionPoint At) : LocalLeaf(At)
    {
        public override string Key => "onward " + At.Address;
    }

    /// <summary>Another transport takes it: <c>mailbox_transport</c>, <c>fallback_transport</c>.</summary>
    public sealed record Passed(ExpansionPoint At, string Transport, string NextHop) : LocalLeaf(At)
    {
        public override string Key => $"passed {Transport}:{NextHop} {At.Address}";
    }

    /// <summary>Decided without a delivery.</summary>
    public sealed record Decided(ExpansionPoint At, DeliveryOutcome Outcome) : LocalLeaf(At)
    {
        public override string Key => "decided " + At.Address + Outcome.Text;
    }
}
