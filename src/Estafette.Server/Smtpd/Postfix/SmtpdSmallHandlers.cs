using System.Text;
using Estafette.Mail;
using Estafette.Smtp;

namespace Estafette.Smtpd.Postfix;

/// <summary>RSET.</summary>
internal sealed class SmtpdRsetHandler : SmtpdHandler
{
    public override SmtpVerb Verb => SmtpVerb.Rset;
    public override bool IsJunk => true;

    public override Reply? Check(SmtpSession session, SmtpCommand command) => command.HasArgument ? PostfixReplies.Syntax("RSET") : null;

    public override async ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken)
    {
        await session.EndTransactionAsync();
        session.Smtpd!.Memory.EndTransaction();
        return session.Replies.Reset;
    }
}

/// <summary>NOOP, with whatever behind it (RFC 5321 s4.1.1.9).</summary>
internal sealed class SmtpdNoopHandler : SmtpdHandler
{
    public override SmtpVerb Verb => SmtpVerb.Noop;
    public override bool IsJunk => true;
    public override bool IsAllowedInClear => true;
    public override bool EndsGroup => true;

    public override Reply? Check(SmtpSession session, SmtpCommand command) => null;

    public override ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken) => ValueTask.FromResult<CommandResult>(session.Replies.Ok);
}

/// <summary>QUIT, with whatever behind it.</summary>
internal sealed class SmtpdQuitHandler : SmtpdHandler
{
    public override SmtpVerb Verb => SmtpVerb.Quit;
    public override bool IsAllowedInClear => true;

    public override Reply? Check(SmtpSession session, SmtpCommand command) => null;

    public override ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken) => ValueTask.FromResult<CommandResult>(session.Replies.Bye);
}

/// <summary>VRFY: the answer that RCPT would give now, with the same restrictions.</summary>
internal sealed class SmtpdVrfyHandler : SmtpdHandler
{
    public override SmtpVerb Verb => SmtpVerb.Vrfy;
    public override bool IsJunk => true;
    public override bool EndsGroup => true;

    public override Reply? Check(SmtpSession session, SmtpCommand command)
    {
        PostfixReplies words = Words(session);
        Config.Model.SmtpdDialog dialog = session.Smtpd!.Config.Dialog;
        if (dialog.VrfyDisabled)
            return words.VrfyDisabled;
        if (dialog.HeloRequired && session.State.Helo.Length == 0)
            return words.NeedsHello;
        if (session.Transaction is not null)
            return words.InTransaction;
        return command.HasArgument ? null : PostfixReplies.Syntax(dialog.SmtpUtf8 ? "VRFY address [SMTPUTF8]" : "VRFY address");
    }

    public override async ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken)
    {
        PostfixReplies words = Words(session);
        if (!await ClientEvents.TakeAsync(session, ClientEvent.Recipient, cancellationToken))
            return words.TooMuch("many recipients", session.Connection.Remote!.Address.ToString());
        if (EnvelopeAddressReader.Read(command.Argument.Span, strict: false, out MailAddress address, out _) != EnvelopeAddressStatus.Ok || address.IsNull)
            return words.BadRecipient;
        if (session.Smtpd!.Restrictions is { } restrictions && await SmtpdRcptHandler.RefusalAsync(session, restrictions, address, "VRFY", cancellationToken) is { } refused)
            return refused;
        return PostfixReplies.Verified(Encoding.UTF8.GetString(command.Argument.Span));
    }
}

/// <summary>ETRN (RFC 1985): no queue is kept for a domain to fetch, so that the answer of a domain without one is given to all.</summary>
internal sealed class SmtpdEtrnHandler : SmtpdHandler
{
    public override SmtpVerb Verb => SmtpVerb.Etrn;
    public override bool IsJunk => true;

    public override Reply? Check(SmtpSession session, SmtpCommand command)
    {
        PostfixReplies words = Words(session);
        if (session.Smtpd!.Config.Dialog.HeloRequired && session.State.Helo.Length == 0)
            return words.NeedsHello;
        if (session.Transaction is not null)
            return words.InTransaction;
        return command.HasArgument && command.Argument.Span.IndexOfAny((byte)' ', (byte)'\t') < 0 ? null : words.EtrnSyntax;
    }

    public override async ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken)
    {
        SmtpdSession smtpd = session.Smtpd!;
        string domain = Encoding.UTF8.GetString(command.Argument.Span);
        if (domain.StartsWith('@') || domain.StartsWith('#'))
            domain = domain[1..];
        if (!PathParser.TryDomain(Encoding.UTF8.GetBytes(domain), PathSyntax.TrailingDot, out _))
            return Words(session).EtrnBadDomain;
        if (smtpd.Restrictions is { } restrictions
            && Take(session, await restrictions.AtEtrnAsync(smtpd.Facts(session) with { EtrnDomain = domain }, smtpd.Memory, cancellationToken), "ETRN") is { } refused)
            return refused;
        return PostfixReplies.NoFlush(domain);
    }
}

/// <summary>STARTTLS: the upgrade itself is the same for all (E5).</summary>
internal sealed class SmtpdStartTlsHandler : SmtpdHandler
{
    private static readonly Verbs.StartTlsHandler s_upgrade = new();

    public override SmtpVerb Verb => SmtpVerb.StartTls;
    public override bool IsAllowedInClear => true;
    public override bool EndsGroup => true;

    public override Reply? Check(SmtpSession session, SmtpCommand command)
    {
        PostfixReplies words = Words(session);
        if (command.HasArgument)
            return PostfixReplies.Syntax("STARTTLS");
        if (session.Transaction is not null)
            return words.InTransaction;
        if (session.State.Tls is not null)
            return words.TlsActive;
        return !session.OffersTls || session.Smtpd!.Discarded.Contains("STARTTLS") ? words.NotImplementedHere : null;
    }

    public override async ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken)
    {
        if (!await ClientEvents.TakeAsync(session, ClientEvent.TlsSession, cancellationToken))
            return Words(session).TlsTooOften(session.Connection.Remote!.Address.ToString());
        return await s_upgrade.ActAsync(session, command, cancellationToken);
    }
}
