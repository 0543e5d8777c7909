using System.Collections.Immutable;

namespace Estafette.Config.Model;

/// <summary>Which language a configuration was written in; it decides texts, names of files and habits, never safety.</summary>
public enum Dialect { OpenSmtpd, OpenSmtpdOld, Postfix, Qmail }

/// <summary>The form of the text log.</summary>
public enum LogStyle { OpenSmtpd, Postfix, Json }

/// <summary>The form of Maildir file names (P20).</summary>
public enum MaildirNaming { OpenSmtpd, OpenSmtpdOld, Postfix, Qmail }

/// <summary>
/// The whole configuration, compiled once and never changed: a reload builds a new one and swaps the reference, and a session
/// keeps the one it began with. No string key of a language survives here but the names an administrator gave.
/// </summary>
public sealed record MailConfig
{
    public required Dialect Dialect { get; init; }

    /// <summary>The file or folder it was read from; empty for the embedded default.</summary>
    public required string Source { get; init; }

    /// <summary>The server's own name: banner, HELO, Received, Message-ID. Fully qualified where the machine knows it.</summary>
    public required string HostName { get; init; }

    public ImmutableArray<ListenerConfig> Listeners { get; init; } = [];

    /// <summary>How local submission (the Unix socket) is treated; there is always one.</summary>
    public LocalSubmissionConfig LocalSubmission { get; init; } = new();
    public ImmutableDictionary<string, TableConfig> Tables { get; init; } = ImmutableDictionary<string, TableConfig>.Empty;
    public ImmutableDictionary<string, FilterConfig> Filters { get; init; } = ImmutableDictionary<string, FilterConfig>.Empty;
    public ImmutableArray<RuleConfig> Rules { get; init; } = [];

    /// <summary>Routing by address classes and maps; null where <see cref="Rules"/> route.</summary>
    public MapRouting? Maps { get; init; }

    /// <summary>Routing by control files; null where <see cref="Rules"/> or <see cref="Maps"/> route.</summary>
    public ControlRouting? Control { get; init; }
    public ImmutableDictionary<string, ActionConfig> Actions { get; init; } = ImmutableDictionary<string, ActionConfig>.Empty;
    public ImmutableDictionary<string, IdentityConfig> Identities { get; init; } = ImmutableDictionary<string, IdentityConfig>.Empty;

    /// <summary>Names of trust anchors (<c>ca NAME cert FILE</c>) and their PEM files.</summary>
    public ImmutableDictionary<string, string> TrustAnchors { get; init; } = ImmutableDictionary<string, string>.Empty;
    public RetryConfig Retry { get; init; } = new();
    public NotificationConfig Notifications { get; init; } = new();
    public LimitsConfig Limits { get; init; } = new();
    public LogConfig Log { get; init; } = new();
    public OperationConfig Operation { get; init; } = new();

    /// <summary>Name servers to ask; empty means those of resolv.conf.</summary>
    public ImmutableArray<System.Net.IPEndPoint> NameServers { get; init; } = [];

    /// <summary>Separators between user and detail, each tried in turn; empty switches sub-addresses off.</summary>
    public string SubaddressDelimiters { get; init; } = "+";
    public MaildirNaming MaildirNaming { get; init; }

    /// <summary>How Return-Path is written: the old OpenSMTPD left the angle brackets out.</summary>
    public bool BareReturnPath { get; init; }

    /// <summary>Service extensions announced beyond those of the dialect's original. They are understood in any case.</summary>
    public AnnouncedExtensions Announced { get; init; } = AnnouncedExtensions.All;

    /// <summary>Secret keys for SRS, newest first; empty when none are set.</summary>
    public ImmutableArray<string> SrsKeys { get; init; } = [];

    /// <summary>The user that alias commands and alias files run as; null lets the program choose (opensmtpd, _smtpd, nobody).</summary>
    public string? AliasUser { get; init; }
}

/// <summary>EHLO keywords that an original may not announce but Estafette has (RFC 2920, RFC 3030, RFC 6531, RFC 9422).</summary>
[Flags]
public enum AnnouncedExtensions { None = 0, Chunking = 1, SmtpUtf8 = 2, Limits = 4, Pipelining = 8, All = Chunking | SmtpUtf8 | Limits | Pipelining }

public sealed record LogConfig
{
    public LogStyle Style { get; init; }

    /// <summary><c>syslog_name</c>: what stands before the service's name in lines of the Postfix style.</summary>
    public string Name { get; init; } = "postfix";

    /// <summary><c>maillog_file</c>: where the log goes; empty for standard error in the foreground, and syslog(3) otherwise.</summary>
    public string File { get; init; } = "";

    /// <summary><c>maillog_file_rotate_suffix</c>: what a rotated file's name ends with, in strftime(3)'s letters.</summary>
    public string RotateSuffix { get; init; } = "%Y%m%d-%H%M%S";

    /// <summary><c>maillog_file_compressor</c>: the program that a rotated file is given to; empty for none.</summary>
    public string Compressor { get; init; } = "gzip";

    /// <summary>Only what Postfix would tell, in its words: tools that read its log count every line and word. What else there is to tell is in the JSON style.</summary>
    public bool IsOriginal { get; init; }

    /// <summary><c>smtpd_tls_loglevel</c>, <c>smtp_tls_loglevel</c> above 0: lines of the Postfix style about each handshake.</summary>
    public bool ServerTls { get; init; } = true;
    public bool ClientTls { get; init; } = true;

    /// <summary><c>syslog_facility</c>.</summary>
    public string Facility { get; init; } = "mail";

    /// <summary>Trace subsystems that are switched on from the start (O20): smtp, expand, lookup, scheduler, mta, mda, or all.</summary>
    public ImmutableHashSet<string> Trace { get; init; } = [];
}

/// <summary>When a deferred recipient is tried again, and when that ends.</summary>
public sealed record RetryConfig
{
    /// <summary>Waits before attempts 2, 3, ...; the last one repeats.</summary>
    public ImmutableArray<TimeSpan> Schedule { get; init; } =
        [
            TimeSpan.FromSeconds(15), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(15),
            TimeSpan.FromMinutes(30), TimeSpan.FromHours(1), TimeSpan.FromHours(2), TimeSpan.FromHours(4),
        ];

    /// <summary>Life of a message in the queue.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromDays(5);

    /// <summary>Life of a notification (null sender) in the queue.</summary>
    public TimeSpan NotificationLifetime { get; init; } = TimeSpan.FromDays(5);

    /// <summary>Ages at which the sender gets a delay warning.</summary>
    public ImmutableArray<TimeSpan> WarnAfter { get; init; } = [TimeSpan.FromHours(4)];
}

/// <summary>Every limit on what comes from outside, by name. Counts, octets or times; 0 never means "none".</summary>
public sealed record LimitsConfig
{
    public long MessageSize { get; init; } = 36_700_160;

    /// <summary>Octets of a command line with CRLF; RFC 5321 s4.5.3.1.4 asks for 512 and extensions add to it (E20).</summary>
    public int CommandLine { get; init; } = 4096;

    /// <summary>Octets of one line of an AUTH exchange (RFC 4954 s4).</summary>
    public int AuthLine { get; init; } = 12_288;

    /// <summary>Octets of a text line that is taken in; longer ones are refused, never cut.</summary>
    public int TextLine { get; init; } = 1 << 20;
    public int HeaderSize { get; init; } = 1 << 20;
    public int HeaderFields { get; init; } = 10_000;
    public int Recipients { get; init; } = 1000;
    public int MessagesPerSession { get; init; } = 100_000;

    /// <summary>Received fields in a message (E31).</summary>
    public int Hops { get; init; } = 50;

    /// <summary>Commands that do no work (RSET, NOOP, VRFY, EXPN, HELP) between messages before the session is closed.</summary>
    public int JunkCommands { get; init; } = 100;

    /// <summary>Errors before the session is closed with 421.</summary>
    public int Errors { get; init; } = 20;
    public int Sessions { get; init; } = 4000;
    public int SessionsPerClient { get; init; } = 100;

    /// <summary>Failed logins from one network (an IPv4 address, an IPv6 /64) within <see cref="AuthWindow"/> before it is not asked any more (E10).</summary>
    public int AuthFailuresPerClient { get; init; } = 20;

    /// <summary>Failures of one login from one network before that pair is not asked; from everywhere together, before strangers to the login have to wait.</summary>
    public int AuthFailuresPerLogin { get; init; } = 10;

    /// <summary>Failures of all together before strangers have to wait.</summary>
    public int AuthFailuresTotal { get; init; } = 1000;
    public TimeSpan AuthWindow { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Passwords that are checked at once, but never on more than half of the cores: hashing is the one thing a stranger can make us do that costs one.</summary>
    public int AuthChecks { get; init; } = 4;
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromMinutes(5);
    public TimeSpan DataTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A whole TLS handshake, however the client spreads its octets (E47).</summary>
    public TimeSpan TlsHandshake { get; init; } = TimeSpan.FromMinutes(1);
    public TimeSpan SessionTotal { get; init; } = TimeSpan.FromHours(8);

    /// <summary>Slowest pace of a message that still counts as progress, octets a second over the whole body (E47).</summary>
    public int MinimumDataRate { get; init; } = 64;
    public int ExpansionDepth { get; init; } = 10;

    /// <summary>Final recipients one RCPT may become (E32).</summary>
    public int ExpansionSize { get; init; } = 1000;

    /// <summary>Most connections to one next hop.</summary>
    public int ConnectionsPerNextHop { get; init; } = 20;

    /// <summary>Most deliveries that run at once.</summary>
    public int Deliveries { get; init; } = 400;

    /// <summary>Messages held in memory for delivery; the rest wait as index entries.</summary>
    public int ActiveMessages { get; init; } = 20_000;

    /// <summary>Time that shutdown leaves to sessions and deliveries.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest run of a user's command.</summary>
    public TimeSpan CommandRun { get; init; } = TimeSpan.FromMinutes(5);
}

/// <summary>A certificate and its key (<c>pki</c>). Only the file names: reading them is the work of who needs them.</summary>
public sealed record IdentityConfig(string Name, string CertificateFile, string KeyFile, SourceSpan At)
{
    /// <summary>The server makes the certificate itself. The files are empty until the program has given them a place in its state folder.</summary>
    public bool SelfSigned { get; init; }
}
