using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace Estafette.Mail;

/// <summary>
/// What the privileged side of local delivery may do, compiled from the configuration into a root-owned file (DESIGN 6): the socket only
/// names users, actions and digests, everything that can do harm stands here. Written whole at start and at reload, read anew for each helper.
/// </summary>
public sealed record LocalActions
{
    /// <summary>The last part of Maildir file names.</summary>
    public required string HostName { get; init; }
    public MailboxStyle Style { get; init; }

    /// <summary>The user that commands and files of alias tables run as; empty means nobody fit was found, and they are refused.</summary>
    public string AliasUser { get; init; } = "";

    /// <summary>The character that ends the user part before a sub-address, for the <c>:strip</c> format; empty when there is none.</summary>
    public string SubaddressDelimiters { get; init; } = "";

    /// <summary>Longest run of a command, in milliseconds.</summary>
    public int CommandRunMilliseconds { get; init; } = 300_000;
    public ImmutableDictionary<string, LocalAction> Actions { get; init; } = ImmutableDictionary.Create<string, LocalAction>(StringComparer.Ordinal);

    /// <summary>Commands that <c>mailbox_command_maps</c> name, by <see cref="DigestOf"/>; each runs as the user whose mailbox it stands for.</summary>
    public ImmutableDictionary<string, LocalTarget> UserCommands { get; init; } = ImmutableDictionary.Create<string, LocalTarget>(StringComparer.Ordinal);

    /// <summary>Commands and files that alias tables name, by <see cref="DigestOf"/>.</summary>
    public ImmutableDictionary<string, LocalTarget> AliasTargets { get; init; } = ImmutableDictionary.Create<string, LocalTarget>(StringComparer.Ordinal);

    /// <summary>Users of the configuration's user tables, by table and name.</summary>
    public ImmutableDictionary<(string Table, string User), LocalUser> Users { get; init; } = ImmutableDictionary<(string Table, string User), LocalUser>.Empty;

    /// <summary>The PAM services that logins may be checked with.</summary>
    public ImmutableHashSet<string> LoginServices { get; init; } = ImmutableHashSet.Create<string>(StringComparer.Ordinal);

    /// <summary>A name that libpam takes for a file of <c>/etc/pam.d</c>, and never for a path.</summary>
    public static bool IsLoginService(string name) =>
        name.Length is > 0 and <= 64 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') && name[0] != '.';

    /// <summary>The name of a command or file target on the socket: SHA-256 in hex over its kind and its text.</summary>
    public static string DigestOf(LocalTarget target) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes((target.IsCommand ? "|" : "=") + target.Text)));
}

/// <summary>How mailboxes are written where programs of the field differ.</summary>
public enum MailboxStyle : byte { OpenSmtpd, OpenSmtpdOld, Postfix, Qmail }

public enum LocalMethodKind : byte
{
    Mbox,
    Maildir,
    Command,

    /// <summary>No mailbox: only what aliases and forward files say.</summary>
    None,
}

/// <summary>One local action. <paramref name="Template"/> is a path or a command line with <c>%{...}</c> formats, empty for the method's default.</summary>
public sealed record LocalAction(string Name, LocalMethodKind Method, string Template)
{
    /// <summary>Messages marked as junk go to the folder <c>.Junk</c> of the Maildir.</summary>
    public bool JunkFolder { get; init; }

    /// <summary>Deliver as this user whoever the recipient is; empty means as the recipient.</summary>
    public string RunAs { get; init; } = "";

    /// <summary>The table of users to look in; empty means the system's.</summary>
    public string UserTable { get; init; } = "";

    /// <summary>What local(8) does beyond that; null for other actions.</summary>
    public LocalUserRules? Users { get; init; }

    /// <summary>What virtual(8) does; null for other actions.</summary>
    public VirtualRules? Virtual { get; init; }

    /// <summary>What pipe(8) does; null for other actions.</summary>
    public PipeRules? Pipe { get; init; }
}

/// <summary>The part of local(8) that happens on the privileged side. Texts with <c>$name</c> are filled in there.</summary>
public sealed record LocalUserRules
{
    /// <summary>Candidates for the forward file, the first that exists counts; empty for none.</summary>
    public ImmutableArray<string> ForwardPaths { get; init; } = [];

    /// <summary>Characters that a value in a path may have; others become underscores.</summary>
    public string ForwardCharacters { get; init; } = "";
    public string Delimiters { get; init; } = "";

    /// <summary>The folder of mailboxes that root makes where they are missing.</summary>
    public string SpoolFolder { get; init; } = "";

    /// <summary>Octets of a mailbox or Maildir message; 0 for no limit.</summary>
    public long MailboxSize { get; init; }
    public int CommandMilliseconds { get; init; } = 1_000_000;

    /// <summary>Characters that a value in a command's environment may have.</summary>
    public string CommandCharacters { get; init; } = "";

    /// <summary><c>NAME=value</c>, for every command.</summary>
    public ImmutableArray<string> Environment { get; init; } = [];
    public bool RequiresHome { get; init; }
}

/// <summary>Where virtual(8) may write, and as whom.</summary>
public sealed record VirtualRules(string Folder, uint MinimumUid, long MailboxSize)
{
    public ImmutableHashSet<uint> Uids { get; init; } = [];
    public ImmutableHashSet<uint> Gids { get; init; } = [];
}

/// <summary>The command of pipe(8): words with <c>${name}</c>, which the values of the envelope replace, never a shell.</summary>
public sealed record PipeRules
{
    public ImmutableArray<string> Arguments { get; init; } = [];

    /// <summary>Empty for the user's own.</summary>
    public string Group { get; init; } = "";
    public string Folder { get; init; } = "";
    public string LineEnd { get; init; } = "\n";
    public int Milliseconds { get; init; } = 1_000_000;

    /// <summary><c>NAME=value</c>.</summary>
    public ImmutableArray<string> Environment { get; init; } = [];
    public bool BlankLine { get; init; }
    public bool DotStuff { get; init; }
    public bool QuoteFrom { get; init; }
    public bool FromLine { get; init; }
}

/// <summary>A command line (without its bar) or an absolute path.</summary>
public readonly record struct LocalTarget(bool IsCommand, string Text)
{
    /// <summary>Whom a target of an alias table runs as, where that is not <see cref="LocalActions.AliasUser"/>; no part of its digest.</summary>
    public string? RunAs { get; init; }
}

/// <summary>Who a helper runs as.</summary>
public sealed record LocalUser(string Name, uint Uid, uint Gid, string Home)
{
    /// <summary>The login shell; empty where nobody asked.</summary>
    public string Shell { get; init; } = "";
}
