using Estafette.Mail;
using Estafette.Policy.Restrictions;
using Estafette.Routing.Maps;
using Estafette.Smtp;

namespace Estafette.Smtpd.Postfix;

/// <summary>RCPT TO: the restrictions and the question whether the recipient exists. Nothing is expanded here: where mail goes is found out at the end of data and at every attempt.</summary>
internal sealed class SmtpdRcptHandler : SmtpdHandler
{
    public override SmtpVerb Verb => SmtpVerb.Rcpt;

    public override Reply? Check(SmtpSession session, SmtpCommand command) => session.Transaction is not { Chunks: null } ? Words(session).NeedsMail : null;

    public override async ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken)
    {
        PostfixReplies words = Words(session);
        SmtpdSession smtpd = session.Smtpd!;
        Transaction transaction = session.Transaction!;
        if (!await ClientEvents.TakeAsync(session, ClientEvent.Recipient, cancellationToken))
            return words.TooMuch("many recipients", session.Connection.Remote!.Address.ToString());
        if (!command.HasKeyword)
            return words.RcptSyntax;
        switch (EnvelopeAddressReader.Read(command.Argument.Span, smtpd.Config.Dialog.StrictEnvelopes, out MailAddress recipient, out ReadOnlySpan<byte> rest))
        {
            case EnvelopeAddressStatus.Missing: return words.RcptSyntax;
            case EnvelopeAddressStatus.Ok when !recipient.IsNull: break;
            default: return words.BadRecipient;
        }
        int written = command.Argument.Length - rest.Length;
        if (Parameters(session, rest, out RcptParameters parameters) is { } wrong)
            return wrong;
        if (transaction.Given.Count >= session.Limits.Recipients)
            return new CommandResult(words.TooManyRecipients) { IsForgiven = smtpd.Overshoot++ < smtpd.Config.Limits.RecipientOvershoot };
        if (smtpd.Restrictions is { } restrictions && await RefusalAsync(session, restrictions, recipient, "RCPT", cancellationToken) is { } refused)
            return refused;
        transaction.Add(new DraftRecipient(recipient, parameters.Notify, parameters.OriginalRecipient ?? OriginalOf(command.Argument.Span, written)));
        return words.RecipientOk;
    }

    /// <summary>What a client without ORCPT wrote, where its form says more than the address does: with it, two ways to write one mailbox stay apart.</summary>
    private static string? OriginalOf(ReadOnlySpan<byte> argument, int length)
    {
        ReadOnlySpan<byte> text = argument[..length].Trim(" \t"u8);
        if (text.Length > 2 && text[0] == '<' && text[^1] == '>')
            text = text[1..^1].Trim(" \t"u8);
        return System.Text.Ascii.IsValid(text) ? "rfc822;" + Xtext.Encode(System.Text.Encoding.ASCII.GetString(text)) : null;
    }

    /// <summary>The same for RCPT and VRFY.</summary>
    public static async ValueTask<CommandResult?> RefusalAsync(SmtpSession session, RestrictionEngine restrictions, MailAddress recipient, string stage, CancellationToken cancellationToken)
    {
        SmtpdSession smtpd = session.Smtpd!;
        MailAddress sender = session.Transaction?.ReversePath ?? MailAddress.Null;
        if ((await session.Services.Classify!(new AddressQuery(recipient, sender, IsSender: false), cancellationToken)).IsMalformed)
            return Words(session).BadRecipient;
        return RestrictionResult.Take(session, await restrictions.AtRecipientAsync(smtpd.Facts(session) with { Recipient = recipient }, smtpd.Memory, cancellationToken), stage, recipient);
    }

    private static Reply? Parameters(SmtpSession session, ReadOnlySpan<byte> text, out RcptParameters parameters)
    {
        ParameterResult parsed = RcptParameters.TryParse(text, session.Smtpd!.ParameterGroupsOf(session), out parameters);
        if (parsed.IsOk)
            return null;
        string name = parsed.Word.Split('=')[0].ToUpperInvariant();
        if (name is "NOTIFY" or "ORCPT" && session.Smtpd.Discarded.Contains("DSN"))
            return Words(session).NoDsn;
        return parsed.Problem == ParameterProblem.Unsupported ? PostfixReplies.Unsupported(parsed.Word) : new Reply(501, $"5.5.4 Error: Bad {name} parameter syntax");
    }
}
