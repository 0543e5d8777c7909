using System.Net;
using System.Security.Cryptography;
using System.Text;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Smtp;
using Estafette.Tables;

namespace Estafette.Smtpd.Verbs;

/// <summary>
/// AUTH (RFC 4954), offered over TLS only (E9). Whatever is wrong with a login, the answer has the same words and comes after the same work and a random pause; a
/// client that goes on failing is not asked again for a while (E10).
/// </summary>
internal sealed class AuthHandler : CommandHandler
{
    private const int MaximumFailures = 3;
    private const int LongestPauseMilliseconds = 1000;

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
        if (session.Parts.Throttle.IsBlocked(session.Connection.Remote?.Address))
            return session.Replies.AuthUnavailable.ThenClose();
        int blank = command.Argument.Span.IndexOfAny((byte)' ', (byte)'\t');
        ReadOnlyMemory<byte> name = blank < 0 ? command.Argument : command.Argument[..blank];
        if (SaslServer.Create(name.Span) is not { } mechanism)
            return session.Replies.UnknownMechanism(Encoding.UTF8.GetString(name.Span));
        (CommandResult? refusal, _) = await session.AskPolicyAsync(FilterPhase.Auth, session.Subject(), cancellationToken);
        if (refusal is not null)
            return refusal.Value;
        SaslStep step = blank < 0 ? mechanism.Start() : mechanism.Feed(command.Argument.Span[(blank + 1)..].Trim((byte)' '));
        while (step is SaslStep.Challenge challenge)
        {
            session.Transport.Send(new Reply(334, challenge.Base64));
            LineRead read = await session.Transport.ReadLineAsync(session.Limits.AuthLine, session.Limits.CommandTimeout, command: false);
            if (read.End == WaitEnd.TooLong)
                return session.Replies.AuthSyntax;
            if (read.End != WaitEnd.None)
                return SessionLoop.ReplyTo(session, read.End);
            step = mechanism.Feed(read.Line.Span);
        }
        return step switch
        {
            SaslStep.Claim claim => await VerifyAsync(session, mechanism.Mechanism, claim, cancellationToken),
            SaslStep.Cancelled => session.Replies.AuthCancelled,
            _ => session.Replies.AuthSyntax,
        };
    }

    private static async ValueTask<CommandResult> VerifyAsync(SmtpSession session, string mechanism, SaslStep.Claim claim, CancellationToken cancellationToken)
    {
        CredentialCheck check;
        try
        {
            check = await CheckAsync(session, claim, cancellationToken);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(claim.Password);
        }
        IPAddress? client = session.Connection.Remote?.Address;
        session.Parts.Events.Publish(new AuthenticationResult(session.Connection.SessionId, mechanism, claim.Login, check == CredentialCheck.Right)
        {
            At = session.Parts.Events.Now,
            Address = client,
            HostName = session.Connection.Reverse.Name,
        });
        switch (check)
        {
            case CredentialCheck.Right:
                session.Parts.Throttle.Succeeded(client);
                session.State.Login = claim.Login;
                return session.Replies.Authenticated;
            case CredentialCheck.Unavailable:
                return session.Replies.AuthUnavailable;
            default:
                session.Parts.Throttle.Failed(client);
                await Task.Delay(TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32(LongestPauseMilliseconds)), session.Parts.Clock, cancellationToken);
                bool last = ++session.Counts.AuthFailures >= MaximumFailures;
                return last ? session.Replies.AuthFailed.ThenClose() : session.Replies.AuthFailed;
        }
    }

    private static async ValueTask<CredentialCheck> CheckAsync(SmtpSession session, SaslStep.Claim claim, CancellationToken cancellationToken)
    {
        if (session.Connection.Listener!.AuthSource is not AuthSource.Table table)
            return session.Services.SystemLogin is { } system ? await system(claim.Login, claim.Password, cancellationToken) : CredentialCheck.Unavailable;
        return await session.Services.Tables.LookupAsync(table.Name, claim.Login, cancellationToken) switch
        {
            TableAnswer.Found found => await session.Parts.Passwords.VerifyAsync(found.Value, claim.Password, cancellationToken),
            TableAnswer.NotFound => await session.Parts.Passwords.VerifyAsync(null, claim.Password, cancellationToken),
            _ => CredentialCheck.Unavailable,
        };
    }
}
