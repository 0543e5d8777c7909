using Estafette.Local.Mailboxes;
using Estafette.Mail;

namespace Estafette.Local;

/// <summary>
/// From an envelope to the place its message goes, by the compiled actions only: an action's method, a target of an alias table by its digest, or an entry that stands
/// in the user's forward file at this moment (DESIGN 6). What is not found there is deferred with a reason, because a reload may cure it.
/// </summary>
internal sealed class TargetResolver(LocalUser user, LocalActions actions, Batch batch, bool switched)
{
    /// <summary>Commands take their time: what was complete before is committed first.</summary>
    public bool RunsCommand(LocalEnvelope envelope) =>
        envelope.Target.Length > 0 || (actions.Actions.TryGetValue(envelope.Action, out LocalAction? action) && action is { Method: LocalMethodKind.Command } or { Pipe: not null });

    /// <param name="sender">The reverse-path.</param>
    /// <param name="recipients">At least one; more only for pipe(8).</param>
    /// <param name="now">The moment that names and dates are made of.</param>
    public Delivery Open(string sender, IReadOnlyList<LocalEnvelope> recipients, DateTimeOffset now)
    {
        LocalEnvelope envelope = recipients[0];
        if (!actions.Actions.TryGetValue(envelope.Action, out LocalAction? action))
            return new SwallowedDelivery(Identity.Unknown(envelope.Action));
        if (action.Users is not null)
            return new LocalUserTargets(user, actions, batch, switched).Open(action, sender, envelope, now);
        if (action.Virtual is not null)
            return new VirtualTargets(user, batch).Open(action, sender, envelope, now);
        if (action.Pipe is not null)
            return PipeTargets.Open(user, action, sender, recipients, now);
        (LocalUser? recipient, LocalReply? refusal) = envelope.Target.Length > 0 ? (user, null) : RecipientUser(envelope, action);
        if (recipient is null)
            return new SwallowedDelivery(refusal!);
        var values = new FormatValues { Sender = sender, Envelope = envelope, User = recipient, SubaddressDelimiters = actions.SubaddressDelimiters };
        if (envelope.Target.Length > 0)
            return OpenTarget(values, now);
        return action.Method switch
        {
            LocalMethodKind.Maildir => OpenMaildir(action, values, now),
            LocalMethodKind.Mbox => OpenPath(action.Template.Length > 0 ? action.Template : MailSpool.Folder + "/%{user.username}", values, now),
            LocalMethodKind.Command => OpenCommand(action.Template, values),
            _ => new SwallowedDelivery(LocalReply.Fail(1, 1, $"action \"{action.Name}\" has no mailbox")),
        };
    }

    /// <summary>
    /// The recipient's user, and whether this process may act for it: its own user, but for an action with a fixed user or a table, where several recipients
    /// share one identity. The daemon is not trusted with the choice.
    /// </summary>
    private (LocalUser? User, LocalReply? Refusal) RecipientUser(LocalEnvelope envelope, LocalAction action)
    {
        if (action.UserTable.Length > 0)
            return actions.Users.TryGetValue((action.UserTable, envelope.User), out LocalUser? listed) && (listed.Uid == user.Uid || action.RunAs == user.Name) ? (listed, null) : Stranger(envelope.User);
        if (action.RunAs.Length == 0)
            return envelope.User == user.Name ? (user, null) : Stranger(envelope.User);
        if (action.RunAs != user.Name)
            return Stranger(envelope.User);
        if (!UserDatabase.TryFind(envelope.User, out LocalUser? known))
            return (null, LocalReply.Defer(3, 0, "the user database cannot be read"));
        // A virtual name without an account has the home of the user it is kept by.
        return (known ?? user with { Name = envelope.User }, null);
    }

    private (LocalUser? User, LocalReply? Refusal) Stranger(string name) => (null, LocalReply.Defer(3, 5, $"this process serves {user.Name}, not {name}"));

    private Delivery OpenMaildir(LocalAction action, FormatValues values, DateTimeOffset now)
    {
        string template = action.Template.Length > 0 ? action.Template : "~/Maildir";
        if (!FormatExpansion.TryExpandPath(template, values, out string path, out string problem))
            return Unusable(problem);
        path = path.TrimEnd('/');
        if (values.Envelope.Detail is { Length: > 0 } detail && actions.Style is MailboxStyle.OpenSmtpd && DetailFolder(path, detail) is { } folder)
            path = folder;
        return path.Length == 0 ? Unusable("not a usable path") : batch.OpenMaildir(path, Manner, action.JunkFolder, now);
    }

    /// <summary>Mail to user+detail goes to the folder <c>.detail</c> where the user has made one.</summary>
    private static string? DetailFolder(string path, string detail)
    {
        if (detail.Length > 200 || detail[0] == '.' || detail.Any(c => c == '/' || char.IsControl(c)))
            return null;
        string folder = path + "/." + string.Concat(detail.Select(c => "!#$%&'*/?^`{|}~".Contains(c, StringComparison.Ordinal) ? ':' : c));
        return Native.TryStat(folder, follow: true, out Native.Statx stat) && (stat.Mode & Native.S_IFMT) == Native.S_IFDIR ? folder : null;
    }

    private Delivery OpenPath(string template, FormatValues values, DateTimeOffset now) =>
        !FormatExpansion.TryExpandPath(template, values, out string path, out string problem) ? Unusable(problem)
        : path.EndsWith('/') ? batch.OpenMaildir(path.TrimEnd('/'), Manner, false, now)
        : batch.OpenMbox(path, Manner, values.Sender, now);

    private Delivery OpenTarget(FormatValues values, DateTimeOffset now)
    {
        LocalTarget? target = null;
        if (values.Envelope.Source is TargetSource.AliasTable)
        {
            // Alias targets belong to the alias user, whatever the daemon says; without root there is only one user anyway.
            if (switched && user.Name != actions.AliasUser)
                return new SwallowedDelivery(Stranger("alias targets").Refusal!);
            if (actions.AliasTargets.TryGetValue(values.Envelope.Target, out LocalTarget listed))
                target = listed;
        }
        else
        {
            (ForwardState state, byte[] text, string reason) = ForwardFile.Read(user, values.Envelope.Detail, actions.Style);
            if (state is ForwardState.Unavailable or ForwardState.Unsafe)
                return new SwallowedDelivery(LocalReply.Defer(3, 0, reason));
            target = state is ForwardState.Text ? ForwardFile.Find(text, values.Envelope.Target) : null;
        }
        if (target is not { } found)
        {
            string where = values.Envelope.Source is TargetSource.AliasTable ? "the alias tables as they were at the last reload" : $"the forward file of {user.Name}";
            return new SwallowedDelivery(LocalReply.Defer(3, 5, $"the command or file of this recipient does not stand in {where}"));
        }
        // OpenSMTPD expands formats in these commands, too; elsewhere a percent sign is only that.
        bool expands = actions.Style is MailboxStyle.OpenSmtpd or MailboxStyle.OpenSmtpdOld;
        return found.IsCommand ? OpenCommand(expands ? found.Text : found.Text.Replace("%", "%%", StringComparison.Ordinal), values) : OpenPath(found.Text.Replace("%", "%%", StringComparison.Ordinal), values, now);
    }

    private Delivery OpenCommand(string template, FormatValues values)
    {
        if (!FormatExpansion.TryExpand(template, values, out string command, out string problem))
            return Unusable(problem);
        return new CommandDelivery(LocalCommand.Shell(command, CommandEnvironment.Build(values, user)) with { LimitMilliseconds = actions.CommandRunMilliseconds });
    }

    private MailboxManner Manner => new(actions.Style);

    private static SwallowedDelivery Unusable(string problem) => new(LocalReply.Defer(3, 5, problem));
}
