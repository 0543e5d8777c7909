using Estafette.Mail;

namespace Estafette.Local.Mailboxes;

/// <summary>
/// What a failed file operation means for a message: nearly always "later" (a full disk, a missing mount, wrong permissions are repaired by people), for good only
/// where the name itself cannot work.
/// </summary>
internal static class FileTrouble
{
    public static LocalReply Reply(MailboxManner manner, string what, string path, int errno)
    {
        string text = $"cannot {what} {path}: {Native.ErrorText(errno)}";
        if (manner.Style is MailboxStyle.Postfix)
            return PostfixReply(manner.Prefix + text, errno);
        return errno switch
        {
            Native.ENOSPC => LocalReply.Defer(3, 1, text),
            Native.EDQUOT => LocalReply.Defer(2, 2, text),
            ENAMETOOLONG => LocalReply.Fail(2, 0, text),
            _ => LocalReply.Defer(2, 0, text),
        };
    }

    /// <summary>Postfix gives up where a name or its rights are wrong, and a full mailbox is the sender's to know of; a machine in trouble is waited for.</summary>
    private static LocalReply PostfixReply(string text, int errno) => errno switch
    {
        EFBIG or Native.EDQUOT => LocalReply.Fail(2, 2, text),
        Native.ENOSPC => LocalReply.Defer(3, 1, text),
        Native.EACCES or Native.EPERM or Native.ENOENT or Native.ENOTDIR or Native.EISDIR or Native.ELOOP or Native.EINVAL or ENAMETOOLONG => LocalReply.Fail(2, 0, text),
        _ => LocalReply.Defer(2, 0, text),
    };

    public const int EFBIG = 27;
    private const int ENAMETOOLONG = 36;
}
