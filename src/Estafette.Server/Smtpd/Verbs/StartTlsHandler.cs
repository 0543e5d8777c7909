using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Smtp;

namespace Estafette.Smtpd.Verbs;

/// <summary>STARTTLS (RFC 3207). What the client has already sent in the clear is thrown away and told as an attack (E5, CVE-2011-0411).</summary>
internal sealed class StartTlsHandler : CommandHandler
{
    public override SmtpVerb Verb => SmtpVerb.StartTls;

    public override Reply? Check(SmtpSession session, SmtpCommand command)
    {
        Replies replies = session.Replies;
        if (session.State.Helo.Length == 0 || session.Transaction is not null)
            return replies.NotAllowedNow;
        if (!session.OffersTls)
            return replies.NotSupported;
        if (session.State.Tls is not null)
            return replies.AlreadySecured;
        return command.HasArgument ? replies.NoParameters : null;
    }

    public override async ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken)
    {
        ListenerConfig listener = session.Connection.Listener!;
        if (session.Services.Certificates.Choose(listener, null) is null)
            return new CommandResult(session.Replies.TlsUnavailable, listener.At.ToString());
        (CommandResult? refusal, _) = await session.AskPolicyAsync(FilterPhase.StartTls, session.Subject(), cancellationToken);
        if (refusal is not null)
            return refusal.Value;
        if (session.Transport.DiscardInput())
            session.Abuse("plaintext pipelined after STARTTLS");
        session.Transport.Send(session.Replies.ReadyForTls);
        await session.Transport.FlushAsync();
        return await StartAsync(session, listener, cancellationToken) ? new CommandResult(null) : CommandResult.Lost;
    }

    /// <summary>The handshake, for STARTTLS and for listeners that begin with it; false where it failed.</summary>
    public static async ValueTask<bool> StartAsync(SmtpSession session, ListenerConfig listener, CancellationToken cancellationToken)
    {
        TlsStart start = await TlsUpgrade.StartAsync(session, listener, cancellationToken);
        if (start is not { Info: { } info, Stream: { } stream })
        {
            session.Parts.Events.Publish(new TlsFailed(session.Connection.SessionId, start.Reason)
            {
                At = session.Parts.Events.Now,
                Service = session.Connection.Service,
                Address = session.Connection.Remote?.Address,
                HostName = session.Connection.Reverse.Name,
            });
            return false;
        }
        session.TlsStarted(info, stream);
        return true;
    }
}
