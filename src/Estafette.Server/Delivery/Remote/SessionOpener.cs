using System.Net;
using System.Net.Sockets;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Smtp;

namespace Estafette.Delivery.Remote;

/// <summary>How far the setting up of a session came.</summary>
internal enum OpenStep : byte
{
    /// <summary>Something at home was missing, or a login rests: nothing was connected, and the host is not to blame.</summary>
    AtHome,

    /// <summary>Connecting, or the greeting: the host as such.</summary>
    Host,

    /// <summary>TLS or the login, which are this action's.</summary>
    Action,
}

/// <summary>A session, or why there is none and at which step that came out.</summary>
internal readonly record struct OpenResult(RelaySession? Session, DeliveryOutcome? Failure, OpenStep Step = OpenStep.Host);

/// <summary>What one connection is to be like: found out before it is made.</summary>
internal sealed record OpenPlan(RelayEndPoint Target, ActionConfig.Relay Action, MailConfig Config, TlsPolicy Tls, LoginAnswer Login)
{
    public required RelayTimeouts Times { get; init; }
}

/// <summary>
/// Brings one connection to the point where MAIL may follow: connect, greeting, EHLO (HELO for old servers), STARTTLS as the policy asks (RFC 3207), AUTH
/// (RFC 4954). A refusal up to here never fails mail for good: the next address is tried, then a later attempt (E38). Where the policy demands TLS nothing
/// is sent without it, whatever the other side says.
/// </summary>
internal sealed class SessionOpener(RelayServices services)
{
    private const string Trace = "mta";

    private readonly IRelayTables _tables = services.Tables;
    private readonly EventSink _events = services.Events;
    private readonly RelayLogins _logins = new(services.Tables, services.Events);
    private readonly TlsPolicies _policies = new(services.Tables);
    private readonly Authenticator _authenticator = new(services.Logins, services.Events, services.Timeouts);
    private readonly FirstTime _firstTime = new(services.Clock);

    public async ValueTask<OpenResult> OpenAsync(RelayEndPoint target, ActionConfig.Relay action, string sender, MailConfig config, CancellationToken cancellationToken)
    {
        LoginAnswer login = await _logins.FindAsync(action, target, sender, cancellationToken);
        DeliveryOutcome? trouble = login.Trouble ?? (login.Credentials is null ? null : services.Logins.Held(services.Logins.KeyOf(target.Service, login.Credentials)));
        if (trouble is not null)
            return new OpenResult(null, trouble, OpenStep.AtHome);
        TlsPolicyAnswer tls = await _policies.FindAsync(action, target, LeastLevel(action, login), cancellationToken);
        if (tls.Policy is null)
        {
            _events.Publish(new OperatorWarning(Trace, tls.Trouble!) { At = _events.Now });
            return new OpenResult(null, PeerOutcome.Deferred(new(4, 3, 5), tls.Trouble!, target, OutcomeScope.NextHop), OpenStep.AtHome);
        }
        var plan = new OpenPlan(target, action, config, tls.Policy, login) { Times = services.Timeouts.Of(action.Habits.Patience) };
        OpenResult result = await AttemptAsync(plan, cancellationToken);
        if (result.Session is not null || result.Failure is not null)
            return result;
        // A handshake failed where TLS is only welcome: once more in clear text, on a fresh connection (E8).
        return await AttemptAsync(plan with { Tls = tls.Policy with { Level = TlsLevel.None } }, cancellationToken);
    }

    /// <summary>The least TLS where a password goes out and the action says nothing: verified in a name that whoever wrote the row knows, which one out of the DNS is not.</summary>
    internal static TlsLevel? LeastLevel(ActionConfig.Relay action, LoginAnswer login) => login.Credentials is null ? null : NeedsOf(action) switch
    {
        PasswordNeeds.VerifiedTls => login.IsDomains ? TlsLevel.Secure : TlsLevel.Verify,
        PasswordNeeds.Tls => TlsLevel.Encrypt,
        _ => null,
    };

    private static PasswordNeeds NeedsOf(ActionConfig.Relay action) => action.Credentials?.Password ?? PasswordNeeds.VerifiedTls;

    /// <summary>Neither session nor failure means: the handshake of opportunistic TLS failed.</summary>
    private async ValueTask<OpenResult> AttemptAsync(OpenPlan plan, CancellationToken cancellationToken)
    {
        RelayEndPoint target = plan.Target;
        IPAddress? source = await SourceAsync(plan.Action, target.Address, cancellationToken);
        if (_events.Traces(Trace))
            _events.Trace(Trace, $"connecting to {target.Label}");
        (SmtpConnection? connection, string trouble) = await SmtpConnection.ConnectAsync(target.Address, source, plan.Times.Connect, services.Clock, cancellationToken);
        if (connection is null)
        {
            _events.Trace(Trace, $"connect to {target.Label}: {trouble}");
            if (_events.TellsSteps)
                _events.Publish(new RelayConnectFailed(target.Label, trouble) { At = _events.Now, Service = plan.Action.LogTag });
            return new OpenResult(null, PeerOutcome.Deferred(new(4, 4, 1), $"connect to {target.Label}: {trouble}", target, OutcomeScope.NextHop));
        }
        OpenResult result = default;
        try
        {
            result = await GreetAsync(connection, plan, cancellationToken);
        }
        finally
        {
            if (result.Session is null)
                await connection.DisposeAsync();
        }
        if (_events.Traces(Trace))
            _events.Trace(Trace, result.Session is null ? $"{target.Label}: {result.Failure?.Text ?? "TLS failed, trying without"}" : $"connected to {target.Label}");
        return result;
    }

    private async ValueTask<OpenResult> GreetAsync(SmtpConnection connection, OpenPlan plan, CancellationToken cancellationToken)
    {
        RelayEndPoint target = plan.Target;
        if (target.Protocol == RelayProtocol.Smtps && !await EncryptAsync(connection, plan))
            return TlsFailed(connection, plan);
        int code = await connection.ReadReplyAsync(plan.Times.Greeting);
        if (code is not (>= 200 and < 300))
        {
            return code >= 500 && !plan.Action.Habits.SkipsRefusedGreeting
                ? new OpenResult(null, PeerOutcome.Of(connection.Reply, target, OutcomeScope.NextHop))
                : Unanswered(connection, plan, "greeting");
        }
        string name = await HelloNameAsync(connection, plan.Action, plan.Config, cancellationToken);
        EhloCapabilities? capabilities = Heeded(await HelloAsync(connection, plan, name), plan.Action);
        if (capabilities is null)
            return Refused(connection, target, "answer to EHLO");
        if (!connection.IsEncrypted && plan.Tls.Level != TlsLevel.None)
        {
            if (capabilities.Has(EhloKeywords.StartTls))
            {
                (OpenResult? end, bool encrypted) = await UpgradeAsync(connection, plan);
                if (end is OpenResult failed)
                    return failed;
                // Whatever was promised in clear text is forgotten (E6).
                capabilities = encrypted ? Heeded(await HelloAsync(connection, plan, name), plan.Action) : capabilities;
                if (capabilities is null)
                    return Unanswered(connection, plan, "answer to EHLO");
            }
            else if (plan.Tls.Level >= TlsLevel.Encrypt)
            {
                return OfAction(new(4, 7, 4), $"TLS is required, but was not offered by {target.Label}", target);
            }
        }
        var session = new RelaySession(connection, target, capabilities) { ResetsBeforeQuit = plan.Action.ByNextHop is null };
        if (plan.Login.Credentials is null)
            return new OpenResult(session, null);
        DeliveryOutcome? refusal = await _authenticator.LogInAsync(session, plan.Login, NeedsOf(plan.Action), cancellationToken);
        // A refused login rests by itself, by its password: a corrected one is to be tried at once.
        return refusal is null ? new OpenResult(session, null) : new OpenResult(null, refusal, refusal.ReplyCode >= 500 ? OpenStep.AtHome : OpenStep.Action);
    }

    /// <summary>STARTTLS and the handshake. No end and not encrypted: the peer declined, and clear text is allowed.</summary>
    private async ValueTask<(OpenResult? End, bool Encrypted)> UpgradeAsync(SmtpConnection connection, OpenPlan plan)
    {
        RelayEndPoint target = plan.Target;
        bool required = plan.Tls.Level >= TlsLevel.Encrypt;
        CommandWriter.Line(connection.Output, "STARTTLS");
        await connection.FlushAsync(plan.Times.Hello);
        int code = await connection.ReadReplyAsync(plan.Times.Hello);
        if (code != 220)
        {
            if (code is 0 or 421)
                return (Refused(connection, target, "answer to STARTTLS"), false);
            string words = connection.Reply.Text;
            if (required)
                return (OfAction(new(4, 7, 4), $"TLS is required, but {target.Label} declines STARTTLS: {words}", target), false);
            Tell(target, "declined", $"{target.Label} offers STARTTLS but declines it ({words}): clear text is used");
            return (null, false);
        }
        if (connection.Unasked > 0)
            Tell(target, "injected", $"{target.Label} sent {connection.Unasked} octets in clear text behind its answer to STARTTLS: they are thrown away; somebody on the way may have put them there");
        if (await EncryptAsync(connection, plan))
            return (null, true);
        if (required)
            return (TlsFailed(connection, plan), false);
        Tell(target, "failed", $"TLS with {target.Label} failed ({connection.Failure}): clear text is used");
        return (default(OpenResult), false);
    }

    private async ValueTask<bool> EncryptAsync(SmtpConnection connection, OpenPlan plan)
    {
        if (!await connection.StartTlsAsync(services.Tls.Options(plan.Tls, plan.Target, plan.Config), plan.Times.TlsHandshake))
            return false;
        if (connection.Tls is var (protocol, cipher))
        {
            _events.Publish(new RelayTlsStarted(plan.Target.Label, connection.Finding?.Trust ?? PeerTrust.Anonymous)
            {
                At = _events.Now,
                Protocol = protocol,
                Cipher = cipher.OpenSslName,
                Bits = cipher.Bits,
                Service = plan.Action.LogTag,
            });
        }
        return true;
    }

    /// <summary>Once a day for each next hop and kind of news, not once a message.</summary>
    private void Tell(RelayEndPoint target, string kind, string text)
    {
        if (_firstTime.Is(target.Service + " " + kind))
            _events.Publish(new OperatorWarning(Trace, text) { At = _events.Now });
        else
            _events.Trace(Trace, text);
    }

    /// <summary>What a peer announces but does not keep (<c>smtp_discard_ehlo_keywords</c>), and mechanisms that are not to be used.</summary>
    private static EhloCapabilities? Heeded(EhloCapabilities? announced, ActionConfig.Relay action)
    {
        if (announced is null)
            return null;
        foreach (string keyword in action.Habits.IgnoredKeywords)
            announced = announced with { Keywords = announced.Keywords & ~EhloCapabilities.KeywordOf(keyword) };
        return action.Credentials is { Mechanisms: { IsEmpty: false } mechanisms } ? announced with { Mechanisms = announced.Mechanisms & EhloCapabilities.MechanismsOf(["AUTH", .. mechanisms]) } : announced;
    }

    private static async ValueTask<EhloCapabilities?> HelloAsync(SmtpConnection connection, OpenPlan plan, string name)
    {
        bool lmtp = plan.Target.Protocol == RelayProtocol.Lmtp;
        int code = await SayHelloAsync(connection, lmtp ? "LHLO" : "EHLO", name, plan.Times.Hello);
        if (code == 250)
            return EhloCapabilities.Read(connection.ReplyOctets);
        // RFC 5321 s3.2: a server that does not know EHLO says 5xx; 421 and lost connections are no invitation to go on.
        if (lmtp || code is < 500 or >= 600)
            return null;
        return await SayHelloAsync(connection, "HELO", name, plan.Times.Hello) == 250 ? EhloCapabilities.None : null;
    }

    private static async ValueTask<int> SayHelloAsync(SmtpConnection connection, string verb, string name, TimeSpan limit)
    {
        if (!CommandWriter.TryHello(connection.Output, verb, name))
            CommandWriter.Line(connection.Output, verb + " localhost");
        await connection.FlushAsync(limit);
        return await connection.ReadReplyAsync(limit);
    }

    private async ValueTask<string> HelloNameAsync(SmtpConnection connection, ActionConfig.Relay action, MailConfig config, CancellationToken cancellationToken)
    {
        if (action.HeloTable is string table && connection.LocalAddress is IPAddress local)
        {
            RelayTableAnswer row = await _tables.LookUpAsync(table, local.ToString(), cancellationToken);
            if (!string.IsNullOrEmpty(row.Value))
                return row.Value;
        }
        return action.Helo ?? config.HostName;
    }

    /// <summary>One of the configured source addresses of the target's family, at random; null lets the system choose.</summary>
    private async ValueTask<IPAddress?> SourceAsync(ActionConfig.Relay action, EndPoint target, CancellationToken cancellationToken)
    {
        if (target is IPEndPoint { AddressFamily: var family } && (family == AddressFamily.InterNetwork ? action.Habits.Source4 : action.Habits.Source6) is { } fixedSource)
            return fixedSource;
        if (action.SourceTable is not string table || target is not IPEndPoint ip)
            return null;
        var fitting = new List<IPAddress>();
        foreach (string row in await _tables.ListAsync(table, cancellationToken))
        {
            if (RoutePlanner.TryLiteral(row, out IPAddress address) && address.AddressFamily == ip.AddressFamily)
                fitting.Add(address);
        }
        return fitting.Count == 0 ? null : fitting[Random.Shared.Next(fitting.Count)];
    }

    private OpenResult TlsFailed(SmtpConnection connection, OpenPlan plan)
    {
        string text = $"TLS with {plan.Target.Label} failed (level {plan.Tls.Level.ToString().ToLowerInvariant()}): {connection.Failure}";
        if (connection.Finding?.Refusal is not null && _firstTime.Is(text))
            _events.Publish(new OperatorWarning(Trace, text) { At = _events.Now });
        return OfAction(new(4, 7, 5), text, plan.Target);
    }

    private static OpenResult OfAction(EnhancedStatus status, string text, RelayEndPoint target) =>
        new(null, PeerOutcome.Deferred(status, text, target, OutcomeScope.NextHop), OpenStep.Action);

    /// <summary>In TLS 1.3 a server that misses our certificate says so only after the handshake, by hanging up (RFC 8446 s4.4.2.4).</summary>
    private static OpenResult Unanswered(SmtpConnection connection, OpenPlan plan, string awaited)
    {
        OpenResult result = Refused(connection, plan.Target, awaited);
        return connection is { IsEncrypted: true, Failure: not null } && plan.Tls.Identity is null && result.Failure is { } outcome
            ? result with { Failure = outcome with { Text = outcome.Text + ", right after the TLS handshake (hint: it may demand a certificate of this server: name one with `pki` on the action)" }, Step = OpenStep.Action }
            : result;
    }

    private static OpenResult Refused(SmtpConnection connection, RelayEndPoint target, string awaited)
    {
        DeliveryOutcome outcome = connection.Failure is string failure
            ? PeerOutcome.Deferred(new(4, 4, 2), $"{failure} with {target.Label} while waiting for the {awaited}", target, OutcomeScope.NextHop)
            : PeerOutcome.Of(connection.Reply, target, OutcomeScope.NextHop, permanent: false);
        return new OpenResult(null, outcome);
    }
}
