using System.Collections.Immutable;
using System.Net;

namespace Estafette.Config.Model;

public enum AddressFamilies : byte { Both, Version4, Version6 }

/// <summary>How smtp(8) and lmtp(8) go about a delivery, beyond where it goes and how it is protected. Each member names its parameter of postconf(5), for SMTP, and begins with its default.</summary>
public sealed record RelayHabits
{
    public static RelayHabits Default { get; } = new();

    /// <summary><c>inet_protocols</c>.</summary>
    public AddressFamilies Families { get; init; }

    /// <summary><c>smtp_address_preference</c>: which family is tried first where a host has both.</summary>
    public AddressFamilies Preferred { get; init; }

    /// <summary><c>smtp_bind_address</c>.</summary>
    public IPAddress? Source4 { get; init; }

    /// <summary><c>smtp_bind_address6</c>.</summary>
    public IPAddress? Source6 { get; init; }

    /// <summary><c>smtp_mx_address_limit</c>: addresses tried for one message; 0 for the program's own limit.</summary>
    public int Addresses { get; init; } = 5;

    /// <summary><c>smtp_skip_5xx_greeting</c>: a refusing greeting is no verdict on the mail.</summary>
    public bool SkipsRefusedGreeting { get; init; } = true;

    /// <summary><c>smtp_discard_ehlo_keywords</c>, in capitals.</summary>
    public ImmutableHashSet<string> IgnoredKeywords { get; init; } = [];

    /// <summary><c>smtp_generic_maps</c>.</summary>
    public ImmutableArray<string> Generic { get; init; } = [];

    /// <summary><c>NAME_destination_concurrency_limit</c>.</summary>
    public int Connections { get; init; } = 20;

    /// <summary><c>NAME_destination_recipient_limit</c>; 0 for no limit.</summary>
    public int Recipients { get; init; } = 50;

    /// <summary><c>NAME_destination_rate_delay</c>: the least time between two messages to one next hop, over one connection at a time.</summary>
    public TimeSpan RateDelay { get; init; }

    /// <summary>What the peer must say or take in time; null leaves the program's own limits.</summary>
    public RelayPatience? Patience { get; init; }
}

/// <summary><c>smtp_connect_timeout</c> and those after it.</summary>
public sealed record RelayPatience
{
    public required TimeSpan Connect { get; init; }

    /// <summary><c>smtp_helo_timeout</c>, for the greeting, too.</summary>
    public required TimeSpan Hello { get; init; }
    public required TimeSpan StartTls { get; init; }
    public required TimeSpan Mail { get; init; }
    public required TimeSpan Recipient { get; init; }
    public required TimeSpan DataInitiation { get; init; }
    public required TimeSpan DataBlock { get; init; }
    public required TimeSpan DataTermination { get; init; }
    public required TimeSpan Quit { get; init; }
}
