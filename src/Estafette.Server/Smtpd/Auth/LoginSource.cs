using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Smtp;

namespace Estafette.Smtpd.Auth;

/// <summary>Who is asked about logins of one listener: which mechanisms that makes possible on a connection, and their exchanges. Made from the listener; holds no state of a session.</summary>
internal abstract class LoginSource
{
    public static LoginSource Of(ListenerConfig listener, SmtpdServices services) => listener.AuthSource switch
    {
        AuthSource.Table table => new TableLogins(table.Name, listener.AuthMechanisms, services.Tables),
        AuthSource.SystemUsers system => new SystemLogins(system.Service, listener.AuthMechanisms, services.SystemLogin),
        AuthSource.Dovecot dovecot => new DovecotLogins(services.Dovecot.At(dovecot.SocketPath), listener.AuthMechanisms),
        _ => throw new InvalidOperationException("a source of logins that nobody knows"),
    };

    /// <summary>What to offer, in the order of the announcement; empty where nothing works.</summary>
    public abstract ValueTask<ImmutableArray<string>> MechanismsAsync(LoginContext context, CancellationToken cancellationToken);

    /// <summary>Begins an exchange of a mechanism that is offered.</summary>
    public abstract AuthExchange Begin(string mechanism, LoginContext context);
}

/// <summary>The mechanisms that this server speaks itself, over what a source says of a login.</summary>
internal abstract class OwnExchange(SaslServer mechanism, LoginContext context) : AuthExchange
{
    private const string TooMany = "too many failed logins, or too many at once";

    protected LoginContext Context => context;

    public override async ValueTask<AuthStep> TakeAsync(ReadOnlyMemory<byte>? line, CancellationToken cancellationToken)
    {
        SaslStep step = line is { } given ? mechanism.Feed(given.Span) : mechanism.Start();
        if (step is SaslStep.NeedsVerifier wanted)
        {
            if (await context.AdmitAsync(wanted.Login, cancellationToken) is null)
                return new AuthStep.Unavailable(TooMany);
            (ScramVerifier? verifier, bool exists) = await VerifierAsync(wanted.Login, cancellationToken);
            if (verifier is null)
                return new AuthStep.Unavailable("the table cannot be read");
            step = ((ScramServer)mechanism).Provide(verifier, exists);
        }
        return step switch
        {
            SaslStep.Challenge challenge => new AuthStep.Challenge(challenge.Base64),
            SaslStep.Claim claim => await CheckAsync(claim, cancellationToken),
            SaslStep.Proven proven => new AuthStep.Succeeded(proven.Login),
            SaslStep.Refused refused => new AuthStep.Failed(refused.Login),
            SaslStep.Cancelled => AuthStep.Cancelled.Instance,
            _ => AuthStep.Malformed.Instance,
        };
    }

    protected abstract ValueTask<CredentialCheck> VerifyAsync(SaslStep.Claim claim, CheckTurn turn, CancellationToken cancellationToken);

    /// <summary>Null where nobody can say now.</summary>
    protected virtual ValueTask<(ScramVerifier? Verifier, bool Exists)> VerifierAsync(string login, CancellationToken cancellationToken) =>
        throw new InvalidOperationException("this source has no verifiers");

    private async ValueTask<AuthStep> CheckAsync(SaslStep.Claim claim, CancellationToken cancellationToken)
    {
        try
        {
            if (await context.AdmitAsync(claim.Login, cancellationToken) is not { } turn)
                return new AuthStep.Unavailable(TooMany);
            return await VerifyAsync(claim, turn, cancellationToken) switch
            {
                CredentialCheck.Right => new AuthStep.Succeeded(claim.Login),
                CredentialCheck.Wrong => new AuthStep.Failed(claim.Login),
                _ => new AuthStep.Unavailable("the password cannot be checked now"),
            };
        }
        finally
        {
            System.Security.Cryptography.CryptographicOperations.ZeroMemory(claim.Password);
        }
    }
}
