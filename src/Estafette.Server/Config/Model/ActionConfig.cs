using System.Collections.Immutable;

namespace Estafette.Config.Model;

/// <summary>What a rule does with a recipient.</summary>
public abstract record ActionConfig
{
    private ActionConfig() { }

    public required string Name { get; init; }
    public required SourceSpan At { get; init; }

    /// <summary>Overrides <see cref="RetryConfig.Lifetime"/>.</summary>
    public TimeSpan? Lifetime { get; init; }

    /// <summary>Final delivery on this machine, after alias or virtual expansion.</summary>
    public sealed record Local : ActionConfig
    {
        public required LocalMethod Method { get; init; }

        /// <summary>Alias table; null when none.</summary>
        public string? AliasTable { get; init; }

        /// <summary>Table of virtual users: lookup order user@domain, user, @domain, @.</summary>
        public string? VirtualTable { get; init; }

        /// <summary>Table of users (uid, gid, home) instead of the system's; null means the system's.</summary>
        public string? UserTable { get; init; }

        /// <summary>Deliver as this user whoever the recipient is; null means as the recipient.</summary>
        public string? RunAs { get; init; }

        /// <summary>Reads the user's forward file. Off where the user has no home of its own.</summary>
        public bool ForwardFiles { get; init; } = true;
    }

    /// <summary>Handing on over SMTP, by MX or through fixed hosts.</summary>
    public sealed record Relay : ActionConfig
    {
        /// <summary>Fixed next hops in order; empty means MX of the recipient's domain.</summary>
        public ImmutableArray<RelayHost> Hosts { get; init; } = [];

        /// <summary>Table from domain to relay host; null when none.</summary>
        public string? DomainTable { get; init; }

        /// <summary>Only to exchangers better than this name (a backup MX); null when not a backup.</summary>
        public string? BackupMx { get; init; }

        /// <summary>Name in EHLO; null means the server's.</summary>
        public string? Helo { get; init; }

        /// <summary>Table from own source address to EHLO name.</summary>
        public string? HeloTable { get; init; }

        /// <summary>Own addresses to connect from, a table; null lets the system choose.</summary>
        public string? SourceTable { get; init; }

        /// <summary>Logins for the next hops; null means none.</summary>
        public RelayCredentials? Credentials { get; init; }

        /// <summary>Replaces the reverse-path: a whole address, or <c>@domain</c> to keep the local part; the null sender stays null.</summary>
        public string? MailFrom { get; init; }

        /// <summary>What TLS must be like, where neither <see cref="TlsTable"/> nor the host's URL says more.</summary>
        public TlsPolicy Tls { get; init; } = TlsPolicy.Welcome;

        /// <summary>Table from next hop to TLS policy, keys and values as in Postfix's <c>smtp_tls_policy_maps</c>; null when none.</summary>
        public string? TlsTable { get; init; }
        public bool Srs { get; init; }
    }

    /// <summary>Takes the message and drops it.</summary>
    public sealed record Discard : ActionConfig;

    /// <summary>Delivery to users of this machine as local(8) does it: aliases, forward files and the mailbox are looked up at the attempt, never before.</summary>
    public sealed record LocalUsers : ActionConfig
    {
        /// <summary><c>alias_maps</c>.</summary>
        public ImmutableArray<string> Aliases { get; init; } = [];
    }

    /// <summary>Delivery into mailboxes that belong to no user of this machine, as virtual(8) does it.</summary>
    public sealed record VirtualMailboxes : ActionConfig
    {
        /// <summary><c>virtual_mailbox_maps</c>.</summary>
        public ImmutableArray<string> Mailboxes { get; init; } = [];
    }

    /// <summary>A command that takes the message (pipe(8)): arguments with macros, no shell.</summary>
    public sealed record Pipe : ActionConfig
    {
        /// <summary>The command's words; <c>${recipient}</c> and others are filled in at the attempt.</summary>
        public required ImmutableArray<string> Arguments { get; init; }
    }

    /// <summary>Fails every recipient, for good (error(8)) or for now (retry), with the next hop as the reason.</summary>
    public sealed record Refuse(bool ForGood) : ActionConfig;
}

public enum RelayProtocol : byte { Smtp, Smtps, Lmtp }

/// <summary>One fixed next hop, from a URL such as <c>smtp+tls://label@host:port</c> or a path for LMTP.</summary>
public sealed record RelayHost
{
    public required string Host { get; init; }

    /// <summary>0 means the protocol's default.</summary>
    public int Port { get; init; }
    public RelayProtocol Protocol { get; init; }

    /// <summary>
    /// What the URL says of TLS; null leaves it to the action. Where the action demands TLS too, its level says how the certificate is looked at.
    /// </summary>
    public TlsLevel? Tls { get; init; }

    /// <summary>Key into a credentials table that goes by label; null means no login there.</summary>
    public string? AuthLabel { get; init; }

    /// <summary>Look up the host's address only (the usual meaning of a fixed host), not its MX.</summary>
    public bool NoMx { get; init; } = true;
}

/// <summary>How a message reaches a mailbox. Paths and command lines may hold <c>%{...}</c> formats, expanded by the privileged side.</summary>
public abstract record LocalMethod
{
    private LocalMethod() { }

    /// <summary>The system's mail spool, <c>/var/mail/USER</c>, unless a path is given.</summary>
    public sealed record Mbox(string? Path = null) : LocalMethod;

    /// <summary>Default path <c>~/Maildir</c>.</summary>
    public sealed record Maildir(string? Path = null, bool JunkFolder = false) : LocalMethod;

    /// <summary>A command as the user (<c>mda</c>).</summary>
    public sealed record Command(string CommandLine) : LocalMethod;

    /// <summary>An LMTP service: <c>host:port</c> or a socket's path.</summary>
    public sealed record Lmtp(string Destination, bool RecipientAddress) : LocalMethod;

    /// <summary>Only what forward files say; without one the recipient is refused (<c>forward-only</c>).</summary>
    public sealed record ForwardOnly : LocalMethod;

    /// <summary>Only what alias or virtual tables say (<c>expand-only</c>).</summary>
    public sealed record ExpandOnly : LocalMethod;
}
