using Estafette.Mail;

namespace Estafette.Local.Mailboxes;

/// <summary>How one mailbox is written and how its troubles are told.</summary>
/// <param name="Style">Whose habits.</param>
/// <param name="Limit">Octets of an mbox, or of one message of a Maildir; 0 for no limit.</param>
/// <param name="Prefix">What stands before a trouble in Postfix's words: <c>maildir delivery failed: </c>.</param>
internal sealed record MailboxManner(MailboxStyle Style, long Limit = 0, string Prefix = "");
