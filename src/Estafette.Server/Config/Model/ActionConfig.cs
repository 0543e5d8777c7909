using System.Collections.Immutable;

namespace Estafette.Config.Model;

/// <summary>What a rule does with a recipient.</summary>
public abstract record ActionConfig
{
    private ActionConfig() { }

    public required string Name { get; init; }
    public required SourceSpan At { get; init; }

    /// <summary>What its lines in a log of the Postfix style begin with: <c>postfix/relay/smtp</c>; empty for the usual.</summary>
    public string LogTag { get; init; } = "";

    /// <summary>Overrides <see cref="RetryConfig.Lifetime"/>.</summary>
    public TimeSpan? Lifetime { get; init; }

    /// <summary>Its own limits and rests; null where the language has none for single actions.</summary>
    public DeliveryPace? Pace { get; init; }

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
        /// <summary>
        /// The recipient's own next hop (<see cref="Mail.Recipient.NextHop"/>, as transport(5) writes it) says where mail goes, by SMTP or, with <see cref="RelayProtocol.Lmtp"/>, by LMTP;
        /// null where the other members say it.
        /// </summary>
        public RelayProtocol? ByNextHop { get; init; }

        /// <summary>Further next hops for mail that could not be brought to the first (<c>smtp_fallback_relay</c>), as transport(5) writes them; empty for none.</summary>
        public string Fallback { get; init; } = "";

        public RelayHabits Habits { get; init; } = RelayHabits.Default;

        /// <summary>The port where a next hop names none (<c>smtp_tcp_port</c>); 0 for the protocol's own.</summary>
        public int Port { get; init; }

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

        /// <summary>Further tables, asked when the first has no answer.</summary>
        public ImmutableArray<string> MoreTlsTables { get; init; } = [];
        public bool Srs { get; init; }
    }

    /// <summary>Takes the message and drops it.</summary>
    public sealed record Discard : ActionConfig;

    /// <summary>
    /// Delivery to users of this machine as local(8) does it: aliases, forward files and the mailbox are looked up at the attempt, never before. Each member names its parameter of
    /// postconf(5) and begins with its default.
    /// </summary>
    public sealed record LocalUsers : ActionConfig
    {
        /// <summary><c>alias_maps</c>.</summary>
        public ImmutableArray<string> Aliases { get; init; } = [];

        /// <summary><c>default_privs</c>: whom commands and files of aliases run as where the alias file is root's.</summary>
        public string DefaultUser { get; init; } = "nobody";

        /// <summary><c>allow_mail_to_commands</c>.</summary>
        public ExpansionSource CommandsFrom { get; init; } = ExpansionSource.Alias | ExpansionSource.Forward;

        /// <summary><c>allow_mail_to_files</c>.</summary>
        public ExpansionSource FilesFrom { get; init; } = ExpansionSource.Alias | ExpansionSource.Forward;

        /// <summary><c>owner_request_special</c>: <c>owner-list</c> gets the notifications of <c>list</c>.</summary>
        public bool OwnersAreSpecial { get; init; } = true;

        /// <summary><c>expand_owner_alias</c>: the new sender is what <c>owner-list</c> says instead of that name.</summary>
        public bool ExpandsOwner { get; init; }

        /// <summary><c>reset_owner_alias</c>.</summary>
        public bool ResetsOwner { get; init; }

        /// <summary><c>frozen_delivered_to</c>.</summary>
        public bool FrozenDeliveredTo { get; init; } = true;

        /// <summary><c>propagate_unmatched_extensions</c>, as far as it concerns aliases, forward files and included files.</summary>
        public ExpansionSource ExtensionsPropagate { get; init; }

        /// <summary><c>forward_path</c>, with its macros; empty switches forward files off.</summary>
        public string ForwardPath { get; init; } = "$home/.forward${recipient_delimiter}${extension}, $home/.forward";

        /// <summary><c>mailbox_transport_maps</c>.</summary>
        public ImmutableArray<string> MailboxTransports { get; init; } = [];

        /// <summary><c>mailbox_transport</c>: <c>transport:nexthop</c> that takes the place of the mailbox.</summary>
        public string MailboxTransport { get; init; } = "";

        /// <summary><c>fallback_transport_maps</c>.</summary>
        public ImmutableArray<string> FallbackTransports { get; init; } = [];

        /// <summary><c>fallback_transport</c>, for names that are neither alias nor user.</summary>
        public string FallbackTransport { get; init; } = "";

        /// <summary><c>luser_relay</c>, with its macros.</summary>
        public string UnknownUserRelay { get; init; } = "";

        /// <summary><c>mailbox_command_maps</c>.</summary>
        public ImmutableArray<string> MailboxCommands { get; init; } = [];

        /// <summary><c>mailbox_command</c>.</summary>
        public string MailboxCommand { get; init; } = "";

        /// <summary><c>home_mailbox</c>: a path below the home, a Maildir where it ends with a slash; empty for the spool folder.</summary>
        public string HomeMailbox { get; init; } = "";

        /// <summary><c>mail_spool_directory</c>: a folder of mailboxes, of Maildirs where it ends with a slash.</summary>
        public string SpoolFolder { get; init; } = "/var/mail";

        /// <summary><c>mailbox_size_limit</c>; 0 for none.</summary>
        public long MailboxSize { get; init; } = 51_200_000;

        /// <summary><c>command_time_limit</c>.</summary>
        public TimeSpan CommandTime { get; init; } = TimeSpan.FromSeconds(1000);

        /// <summary><c>command_expansion_filter</c>: characters of mail that commands may see in their environment; others become underscores.</summary>
        public string CommandCharacters { get; init; } = PermittedCharacters;

        /// <summary><c>forward_expansion_filter</c>.</summary>
        public string ForwardCharacters { get; init; } = PermittedCharacters;

        /// <summary><c>export_environment</c>: names, or <c>name=value</c>.</summary>
        public ImmutableArray<string> Environment { get; init; } = ["TZ", "MAIL_CONFIG", "LANG"];

        /// <summary><c>prepend_delivered_header</c>.</summary>
        public DeliveredHeader DeliveredHeaders { get; init; } = DeliveredHeader.Command | DeliveredHeader.File | DeliveredHeader.Forward;

        /// <summary><c>require_home_directory</c>.</summary>
        public bool RequiresHome { get; init; }

        /// <summary>The default of both filters.</summary>
        public const string PermittedCharacters = "1234567890!@%-_=+:,./abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    }

    /// <summary>Delivery into mailboxes that belong to no user of this machine, as virtual(8) does it.</summary>
    public sealed record VirtualMailboxes : ActionConfig
    {
        /// <summary><c>virtual_mailbox_maps</c>.</summary>
        public ImmutableArray<string> Mailboxes { get; init; } = [];

        /// <summary><c>virtual_mailbox_base</c>.</summary>
        public string Base { get; init; } = "";

        /// <summary><c>virtual_uid_maps</c>.</summary>
        public ImmutableArray<string> Uids { get; init; } = [];

        /// <summary><c>virtual_gid_maps</c>.</summary>
        public ImmutableArray<string> Gids { get; init; } = [];

        /// <summary><c>virtual_minimum_uid</c>.</summary>
        public uint MinimumUid { get; init; } = 100;

        /// <summary><c>virtual_mailbox_limit</c>; 0 for none.</summary>
        public long MailboxSize { get; init; } = 51_200_000;
    }

    /// <summary>A command that takes the message (pipe(8)): arguments with macros, no shell.</summary>
    public sealed record Pipe : ActionConfig
    {
        /// <summary>The command's words; <c>${recipient}</c> and others are filled in at the attempt.</summary>
        public required ImmutableArray<string> Arguments { get; init; }

        /// <summary><c>user=</c>, never root.</summary>
        public required string User { get; init; }

        /// <summary>The group of <c>user=name:group</c>; empty for the user's own.</summary>
        public string Group { get; init; } = "";
        public PipeFlags Flags { get; init; }

        /// <summary><c>null_sender=</c>: what <c>${sender}</c> is for the null sender.</summary>
        public string NullSender { get; init; } = "MAILER-DAEMON";

        /// <summary><c>eol=</c>.</summary>
        public string LineEnd { get; init; } = "\n";

        /// <summary><c>size=</c>; 0 for no limit.</summary>
        public long Size { get; init; }

        /// <summary><c>directory=</c>; empty for the root folder.</summary>
        public string Folder { get; init; } = "";

        /// <summary><c>transport_time_limit</c>.</summary>
        public TimeSpan Time { get; init; } = TimeSpan.FromSeconds(1000);

        /// <summary><c>export_environment</c>: names, or <c>name=value</c>.</summary>
        public ImmutableArray<string> Environment { get; init; } = ["TZ", "MAIL_CONFIG", "LANG"];

        /// <summary><c>transport_destination_recipient_limit</c>: recipients of one run.</summary>
        public int Recipients { get; init; } = 50;
    }

    /// <summary>Fails every recipient, for good (error(8)) or for now (retry), with the next hop as the reason.</summary>
    public sealed record Refuse(bool ForGood) : ActionConfig
    {
        /// <summary>The reason, whatever the next hop; null leaves it to that.</summary>
        public string? Reason { get; init; }
    }
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

    /// <summary>The next hop as it was written; empty where it was a URL.</summary>
    public string Written { get; init; } = "";
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
