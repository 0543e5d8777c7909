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
            case EnvelopeAddressStatus.Malformed when session.Connection.IsLocal && TryAnything(command.Argument.Span, out recipient, out rest): break;
            default: return words.BadRecipient;
        }
        int written = command.Argument.Length - rest.Length;
        if (Parameters(session, rest, out RcptParameters parameters) is { } wrong)
            return wrong;
        if (transaction.Given.Count >= session.Limits.Recipients)
            return new CommandResult(words.TooManyRecipients) { IsForgiven = smtpd.Overshoot++ < smtpd.Config.Limits.RecipientOvershoot };
        if (smtpd.Restrictions is { } restrictions && await RefusalAsync(session, restrictions, recipient, "RCPT", cancellationToken) is { } refused)
            return refused;
        transaction.Add(DraftOf(recipient, parameters, command.Argument.Span[..written]));
        return words.RecipientOk;
    }

    /// <summary>Whoever hands mail to sendmail(1) has gone when it is looked at: what is no address is taken, and comes back as a notification.</summary>
    private static bool TryAnything(ReadOnlySpan<byte> text, out MailAddress recipient, out ReadOnlySpan<byte> rest)
    {
        int end = text.IndexOf("> "u8);
        end = end < 0 ? text.LastIndexOf((byte)'>') : end;
        int start = text.IndexOf((byte)'<') + 1;
        rest = end < 0 ? default : text[(end + 1)..].TrimStart(" \t"u8);
        recipient = end <= start || !System.Text.Unicode.Utf8.IsValid(text) ? MailAddress.Null : AddressTokens.Read(System.Text.Encoding.UTF8.GetString(text[start..end])).ToAddress();
        return !recipient.IsNull;
    }

    /// <summary>What the client wrote is kept where it gave no ORCPT: two ways to write one mailbox stay apart, and the dot at the end is part of X-Original-To.</summary>
    private static DraftRecipient DraftOf(MailAddress recipient, RcptParameters parameters, ReadOnlySpan<byte> written)
    {
        written = written.Trim(" \t"u8);
        if (written.Length > 2 && written[0] == '<' && written[^1] == '>')
            written = written[1..^1].Trim(" \t"u8);
        string? original = parameters.OriginalRecipient ?? (System.Text.Ascii.IsValid(written) ? "rfc822;" + Xtext.Encode(System.Text.Encoding.ASCII.GetString(written)) : null);
        bool dotted = recipient.Domain.Length > 0 && written.EndsWith((byte)'.');
        return new DraftRecipient(recipient, parameters.Notify, original, dotted ? recipient with { Domain = recipient.Domain + "." } : null);
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
