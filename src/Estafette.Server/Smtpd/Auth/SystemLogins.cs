using System.Collections.Immutable;
using System.Text;
using Estafette.Config.Model;
using Estafette.Smtp;

namespace Estafette.Smtpd.Auth;

/// <summary>Logins of the system's users: the privileged side asks PAM, which must see the password.</summary>
internal sealed class SystemLogins(string service, ImmutableArray<string> wanted, SystemLogin? ask) : LoginSource
{
    public override ValueTask<ImmutableArray<string>> MechanismsAsync(LoginContext context, CancellationToken cancellationToken) =>
        ValueTask.FromResult(!context.MayAskPassword ? [] : wanted.IsEmpty ? AuthMechanism.OfSystemUsers : wanted);

    public override AuthExchange Begin(string mechanism, LoginContext context) =>
        new Exchange(SaslServer.Create(Encoding.ASCII.GetBytes(mechanism))!, context, service, ask);

    private sealed class Exchange(SaslServer server, LoginContext context, string service, SystemLogin? ask) : OwnExchange(server, context)
    {
        protected override async ValueTask<CredentialCheck> VerifyAsync(SaslStep.Claim claim, CheckTurn turn, CancellationToken cancellationToken) => ask is null
            ? CredentialCheck.Unavailable
            : await Context.Passwords.RunAsync(() => ask(new SystemLoginRequest(service, claim.Login, claim.Password, Context.Remote?.Address), cancellationToken), turn, cancellationToken);
    }
}
