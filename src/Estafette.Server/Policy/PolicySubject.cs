using System.Net;

namespace Estafette.Policy;

/// <summary>What a filter may look at: everything the session knows at that moment; null for what is not known yet.</summary>
public sealed record PolicySubject
{
    /// <summary>Null for local submission.</summary>
    public IPAddress? Address { get; init; }

    /// <summary>The reverse name, verified or not; null when there is none.</summary>
    public string? ReverseName { get; init; }

    /// <summary>The reverse name leads back to the address.</summary>
    public bool ReverseNameVerified { get; init; }
    public string? Helo { get; init; }
    public string? Login { get; init; }

    /// <summary>Without brackets; empty for the null reverse-path.</summary>
    public string? ReversePath { get; init; }
    public string? Recipient { get; init; }
}
