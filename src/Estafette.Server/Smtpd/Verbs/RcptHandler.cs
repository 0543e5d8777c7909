using System.Text;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Routing;
using Estafette.Routing.Maps;
using Estafette.Smtp;
using Estafette.Tables;

namespace Estafette.Smtpd.Verbs;

/// <summary>RCPT TO (RFC 5321 s4.1.1.3): expansion happens here, so that an unknown recipient is refused in the session and never bounced (E34).</summary>
internal sealed class RcptHandler : CommandHandler
{
    /// <summary>Final recipients of one message, over all its RCPT; each is remembered until the message is done (promise 3).</summary>
    private const int MaximumFinalRecipients = 50_000;

    public override SmtpVerb Verb => SmtpVerb.Rcpt;

    public override Reply? Check(SmtpSession session, SmtpCommand command)
    {
        Replies replies = session.Replies;
        if (!command.HasKeyword)
            return replies.Unrecognized;
        if (session.Transaction is not { Chunks: null } transaction)
            return replies.NotAllowedNow;
        if (transaction.Given.Count >= session.Limits.Recipients || transaction.Recipients.Count >= MaximumFinalRecipients)
            return replies.TooManyRecipients;
        return TryPath(session, command.Argument.Span, out _, out _) ? null : replies.RecipientSyntax;
    }

    public override async ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken)
    {
        Replies replies = session.Replies;
        Transaction transaction = session.Transaction!;
        TryPath(session, command.Argument.Span, out MailAddress recipient, out string rest);
        (CommandResult? refusal, string? rewritten) = await session.AskPolicyAsync(
            FilterPhase.RcptTo, session.Subject() with { Recipient = recipient.ToString() }, cancellationToken);
        if (refusal is not null)
            return refusal.Value;
        if (rewritten is not null && !TryPath(session, Encoding.UTF8.GetBytes(rewritten), out recipient, out _))
            return replies.RecipientSyntax;
        ParameterResult parsed = RcptParameters.TryParse(Encoding.UTF8.GetBytes(rest), session.ParameterGroups, out RcptParameters parameters);
        if (!parsed.IsOk)
            return replies.RcptParameter(parsed);
        RouteResult route = await session.Services.Route(Query(session, recipient, parameters), cancellationToken);
        if (route is RouteResult.Refused refused)
            return new CommandResult(Refusal(refused), refused.Rule.ToString());
        transaction.Add(recipient, ((RouteResult.Accepted)route).Recipients);
        return replies.RecipientOk;
    }

    private static RouteQuery Query(SmtpSession session, MailAddress recipient, RcptParameters parameters) => new()
    {
        Client = session.ClientInfo(),
        ReversePath = session.Transaction!.ReversePath,
        Recipient = recipient,
        Tls = session.State.Tls is not null,
        ClientCertificate = session.State.Tls?.Client,
        Notify = parameters.Notify,
        DsnOriginalRecipient = parameters.OriginalRecipient,
    };

    /// <summary>RFC 2034 s4 wants an enhanced code on every refusal; an <c>error:</c> target says what its author wrote.</summary>
    private static Reply Refusal(RouteResult.Refused refused)
    {
        EnhancedStatus status = refused.Status;
        if (status.IsNone && refused.Reason is RefusalReason.UnknownUser or RefusalReason.ExpansionProblem)
            status = new EnhancedStatus((byte)(refused.Code / 100), 1, 1);
        else if (status.IsNone && refused.Reason is RefusalReason.NoRule or RefusalReason.RejectedByRule)
            status = new EnhancedStatus((byte)(refused.Code / 100), 7, 1);
        return Replies.RecipientRefused(refused.Code, status, refused.Text);
    }

    private static bool TryPath(SmtpSession session, ReadOnlySpan<byte> text, out MailAddress recipient, out string rest)
    {
        bool ok = PathParser.TryParse(text, session.PathSyntax, out recipient, out ReadOnlySpan<byte> after) && !recipient.IsNull;
        rest = ok ? Encoding.UTF8.GetString(after) : "";
        if (ok && recipient.Domain.Length == 0 && session.Services.Maps is null)
            recipient = recipient with { Domain = session.Connection.HostName };
        return ok;
    }
}
