using Estafette.Mail;

namespace Estafette.Local;

/// <summary>
/// The system's mail spool. Its folder is writable by group mail only (root:mail 2775 on Debian), so the user's helper cannot create the mailbox there; nor should
/// it hold that group, because its commands would inherit it and could read others' mail. The parent therefore creates the empty
/// file: exclusively, following no link, and it changes the owner of exactly that new file (E16).
/// </summary>
internal static class MailSpool
{
    public const string Folder = "/var/mail";

    /// <summary>Where the mailboxes of a helper's user may have to be made: the spool folder, and those of local(8) actions.</summary>
    public static void EnsureMailboxes(LocalUser user, LocalActions actions)
    {
        if (ActionsFile.UsesMailSpool(actions))
            EnsureMailbox(user, Folder, isMaildir: false);
        foreach (LocalAction action in actions.Actions.Values)
        {
            if (action is { Users.SpoolFolder: { Length: > 0 } folder, Template: "", Method: LocalMethodKind.Mbox or LocalMethodKind.Maildir })
                EnsureMailbox(user, folder, action.Method is LocalMethodKind.Maildir);
        }
    }

    private static void EnsureMailbox(LocalUser user, string spool, bool isMaildir)
    {
        if (!UserDatabase.IsPlausible(user.Name))
            return;
        int folder = Native.openat(Native.AT_FDCWD, spool, Native.O_RDONLY | Native.O_DIRECTORY | Native.O_CLOEXEC, 0);
        if (folder < 0)
            return;
        int fd = isMaildir ? MakeFolder(folder, user.Name) : Native.openat(folder, user.Name, Native.O_WRONLY | Native.O_CREAT | Native.O_EXCL | Native.O_NOFOLLOW | Native.O_CLOEXEC, 0x180 /* 0600 */);
        if (fd >= 0)
        {
            // The group is the folder's (setgid) where it has one to give.
            if (Native.fchown(fd, user.Uid, uint.MaxValue) != 0)
                Native.unlinkat(folder, user.Name, isMaildir ? Native.AT_REMOVEDIR : 0);
            Native.close(fd);
        }
        Native.close(folder);
    }

    /// <summary>A new folder, opened; -1 where there is something of that name already.</summary>
    private static int MakeFolder(int parent, string name) =>
        Native.mkdirat(parent, name, 0x1c0 /* 0700 */) == 0
            ? Native.openat(parent, name, Native.O_RDONLY | Native.O_DIRECTORY | Native.O_NOFOLLOW | Native.O_CLOEXEC, 0)
            : -1;
}
