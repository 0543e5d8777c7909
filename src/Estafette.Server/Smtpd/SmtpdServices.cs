using System.Collections.Frozen;
using System.Net;
using Estafette.Config.Model;
using Estafette.Policy;
using Estafette.Policy.Restrictions;
using Estafette.Routing;
using Estafette.Routing.Maps;
using Estafette.Smtpd.Auth;
using Estafette.Smtpd.Cleanup;
using Estafette.Tables;

namespace Estafette.Smtpd;

/// <summary>Routing's question at RCPT; <c>Router.ResolveAsync</c> answers.</summary>
public delegate ValueTask<RouteResult> RouteResolver(RouteQuery query, CancellationToken cancellationToken);

/// <summary>A question to PAM. <paramref name="Password"/> belongs to who asks and is cleared by him.</summary>
public sealed record SystemLoginRequest(string Service, string Login, ReadOnlyMemory<byte> Password, IPAddress? Client)
{
    public override string ToString() => "login of " + Login;
}

/// <summary>Whether a user of the system has this password. The privileged side answers.</summary>
public delegate ValueTask<CredentialCheck> SystemLogin(SystemLoginRequest request, CancellationToken cancellationToken);

public enum CredentialCheck : byte
{
    Right,
    Wrong,

    /// <summary>Nobody can say now: 454, never 535 (E44).</summary>
    Unavailable,
}

/// <summary>Everything of one configuration that sessions use. A reload makes a new one; a session keeps the one it began with.</summary>
public sealed record SmtpdServices
{
    public required MailConfig Config { get; init; }
    public required RouteResolver Route { get; init; }
    public required TableSet Tables { get; init; }

    /// <summary>What cleanup asks routing about addresses; asked only where a configuration has a cleanup.</summary>
    public AddressTreatment TreatAddress { get; init; } = (question, _) => ValueTask.FromResult<string?>(question.Address);

    /// <summary>Whether an address is one that this server listens at (<c>inet_interfaces</c>).</summary>
    public Func<IPAddress, bool> IsOwnAddress { get; init; } = IPAddress.IsLoopback;
    /// <summary>Routing by address classes and maps; null where rules route and <see cref="Route"/> answers.</summary>
    public MapRouter? Maps { get; init; }
    public required SessionPolicy Policy { get; init; }
    public required IUserDatabase Users { get; init; }

    /// <summary>The restrictions of each service of smtpd(8), by its configuration; empty in the other dialects.</summary>
    public FrozenDictionary<SmtpdConfig, RestrictionEngine> Restrictions { get; init; } = FrozenDictionary<SmtpdConfig, RestrictionEngine>.Empty;

    /// <summary>Whose an address is, where maps route; null elsewhere.</summary>
    public AddressClassifier? Classify { get; init; }

    /// <summary>The newest; ask anew for each handshake.</summary>
    public ServerCertificates Certificates
    {
        get => CurrentCertificates.Newest;
        init => CurrentCertificates = new CurrentCertificates(value);
    }

    public CurrentCertificates CurrentCertificates { get; private init; } = new(ServerCertificates.None);

    /// <summary>Null where the privileged side does not check passwords.</summary>
    public SystemLogin? SystemLogin { get; init; }

    /// <summary>The connections to Dovecot's auth services; they outlive a reload.</summary>
    public DovecotSockets Dovecot { get; init; } = new(TimeProvider.System);

    /// <summary>The listener of this configuration at an address that is bound; null when a reload took it away.</summary>
    public ListenerConfig? ListenerAt(IPEndPoint bound)
    {
        foreach (ListenerConfig listener in Config.Listeners)
        {
            if (listener.EndPoint.Equals(bound))
                return listener;
        }
        return null;
    }
}
