using Estafette.Mail;
using Estafette.Policy.Restrictions;
using Estafette.Smtp;
using Estafette.Spool;

namespace Estafette.Smtpd.Postfix;

/// <summary>MAIL FROM: begins a transaction.</summary>
internal sealed class SmtpdMailHandler : SmtpdHandler
{
    public override SmtpVerb Verb => SmtpVerb.Mail;

    public override Reply? Check(SmtpSession session, SmtpCommand command)
    {
        PostfixReplies words = Words(session);
        if (session.Smtpd!.Config.Dialog.HeloRequired && session.State.Helo.Length == 0)
            return words.NeedsHello;
        return session.Transaction is not null ? words.NestedMail : null;
    }

    public override async ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken)
    {
        PostfixReplies words = Words(session);
        SmtpdSession smtpd = session.Smtpd!;
        if (!await ClientEvents.TakeAsync(session, ClientEvent.Message, cancellationToken))
            return words.TooMuch("much mail", session.Connection.Remote!.Address.ToString());
        if (!command.HasKeyword)
            return words.MailSyntax;
        switch (EnvelopeAddressReader.Read(command.Argument.Span, smtpd.Config.Dialog.StrictEnvelopes, out MailAddress sender, out ReadOnlySpan<byte> rest))
        {
            case EnvelopeAddressStatus.Missing: return words.MailSyntax;
            case EnvelopeAddressStatus.Malformed: return words.BadSender;
        }
        if (Parameters(session, rest, out MailParameters parameters) is { } wrong)
            return wrong;
        if (sender.NeedsSmtpUtf8 && !parameters.SmtpUtf8 && smtpd.Config.Dialog.StrictSmtpUtf8)
            return words.BadSender;
        if (smtpd.Restrictions is not null && !sender.IsNull && (await session.Services.Classify!(new(sender, sender, IsSender: true), cancellationToken)).IsMalformed)
            return words.BadSender;
        if (Storage(session) is { } trouble)
            return trouble;
        var transaction = new Transaction(sender, parameters);
        if (smtpd.Restrictions is { } restrictions)
        {
            StageVerdict verdict = await restrictions.AtMailAsync(smtpd.Facts(session) with { Sender = sender }, smtpd.Memory, cancellationToken);
            if (Take(session, verdict, "MAIL") is { } refused)
                return refused;
            // There was no transaction yet to note them: a DISCARD that is forgotten here would leave its recipients unasked.
            RestrictionResult.Note(transaction, verdict);
        }
        smtpd.Overshoot = 0;
        session.Begin(transaction);
        return words.SenderOk;
    }

    private static Reply? Parameters(SmtpSession session, ReadOnlySpan<byte> text, out MailParameters parameters)
    {
        PostfixReplies words = Words(session);
        SmtpdSession smtpd = session.Smtpd!;
        ParameterResult parsed = MailParameters.TryParse(text, smtpd.ParameterGroupsOf(session), out parameters);
        if (!parsed.IsOk)
        {
            string name = parsed.Word.Split('=')[0].ToUpperInvariant();
            if (name is "RET" or "ENVID" && smtpd.Discarded.Contains("DSN"))
                return words.NoDsn;
            if (parsed.Problem == ParameterProblem.Unsupported)
                return PostfixReplies.Unsupported(parsed.Word);
            return name == "SIZE" ? words.BadSize : PostfixReplies.BadParameter(name);
        }
        if (parameters.Size == long.MaxValue)
            return words.SizeBeyondAll;
        return parameters.Size > session.Limits.MessageSize ? words.MessageTooBig : null;
    }

    /// <summary>E45: no room is told before the client has sent anything.</summary>
    private static Reply? Storage(SmtpSession session) => session.Parts.Intake.Trouble?.Status switch
    {
        null => null,
        SpoolStatus.Full => session.Replies.SpoolFull,
        SpoolStatus.Stopping => session.Replies.ShuttingDown,
        _ => session.Replies.SpoolUnhealthy,
    };
}
