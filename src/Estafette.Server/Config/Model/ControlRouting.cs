using System.Collections.Immutable;

namespace Estafette.Config.Model;

/// <summary>
/// How mail is routed where control files say it (qmail-send(8)): a recipient is local, of a virtual domain or remote, decided anew at every attempt. Each member names its file of qmail-control(5).
/// </summary>
public sealed record ControlRouting
{
    /// <summary><c>envnoathost</c>: for recipients without a domain.</summary>
    public required string EnvelopeHost { get; init; }

    /// <summary><c>locals</c>, in small letters.</summary>
    public ImmutableHashSet<string> Locals { get; init; } = ImmutableHashSet.Create<string>(StringComparer.Ordinal);

    /// <summary>
    /// <c>virtualdomains</c>: an address, a domain, <c>.domain</c> for all below it, or empty for all mail, to what is put before the local part; an empty value makes an exception.
    /// </summary>
    public ImmutableDictionary<string, string> VirtualDomains { get; init; } = ImmutableDictionary.Create<string, string>(StringComparer.Ordinal);

    /// <summary><c>percenthack</c>: domains in which <c>user%domain@</c> means <c>user@domain</c>.</summary>
    public ImmutableHashSet<string> PercentHack { get; init; } = ImmutableHashSet.Create<string>(StringComparer.Ordinal);

    /// <summary><c>smtproutes</c>: a domain, <c>.domain</c>, or empty for all mail, to <c>host</c> or <c>[address]</c> with <c>:port</c>; empty means by MX.</summary>
    public ImmutableDictionary<string, string> Routes { get; init; } = ImmutableDictionary.Create<string, string>(StringComparer.Ordinal);

    /// <summary><c>bouncefrom</c> at <c>bouncehost</c>: who notifications are from.</summary>
    public required string BounceFrom { get; init; }

    /// <summary><c>doublebounceto</c> at <c>doublebouncehost</c>; empty throws double bounces away.</summary>
    public required string DoubleBounceTo { get; init; }

    /// <summary>Notifications in qmail's own form instead of RFC 3464.</summary>
    public bool Qsbmf { get; init; }

    /// <summary>The action for mailboxes of this machine, and the one for everybody else.</summary>
    public const string LocalAction = "local", RemoteAction = "remote";
}

/// <summary>How qmail-smtpd(8) under tcpserver(1) treats its clients. The files are read anew when they change, as the original reads them for each client.</summary>
public sealed record QmailSmtpdConfig
{
    /// <summary><c>smtpgreeting</c>.</summary>
    public required string Greeting { get; init; }

    /// <summary>Table of <c>rcpthosts</c>: a domain, or <c>.domain</c> for all below it.</summary>
    public required string RcptHostsTable { get; init; }

    /// <summary>Table of <c>morercpthosts.cdb</c>, or its text; null when there is none.</summary>
    public string? MoreRcptHostsTable { get; init; }

    /// <summary>Table of <c>badmailfrom</c>: an address, or <c>@domain</c>; null when there is none.</summary>
    public string? BadMailFromTable { get; init; }

    /// <summary><c>localiphost</c>: takes the place of our own address literals in recipients.</summary>
    public required string LiteralHost { get; init; }

    /// <summary><c>databytes</c>: octets of a message; 0 for no limit of its own.</summary>
    public long DataBytes { get; init; }

    /// <summary>Table of the rules of <c>tcp.smtp</c> (<see cref="ClientRule"/>); null lets everybody in without an environment.</summary>
    public string? RulesTable { get; init; }

    /// <summary><c>tcpserver -H</c>: no rule goes by a client's name.</summary>
    public bool NoHostNames { get; init; }
}
