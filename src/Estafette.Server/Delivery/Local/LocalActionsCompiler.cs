using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Delivery.Local;

/// <summary>
/// Compiles the part of a configuration that the privileged side acts by (DESIGN 6). Runs in the compile step, at start and at reload, where alias tables can be read
/// whatever their mode.
/// </summary>
public static class LocalActionsCompiler
{
    /// <summary>Tried in this order for commands and files of alias tables.</summary>
    public static ImmutableArray<string> AliasUsers { get; } = ["opensmtpd", "_smtpd", "nobody"];

    /// <param name="config">The configuration.</param>
    /// <param name="aliasTargets">What alias tables name: <c>|command</c> or <c>/path</c>.</param>
    /// <param name="users">The users of user tables, by table.</param>
    /// <param name="userExists">Whether the system has a user of this name; it chooses the user of alias commands. The daemon's own user and root do not count.</param>
    public static LocalActions Compile(MailConfig config, IEnumerable<string> aliasTargets, IEnumerable<(string Table, LocalUser User)> users, Func<string, bool> userExists) => new()
    {
        HostName = config.HostName,
        Style = StyleOf(config.MaildirNaming),
        AliasUser = config.AliasUser ?? AliasUsers.FirstOrDefault(userExists) ?? "",
        SubaddressDelimiters = config.SubaddressDelimiters,
        CommandRunMilliseconds = (int)Math.Clamp(config.Limits.CommandRun.TotalMilliseconds, 1, int.MaxValue),
        Actions = config.Actions.Values.OfType<ActionConfig.Local>().Select(Compile).ToImmutableDictionary(a => a.Name, StringComparer.Ordinal),
        AliasTargets = aliasTargets.Select(TargetOf).OfType<LocalTarget>().Distinct().ToImmutableDictionary(LocalActions.DigestOf, StringComparer.Ordinal),
        Users = users.DistinctBy(u => (u.Table, u.User.Name)).ToImmutableDictionary(u => (u.Table, u.User.Name), u => u.User),
        LoginServices = config.Listeners.Where(l => l.Auth != ListenerAuth.None).Select(l => l.AuthSource).OfType<AuthSource.SystemUsers>().Select(s => s.Service)
            .ToImmutableHashSet(StringComparer.Ordinal),
    };

    /// <summary>A command by its line, with or without the bar and quotes of the alias file's syntax.</summary>
    internal static LocalTarget CommandTarget(string commandLine)
    {
        string text = commandLine.Trim();
        return new LocalTarget(true, (text.StartsWith('|') ? text[1..] : text).Trim());
    }

    private static LocalTarget? TargetOf(string entry) =>
        entry.StartsWith('|') ? CommandTarget(entry) : entry.StartsWith('/') ? new LocalTarget(false, entry) : null;

    private static LocalAction Compile(ActionConfig.Local action)
    {
        (LocalMethodKind kind, string template, bool junk) = action.Method switch
        {
            LocalMethod.Mbox mbox => (LocalMethodKind.Mbox, IsMailSpool(mbox.Path) ? "" : mbox.Path!, false),
            LocalMethod.Maildir maildir => (LocalMethodKind.Maildir, maildir.Path ?? "", maildir.JunkFolder),
            LocalMethod.Command command => (LocalMethodKind.Command, command.CommandLine, false),
            _ => (LocalMethodKind.None, "", false),
        };
        return new LocalAction(action.Name, kind, template) { JunkFolder = junk, RunAs = action.RunAs ?? "", UserTable = action.UserTable ?? "" };
    }

    /// <summary>The system's own folder in any spelling: there the privileged side helps with creating the file.</summary>
    private static bool IsMailSpool(string? path) => path is null or "/var/mail/%{user.username}" or "/var/spool/mail/%{user.username}";

    private static MailboxStyle StyleOf(MaildirNaming naming) => naming switch
    {
        MaildirNaming.OpenSmtpdOld => MailboxStyle.OpenSmtpdOld,
        MaildirNaming.Postfix => MailboxStyle.Postfix,
        MaildirNaming.Qmail => MailboxStyle.Qmail,
        _ => MailboxStyle.OpenSmtpd,
    };
}
