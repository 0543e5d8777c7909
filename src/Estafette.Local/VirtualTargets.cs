using Estafette.Local.Mailboxes;
using Estafette.Mail;

namespace Estafette.Local;

/// <summary>
/// Mailboxes of virtual(8): a path that the daemon names, below the folder of the action, written by the uid and gid that this process has and that the action allows. No step of the
/// path leads upwards, and the mailbox itself is never a link.
/// </summary>
internal sealed class VirtualTargets(LocalUser user, Batch batch)
{
    public Delivery Open(LocalAction action, string sender, LocalEnvelope envelope, DateTimeOffset now)
    {
        VirtualRules rules = action.Virtual!;
        if (!rules.Uids.Contains(user.Uid) || !rules.Gids.Contains(user.Gid))
            return new SwallowedDelivery(LocalReply.Defer(3, 5, $"this process serves uid {user.Uid}, which has no mailboxes in \"{action.Name}\""));
        string[] steps = envelope.Path.Split('/');
        if (envelope.Path.Length == 0 || envelope.Path.Contains('\0', StringComparison.Ordinal) || steps.Contains("..") || steps.All(s => s.Length == 0 || s == "."))
            return new SwallowedDelivery(LocalReply.Defer(3, 5, $"not a usable mailbox: {envelope.Path}"));
        if (!rules.Folder.StartsWith('/'))
            return new SwallowedDelivery(LocalReply.Defer(3, 5, $"the folder of mailboxes is no absolute path: {rules.Folder}"));
        string path = $"{rules.Folder.TrimEnd('/')}/{envelope.Path.TrimStart('/')}";
        return path.EndsWith('/')
            ? batch.OpenMaildir(path.TrimEnd('/'), new MailboxManner(MailboxStyle.Postfix, rules.MailboxSize, "maildir delivery failed: "), false, now)
            : OpenMbox(path, rules, sender, now);
    }

    private Delivery OpenMbox(string path, VirtualRules rules, string sender, DateTimeOffset now)
    {
        var manner = new MailboxManner(MailboxStyle.Postfix, rules.MailboxSize, $"cannot access mailbox {path} for user {user.Uid}. ");
        // As virtual(8), which makes the folders of an mbox, too.
        for (int slash = path.IndexOf('/', rules.Folder.TrimEnd('/').Length + 1); slash > 0; slash = path.IndexOf('/', slash + 1))
            Native.mkdirat(Native.AT_FDCWD, path[..slash], 0x1c0 /* 0700 */);
        return batch.OpenMbox(path, manner, sender, now);
    }
}
