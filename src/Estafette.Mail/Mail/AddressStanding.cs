namespace Estafette.Mail;

/// <summary>Whose an address is, where maps route (Postfix's ADDRESS_CLASS_README).</summary>
public enum AddressClass : byte
{
    /// <summary>None of the others: some other server's.</summary>
    Default,
    Local,
    VirtualAlias,
    VirtualMailbox,
    Relay,
}

public enum AddressExistence : byte
{
    /// <summary>Listed, or nobody keeps a list.</summary>
    Known,
    Unknown,

    /// <summary>A table that should say so could not be read: never the same as unknown (E44).</summary>
    Unavailable,
}

/// <summary>What is known of one address after rewriting: its class, where it would go, and whether it exists.</summary>
public sealed record AddressStanding(MailAddress Address, AddressClass Class, AddressExistence Existence)
{
    /// <summary>The name of the action that would take it.</summary>
    public string Transport { get; init; } = "";
    public string NextHop { get; init; } = "";

    /// <summary>Why it is unknown or unavailable, in the words of the refusal: <c>User unknown in local recipient table</c>.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Code and status of the refusal where a map gives them (an <c>error:</c> transport, a relocated user); none leaves them to the asker.</summary>
    public EnhancedStatus Status { get; init; }

    /// <summary>Resolved through a route that the sender wrote into the address (<c>a%b@here</c>, <c>b!a@here</c>), which strangers may not use (<c>allow_untrusted_routing</c>).</summary>
    public bool IsRouted { get; init; }

    /// <summary>No mail can ever have this address: 501 (a domain that is none, <c>a@</c>).</summary>
    public bool IsMalformed { get; init; }
}
