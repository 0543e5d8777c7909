using Estafette.Mail;

namespace Estafette.Local.Mailboxes;

/// <summary>
/// What a failed file operation means for a message: nearly always "later" (a full disk, a missing mount, wrong permissions are repaired by people), for good only
/// where the name itself cannot work.
/// </summary>
internal static class FileTrouble
{
    public static LocalReply Reply(string what, string path, int errno)
    {
        string text = $"cannot {what} {path}: {Native.ErrorText(errno)}";
        return errno switch
        {
            Native.ENOSPC => LocalReply.Defer(3, 1, text),
            Native.EDQUOT => LocalReply.Defer(2, 2, text),
            36 /* ENAMETOOLONG */ => LocalReply.Fail(2, 0, text),
            _ => LocalReply.Defer(2, 0, text),
        };
    }
}
