using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Smtp;
using Estafette.Smtpd.Cleanup;
using Estafette.Spool;
using Estafette.Tables;

namespace Estafette.Smtpd.Verbs;

/// <summary>MAIL FROM (RFC 5321 s4.1.1.2): begins a transaction. Nothing is stored yet.</summary>
internal sealed class MailHandler : CommandHandler
{
    public override SmtpVerb Verb => SmtpVerb.Mail;

    public override Reply? Check(SmtpSession session, SmtpCommand command)
    {
        Replies replies = session.Replies;
        if (!command.HasKeyword)
            return replies.Unrecognized;
        if (session.State.Helo.Length == 0 || session.Transaction is not null)
            return replies.NotAllowedNow;
        if (session.Connection.Listener is { } listener)
        {
            if (listener.Tls is ListenerTls.Require && session.State.Tls is null)
                return replies.NeedsTls;
            if (listener.Auth == ListenerAuth.Required && session.State.Login is null)
                return replies.NeedsAuth;
        }
        if (session.Counts.Messages >= session.Limits.MessagesPerSession)
            return replies.TooManyMessages;
        return TryPath(session, command.Argument.Span, out _, out _) ? null : replies.SenderSyntax;
    }

    public override async ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken)
    {
        Replies replies = session.Replies;
        if (Storage(session) is { } trouble)
            return trouble;
        TryPath(session, command.Argument.Span, out MailAddress sender, out string rest);
        (CommandResult? refusal, string? rewritten) = await session.AskPolicyAsync(
            FilterPhase.MailFrom, session.Subject() with { ReversePath = sender.ToString() }, cancellationToken);
        if (refusal is not null)
            return refusal.Value;
        if (rewritten is not null && !TryPath(session, System.Text.Encoding.UTF8.GetBytes(rewritten), out sender, out _))
            return replies.SenderSyntax;
        ParameterResult parsed = MailParameters.TryParse(System.Text.Encoding.UTF8.GetBytes(rest), session.ParameterGroups, out MailParameters parameters);
        if (!parsed.IsOk)
            return replies.MailParameter(parsed);
        if (sender.NeedsSmtpUtf8 && !parameters.SmtpUtf8)
            return replies.SenderSyntax;
        if (parameters.Size > session.Limits.MessageSize)
            return replies.MessageTooBig;
        if (await SenderRefusalAsync(session, sender, cancellationToken) is { } rejected)
            return rejected;
        session.Begin(new Transaction(sender, parameters));
        return replies.Ok;
    }

    /// <summary>E45: no room is told before the client has sent anything.</summary>
    private static Reply? Storage(SmtpSession session) => session.Parts.Intake.Trouble?.Status switch
    {
        null => null,
        SpoolStatus.Full => session.Replies.SpoolFull,
        SpoolStatus.Stopping => session.Replies.ShuttingDown,
        _ => session.Replies.SpoolUnhealthy,
    };

    private static bool TryPath(SmtpSession session, ReadOnlySpan<byte> text, out MailAddress sender, out string rest)
    {
        // SMTPUTF8 stands behind the address it is about; whether it was asked for is checked when it has been read (RFC 6531 s3.4).
        bool ok = PathParser.TryParse(text, session.PathSyntax | PathSyntax.Utf8, out sender, out ReadOnlySpan<byte> after);
        rest = ok ? System.Text.Encoding.UTF8.GetString(after) : "";
        if (ok && sender.NeedsSmtpUtf8 && !rest.Contains("SMTPUTF8", StringComparison.OrdinalIgnoreCase))
            return false;
        // Where maps route, a name without a domain is completed with everything else of the envelope.
        if (ok && sender.Domain.Length == 0 && !sender.IsNull && session.Services.Maps is null)
            sender = sender with { Domain = session.Connection.HostName };
        return ok;
    }

    /// <summary>Who may use which address (<c>senders</c>): only asked of those who have authenticated, and of local users (E30).</summary>
    private static async ValueTask<CommandResult?> SenderRefusalAsync(SmtpSession session, MailAddress sender, CancellationToken cancellationToken)
    {
        if (session.Connection.IsLocal)
            return await LocalRefusalAsync(session, sender, cancellationToken);
        if (session.Connection.Listener is not { SendersTable: { } table } listener || session.State.Login is not { } login)
            return null;
        return await RowRefusalAsync(session, table, login, sender, cancellationToken) is { } refusal ? new CommandResult(refusal, listener.At.ToString()) : default(CommandResult?);
    }

    /// <summary>The null sender of notifications and the user's own address need no row; root may use any.</summary>
    private static async ValueTask<CommandResult?> LocalRefusalAsync(SmtpSession session, MailAddress sender, CancellationToken cancellationToken)
    {
        if (await SubmitterCheck.RefusalAsync(session, cancellationToken) is { } refused)
            return refused;
        if (session.Services.Config.LocalSubmission.SendersTable is not { } table || session.Connection.LocalUid is not { } uid || uid == 0 || sender.IsNull)
            return null;
        string? name = null;
        switch (await session.Services.Users.FindAsync(uid, cancellationToken))
        {
            case UserAnswer.Found found:
                name = found.User.Name;
                break;
            case UserAnswer.Unavailable:
                return session.Replies.TemporaryError;
        }
        if (name is null)
            return session.Replies.SenderRejected;
        if (name.Equals(sender.LocalPart, StringComparison.Ordinal) && sender.Domain.Equals(session.Services.Config.HostName, StringComparison.OrdinalIgnoreCase))
            return null;
        return await RowRefusalAsync(session, table, name, sender, cancellationToken) is { } refusal ? refusal : default(CommandResult?);
    }

    /// <summary>Null where the row of <paramref name="who"/> lists the sender. Who has no row may use none.</summary>
    private static async ValueTask<Reply?> RowRefusalAsync(SmtpSession session, string table, string who, MailAddress sender, CancellationToken cancellationToken) =>
        await session.Services.Tables.LookupAsync(table, who, cancellationToken) switch
        {
            TableAnswer.Found found when AllowedSenders.Contains(found.Value, sender) => null,
            TableAnswer.Unavailable => session.Replies.TemporaryError,
            _ => session.Replies.SenderRejected,
        };
}

/// <summary>The list of addresses that a login may send as: <c>user@domain</c>, <c>@domain</c>, <c>user</c> at any domain, or <c>@</c> for all; ASCII case does not count.</summary>
internal static class AllowedSenders
{
    public static bool Contains(string list, MailAddress sender)
    {
        foreach (Range range in list.AsSpan().Split(','))
        {
            ReadOnlySpan<char> entry = list.AsSpan()[range].Trim();
            if (entry.IsEmpty)
                continue;
            int at = entry.LastIndexOf('@');
            ReadOnlySpan<char> user = at < 0 ? entry : entry[..at];
            ReadOnlySpan<char> domain = at < 0 ? default : entry[(at + 1)..];
            if (!user.IsEmpty && !user.Equals(sender.LocalPart, StringComparison.OrdinalIgnoreCase))
                continue;
            if (domain.IsEmpty || domain.Equals(sender.Domain, StringComparison.OrdinalIgnoreCase))
                return true;
        }
        return false;
    }
}
