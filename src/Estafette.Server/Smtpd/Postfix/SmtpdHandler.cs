using Estafette.Mail;
using Estafette.Policy.Restrictions;
using Estafette.Smtp;
using Estafette.Smtpd.Verbs;

namespace Estafette.Smtpd.Postfix;

/// <summary>A verb as Postfix's smtpd(8) takes it: in what order it looks at things, and in which words it refuses.</summary>
internal abstract class SmtpdHandler : CommandHandler
{
    /// <summary>May be given before STARTTLS where TLS is demanded.</summary>
    public virtual bool IsAllowedInClear => false;

    /// <summary>Must be the last of a pipelined group (RFC 2920 s3.1).</summary>
    public virtual bool EndsGroup => false;

    protected static PostfixReplies Words(SmtpSession session) => (PostfixReplies)session.Replies;

    /// <summary>The refusal of a stage as the reply; null where there is none. What tables want done is noted.</summary>
    protected static CommandResult? Take(SmtpSession session, StageVerdict verdict, string stage) => RestrictionResult.Take(session, verdict, stage);
}

/// <summary>What a stage's verdict means for the session.</summary>
internal static class RestrictionResult
{
    /// <param name="stage">As the log names the moment: RCPT, END-OF-MESSAGE.</param>
    public static CommandResult? Take(SmtpSession session, StageVerdict verdict, string stage, MailAddress? recipient = null)
    {
        if (session.Transaction is { } transaction)
            Note(transaction, verdict);
        foreach (MessageAction action in verdict.Actions)
            Tell(session, action, stage, recipient);
        if (verdict.Refusal is not { } refusal)
            return null;
        var reply = new Reply(refusal.Code, refusal.Status.IsNone ? refusal.Text : $"{refusal.Status} {refusal.Text}");
        return new CommandResult(refusal.Closes ? reply.ThenClose() : reply, refusal.Rule.ToString());
    }

    /// <summary>What is to be done with the message, for its end.</summary>
    public static void Note(Transaction transaction, StageVerdict verdict) =>
        transaction.Actions.AddRange(verdict.Actions.Where(a => a.Kind is not (MessageActionKind.Info or MessageActionKind.Warn or MessageActionKind.RejectWarning)));

    private static void Tell(SmtpSession session, MessageAction action, string stage, MailAddress? recipient)
    {
        (string name, string text) = action.Kind switch
        {
            // What would have been refused is told with its whole reply.
            MessageActionKind.RejectWarning => ("reject_warning", action.Text),
            _ => (action.Kind.ToString().ToLowerInvariant(), action.Text.Length == 0 ? action.About : $"{action.About} {action.Text}"),
        };
        session.Parts.Events.Publish(new Events.CommandNoted(session.Connection.SessionId, name, stage, text)
        {
            At = session.Parts.Events.Now,
            Service = session.Connection.Service,
            Address = session.Connection.Remote?.Address,
            HostName = session.Connection.Reverse.Name,
            Helo = session.State.Helo,
            ReversePath = session.Transaction?.ReversePath.ToString(),
            Recipient = recipient?.ToString(),
            Protocol = session.State.Esmtp ? "ESMTP" : "SMTP",
        });
    }
}
