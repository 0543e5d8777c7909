using Estafette.Mail;

namespace Estafette.Routing.Maps;

/// <summary>Why an address leads nowhere.</summary>
public enum ResolutionProblem : byte
{
    None,

    /// <summary>It is no address that mail could go to: a broken domain, a user that a program would take for an option.</summary>
    Malformed,

    /// <summary>A table could not be read: try again (E44).</summary>
    Unavailable,
}

/// <summary>Where an address leads: what trivial-rewrite(8) answers to a delivery request.</summary>
public readonly record struct Resolution
{
    /// <summary>The address without routes through domains of one's own.</summary>
    public required MailAddress Address { get; init; }
    public AddressClass Class { get; init; }

    /// <summary>The transport: an action's name.</summary>
    public string Action { get; init; }

    /// <summary>As the transport reads it: a domain, <c>[host]:port</c>, a socket, a reason. Never empty without a problem.</summary>
    public string NextHop { get; init; }

    /// <summary>The user part holds a route (<c>a%b@c</c>): whoever relays it makes another relay it further (E27).</summary>
    public bool IsRouted { get; init; }
    public ResolutionProblem Problem { get; init; }

    /// <summary>The problem in words, for the log.</summary>
    public string Reason { get; init; }

    /// <summary>What decided, for explain: <c>transport_maps</c>, <c>relayhost</c>...</summary>
    public string DecidedBy { get; init; }
}
