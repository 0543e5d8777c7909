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

    public static void EnsureMailbox(LocalUser user)
    {
        if (!UserDatabase.IsPlausible(user.Name))
            return;
        int folder = Native.openat(Native.AT_FDCWD, Folder, Native.O_RDONLY | Native.O_DIRECTORY | Native.O_CLOEXEC, 0);
        if (folder < 0)
            return;
        int fd = Native.openat(folder, user.Name, Native.O_WRONLY | Native.O_CREAT | Native.O_EXCL | Native.O_NOFOLLOW | Native.O_CLOEXEC, 0x180 /* 0600 */);
        if (fd >= 0)
        {
            // The group is the folder's (setgid) where it has one to give.
            if (Native.fchown(fd, user.Uid, uint.MaxValue) != 0)
                Native.unlinkat(folder, user.Name, 0);
            Native.close(fd);
        }
        Native.close(folder);
    }
}
