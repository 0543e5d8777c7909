using System.Collections.Immutable;
using System.Text;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Smtp;
using Estafette.Smtpd.Auth;

namespace Estafette.Smtpd.Verbs;

/// <summary>
/// AUTH (RFC 4954), offered over TLS only unless the listener says otherwise (E9). Whatever is wrong with a login, the answer has the same words and comes at the same
/// moments; a client that goes on failing is not asked again for a while (E10).
/// </summary>
internal sealed class AuthHandler : CommandHandler
{
    private const int MaximumFailures = 3;

    /// <summary>Lines of one exchange; the longest mechanisms that Dovecot has need a handful.</summary>
    private const int MaximumRounds = 16;

    /// <summary>A refusal is given at whole multiples of this after the client's last word, so that its moment does not tell what was wrong.</summary>
    private static readonly TimeSpan s_refusalBeat = TimeSpan.FromSeconds(0.5);

    public override SmtpVerb Verb => SmtpVerb.Auth;

    public override Reply? Check(SmtpSession session, SmtpCommand command)
    {
        Replies replies = session.Replies;
        if (session.State.Helo.Length == 0 || session.Transaction is not null)
            return replies.NotAllowedNow;
        if (session.State.Login is not null)
            return replies.AlreadyAuthenticated;
        if (!session.OffersAuth)
            return replies.NotSupported;
        return command.HasArgument ? null : replies.NoParameters;
    }

    public override async ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken)
    {
        if (session.Habits.Synchronous && session.Transport.HasBufferedInput())
        {
            session.Abuse("pipelined after AUTH");
            return session.Replies.Unsynchronized;
        }
        LoginContext context = session.LoginContext();
        if (session.Parts.Throttle.IsBlocked(context.Network, session.Limits))
            return session.Replies.AuthUnavailable.ThenClose();
        int blank = command.Argument.Span.IndexOfAny((byte)' ', (byte)'\t');
        string name = Encoding.UTF8.GetString((blank < 0 ? command.Argument : command.Argument[..blank]).Span);
        LoginSource source = LoginSource.Of(session.Connection.Listener!, session.Services);
        ImmutableArray<string> offered = Postfix.SmtpdAuthHandler.Allowed(session, await source.MechanismsAsync(context, cancellationToken));
        if (offered.FirstOrDefault(m => m.Equals(name, StringComparison.OrdinalIgnoreCase)) is not { } mechanism)
            return session.Replies.UnknownMechanism(name);
        (CommandResult? refusal, _) = await session.AskPolicyAsync(FilterPhase.Auth, session.Subject(), cancellationToken);
        if (refusal is not null)
            return refusal.Value;
        using AuthExchange exchange = source.Begin(mechanism, context with { Offered = offered });
        // An empty initial response is written as "=" (RFC 4954 s4); a blank alone is none.
        ReadOnlyMemory<byte>? line = blank < 0 ? null : Trimmed(command.Argument[(blank + 1)..]);
        long asked = session.Parts.Clock.GetTimestamp();
        AuthStep step = await exchange.TakeAsync(line is { Length: 0 } ? null : line, cancellationToken);
        for (int round = 0; step is AuthStep.Challenge challenge; round++)
        {
            if (round == MaximumRounds)
                return session.Replies.AuthSyntax;
            session.Transport.Send(new Reply(334, challenge.Base64));
            LineRead read = await session.Transport.ReadLineAsync(session.Limits.AuthLine, session.Limits.CommandTimeout, command: false);
            if (read.End == WaitEnd.TooLong)
                return session.Replies.AuthSyntax;
            if (read.End != WaitEnd.None)
                return SessionLoop.ReplyTo(session, read.End);
            asked = session.Parts.Clock.GetTimestamp();
            step = await exchange.TakeAsync(read.Line, cancellationToken);
        }
        return await EndAsync(session, mechanism, step, asked, cancellationToken);
    }

    private static async ValueTask<CommandResult> EndAsync(SmtpSession session, string mechanism, AuthStep step, long asked, CancellationToken cancellationToken)
    {
        ClientNetwork? network = ClientNetwork.Of(session.Connection.Remote?.Address);
        switch (step)
        {
            case AuthStep.Succeeded done:
                Tell(session, mechanism, done.Login, success: true);
                session.Parts.Throttle.Succeeded(network, done.Login);
                session.State.Login = done.Login;
                session.State.Mechanism = mechanism;
                return session.Replies.Authenticated;
            case AuthStep.Failed failed:
                Tell(session, mechanism, failed.Login ?? "", success: false);
                session.Parts.Throttle.Failed(network, failed.Login, session.Limits);
                TimeSpan taken = session.Parts.Clock.GetElapsedTime(asked);
                await Task.Delay(s_refusalBeat - new TimeSpan(taken.Ticks % s_refusalBeat.Ticks), session.Parts.Clock, cancellationToken);
                bool last = ++session.Counts.AuthFailures >= MaximumFailures;
                return last ? session.Replies.AuthFailed.ThenClose() : session.Replies.AuthFailed;
            case AuthStep.Unavailable unavailable:
                session.Parts.Events.Publish(new AuthenticationUnavailable(session.Connection.SessionId, mechanism, unavailable.Reason)
                {
                    At = session.Parts.Events.Now,
                    Service = session.Connection.Service,
                    Address = session.Connection.Remote?.Address,
                    HostName = session.Connection.Reverse.Name,
                });
                return session.Replies.AuthUnavailable;
            case AuthStep.Cancelled:
                return session.Replies.AuthCancelled;
            default:
                return session.Replies.AuthSyntax;
        }
    }

    private static void Tell(SmtpSession session, string mechanism, string login, bool success) =>
        session.Parts.Events.Publish(new AuthenticationResult(session.Connection.SessionId, mechanism, login, success)
        {
            At = session.Parts.Events.Now,
            Service = session.Connection.Service,
            Address = session.Connection.Remote?.Address,
            HostName = session.Connection.Reverse.Name,
        });

    private static ReadOnlyMemory<byte> Trimmed(ReadOnlyMemory<byte> text)
    {
        while (!text.IsEmpty && text.Span[0] == (byte)' ')
            text = text[1..];
        while (!text.IsEmpty && text.Span[^1] == (byte)' ')
            text = text[..^1];
        return text;
    }
}
