using System.Collections.Immutable;
using System.Net;
using Estafette.Config.Model;
using Estafette.Smtp;

namespace Estafette.Smtpd.Auth;

/// <summary>What a source of logins knows of the connection it serves.</summary>
internal sealed record LoginContext
{
    public required PasswordCheck Passwords { get; init; }
    public required AuthThrottle Throttle { get; init; }
    public required LimitsConfig Limits { get; init; }
    public IPEndPoint? Remote { get; init; }
    public IPEndPoint? Local { get; init; }

    /// <summary>What the client is offered here; empty while that is being found out.</summary>
    public ImmutableArray<string> Offered { get; init; } = [];

    /// <summary>TLS is on.</summary>
    public bool IsSecure { get; init; }
    public ChannelBindings Bindings { get; init; } = ChannelBindings.None;

    /// <summary>Passwords may be asked for: under TLS, or where the listener says so in so many words (E9).</summary>
    public bool MayAskPassword { get; init; }

    public ClientNetwork? Network => ClientNetwork.Of(Remote?.Address);

    /// <summary>Asks the throttle and waits as it says; null where this login is not asked from here for a while.</summary>
    public async ValueTask<CheckTurn?> AdmitAsync(string login, CancellationToken cancellationToken)
    {
        AuthAdmission admission = Throttle.Admit(Network, login, Limits);
        if (admission.Refused)
            return null;
        await Throttle.WaitAsync(admission.Delay, cancellationToken);
        return new CheckTurn(admission.IsKnown, Limits.AuthChecks);
    }
}
