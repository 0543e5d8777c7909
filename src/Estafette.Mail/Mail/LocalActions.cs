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
}

/// <summary>A command line (without its bar) or an absolute path.</summary>
public readonly record struct LocalTarget(bool IsCommand, string Text);

/// <summary>Who a helper runs as.</summary>
public sealed record LocalUser(string Name, uint Uid, uint Gid, string Home);
