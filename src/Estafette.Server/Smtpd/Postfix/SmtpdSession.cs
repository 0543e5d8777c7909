using System.Collections.Frozen;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Policy.Restrictions;
using Estafette.Smtp;

namespace Estafette.Smtpd.Postfix;

/// <summary>What a session of Postfix's smtpd(8) has beside all sessions: the service's configuration, its restrictions and what they remember.</summary>
internal sealed class SmtpdSession(SmtpdConfig config, RestrictionEngine? restrictions)
{
    public SmtpdConfig Config => config;

    /// <summary>Null for local programs, which nothing restricts.</summary>
    public RestrictionEngine? Restrictions => restrictions;
    public RestrictionMemory Memory { get; } = new();

    /// <summary>EHLO keywords that are not announced to this client; what they stand for is not understood either.</summary>
    public FrozenSet<string> Discarded { get; set; } = config.Dialog.DiscardedKeywords;

    /// <summary>The client was refused at connect: every command but QUIT is answered so.</summary>
    public bool AccessDenied { get; set; }

    /// <summary>The client sent commands before the answers that it had to wait for (RFC 2920).</summary>
    public bool SpokeTooEarly { get; set; }

    /// <summary>Counted among the open sessions of its client.</summary>
    public bool IsCounted { get; set; }

    /// <summary>Recipients beyond the limit in this transaction.</summary>
    public int Overshoot { get; set; }

    public static SmtpdSession? Of(ConnectionInfo connection, SmtpdServices services)
    {
        if (services.Config.Dialect != Dialect.Postfix)
            return null;
        return connection.Listener?.Smtpd is { } config ? new SmtpdSession(config, services.Restrictions.GetValueOrDefault(config)) : new SmtpdSession(SmtpdConfig.Default, null);
    }

    /// <summary>Parameters of MAIL and RCPT that are understood.</summary>
    public ParameterGroups ParameterGroupsOf(SmtpSession session) => ParameterGroups.Esmtp
        | (config.Dialog.SmtpUtf8 && !Discarded.Contains("SMTPUTF8") ? ParameterGroups.SmtpUtf8 : ParameterGroups.None)
        | (Discarded.Contains("DSN") ? ParameterGroups.None : ParameterGroups.Dsn)
        | (session.Connection.IsLocal ? ParameterGroups.Submission : ParameterGroups.None);

    /// <summary>What the restrictions may look at.</summary>
    public RestrictionFacts Facts(SmtpSession session)
    {
        ReverseName reverse = session.Connection.Reverse;
        return new RestrictionFacts
        {
            Address = session.Connection.Remote?.Address ?? System.Net.IPAddress.Loopback,
            ClientName = reverse is { Verified: true, Name: { } name } ? name : RestrictionFacts.UnknownName,
            ReverseName = reverse.Name ?? RestrictionFacts.UnknownName,
            NameState = reverse.Verified ? PeerNameState.Found : reverse.IsUnsure ? PeerNameState.Unsure : reverse.Name is null ? PeerNameState.None : PeerNameState.Forged,
            Helo = session.State.Helo.Length == 0 ? null : session.State.Helo,
            Login = session.State.Login,
            LoginsOffered = session.Connection.Listener is { Auth: not ListenerAuth.None },
            Tls = session.State.Tls is not null,
            Certificate = session.State.Tls?.Client,
            SpokeTooEarly = SpokeTooEarly,
            Sender = session.Transaction?.ReversePath,
            Recipient = session.Transaction is { Given.Count: 1 } transaction ? transaction.Given[0] : null,
            Recipients = session.Transaction?.Given.Count ?? 0,
        };
    }

    /// <summary>How replies name the client.</summary>
    public static string NamedAddress(SmtpSession session) => session.Smtpd!.Facts(session).NamedAddress;
}
