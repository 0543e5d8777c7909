using Estafette.Local.Mailboxes;
using Estafette.Mail;

namespace Estafette.Local;

/// <summary>
/// The places of local(8): the user's mailbox as the action says, a command or file of an alias table, of the user's forward file as it is at this moment, or of a table of mailbox
/// commands. What stands in none of them is deferred with a reason, because a reload may cure it (DESIGN 6).
/// </summary>
internal sealed class LocalUserTargets(LocalUser user, LocalActions actions, Batch batch, bool switched)
{
    /// <summary>What a command learns of the message beside SENDER; the daemon may fill these in, and no others.</summary>
    private static readonly string[] Exported =
    [
        "domain", "extension", "local", "recipient", "original_recipient", "client_address", "client_helo", "client_hostname", "client_protocol", "sasl_method", "sasl_sender", "sasl_username",
    ];

    public Delivery Open(LocalAction action, string sender, LocalEnvelope envelope, DateTimeOffset now)
    {
        LocalUserRules rules = action.Users!;
        if (envelope.Source is TargetSource.AliasTable && envelope.Target.Length > 0)
            return OpenAliasTarget(rules, sender, envelope, now);
        if (envelope.User != user.Name)
            return Stranger(envelope.User);
        if (envelope.Target.Length == 0)
            return OpenMailbox(action, sender, envelope, now);
        if (envelope.Source is TargetSource.CommandTable)
        {
            return actions.UserCommands.TryGetValue(envelope.Target, out LocalTarget listed)
                ? OpenTarget(rules, listed, sender, envelope, now)
                : Unknown("the tables of mailbox commands as they were at the last reload");
        }
        (ForwardState state, byte[] text, string reason) = ForwardFile.Read(user, envelope, rules);
        if (state is ForwardState.Unavailable or ForwardState.Unsafe)
            return new SwallowedDelivery(LocalReply.Defer(3, 0, reason));
        return state is ForwardState.Text && ForwardFile.FindWithIncludes(text, envelope.Target) is { } own
            ? OpenTarget(rules, own, sender, envelope, now)
            : Unknown($"the forward file of {user.Name}");
    }

    private Delivery OpenAliasTarget(LocalUserRules rules, string sender, LocalEnvelope envelope, DateTimeOffset now)
    {
        if (!actions.AliasTargets.TryGetValue(envelope.Target, out LocalTarget listed))
            return Unknown("the alias tables as they were at the last reload");
        // A target belongs to its owner, whatever the daemon says; without root there is only one user anyway.
        string owner = listed.RunAs is { Length: > 0 } own ? own : actions.AliasUser;
        return switched && user.Name != owner ? Stranger("targets of aliases") : OpenTarget(rules, listed, sender, envelope, now);
    }

    private Delivery OpenMailbox(LocalAction action, string sender, LocalEnvelope envelope, DateTimeOffset now)
    {
        LocalUserRules rules = action.Users!;
        if (rules.RequiresHome && (!Native.TryStat(user.Home, follow: true, out Native.Statx home) || (home.Mode & Native.S_IFMT) != Native.S_IFDIR))
            return new SwallowedDelivery(LocalReply.Defer(3, 0, $"cannot access home directory {user.Home} of {user.Name}"));
        if (action.Method is LocalMethodKind.Command)
            return OpenCommand(rules, action.Template, sender, envelope);
        string path = action.Template.StartsWith("~/", StringComparison.Ordinal) ? user.Home.TrimEnd('/') + action.Template[1..] : $"{rules.SpoolFolder.TrimEnd('/')}/{user.Name}";
        return action.Method is LocalMethodKind.Maildir
            ? batch.OpenMaildir(path.TrimEnd('/'), new MailboxManner(actions.Style, rules.MailboxSize, "maildir delivery failed: "), false, now)
            : batch.OpenMbox(path, new MailboxManner(actions.Style, rules.MailboxSize, $"cannot update mailbox {path} for user {user.Name}. "), sender, now);
    }

    private Delivery OpenTarget(LocalUserRules rules, LocalTarget target, string sender, LocalEnvelope envelope, DateTimeOffset now)
    {
        if (target.IsCommand)
            return OpenCommand(rules, target.Text, sender, envelope);
        string path = target.Text.StartsWith("~/", StringComparison.Ordinal) ? user.Home.TrimEnd('/') + target.Text[1..] : target.Text;
        if (!path.StartsWith('/') || path.Contains('\0', StringComparison.Ordinal))
            return new SwallowedDelivery(LocalReply.Fail(3, 5, "mail system configuration error"));
        return path.EndsWith('/')
            ? batch.OpenMaildir(path.TrimEnd('/'), new MailboxManner(actions.Style, rules.MailboxSize, "maildir delivery failed: "), false, now)
            : batch.OpenMbox(path, new MailboxManner(actions.Style, rules.MailboxSize, $"cannot append message to file {path}: "), sender, now);
    }

    private CommandDelivery OpenCommand(LocalUserRules rules, string text, string sender, LocalEnvelope envelope)
    {
        List<string> environment = ["PATH=/usr/bin:/bin", .. rules.Environment];
        string name = envelope.Values.GetValueOrDefault("user", user.Name);
        environment.Add("USER=" + Clean(name, rules.CommandCharacters));
        environment.Add("LOGNAME=" + Clean(name, rules.CommandCharacters));
        if (envelope.Target.Length == 0 || envelope.Source is not TargetSource.AliasTable)
        {
            environment.Add("HOME=" + user.Home);
            environment.Add("SHELL=" + (UserDatabase.Find(user.Uid) is { Shell.Length: > 0 } known ? known.Shell : "/bin/sh"));
        }
        environment.Add("SENDER=" + Clean(sender, rules.CommandCharacters));
        foreach (string variable in Exported)
        {
            if (envelope.Values.TryGetValue(variable, out string? value) && value.Length > 0)
                environment.Add(variable.ToUpperInvariant() + "=" + Clean(value, rules.CommandCharacters));
        }
        return new CommandDelivery(LocalCommand.Postfix(text, environment, rules.CommandMilliseconds));
    }

    /// <summary>A value of the message as a shell may see it.</summary>
    internal static string Clean(string value, string permitted) => string.Concat(value.Select(c => permitted.Contains(c, StringComparison.Ordinal) ? c : '_'));

    private SwallowedDelivery Stranger(string whose) => new(LocalReply.Defer(3, 5, $"this process serves {user.Name}, not {whose}"));

    private static SwallowedDelivery Unknown(string where) => new(LocalReply.Defer(3, 5, "the command or file of this recipient does not stand in " + where));
}
