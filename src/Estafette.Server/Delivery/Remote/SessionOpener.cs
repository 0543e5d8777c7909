using System.Net;
using System.Net.Sockets;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Smtp;

namespace Estafette.Delivery.Remote;

/// <summary>A session, or why there is none. <paramref name="Stop"/> says that other addresses would only refuse alike (a wrong password).</summary>
internal readonly record struct OpenResult(RelaySession? Session, DeliveryOutcome? Failure, bool Stop = false);

/// <summary>
/// Brings one connection to the point where MAIL may follow: connect, greeting, EHLO (HELO for old servers), STARTTLS as the action asks (RFC 3207), AUTH
/// (RFC 4954). A refusal up to here never fails mail for good: the next address is tried, then a later attempt (E38).
/// </summary>
internal sealed class SessionOpener(IRelayTables tables, ClientTls clientTls, EventSink events, RelayTimeouts timeouts, TimeProvider clock)
{
    private const string Trace = "mta";

    public async ValueTask<OpenResult> OpenAsync(RelayEndPoint target, ActionConfig.Relay action, MailConfig config, CancellationToken cancellationToken)
    {
        OpenResult result = await AttemptAsync(target, action, config, cancellationToken);
        if (result.Session is not null || result.Failure is not null)
            return result;
        // A handshake failed where TLS is only welcome: once more in clear text, on a fresh connection (E8).
        RelayEndPoint clear = target with { Tls = RelayTls.Never };
        return await AttemptAsync(clear, action, config, cancellationToken);
    }

    /// <summary>Neither session nor failure means: the handshake of opportunistic TLS failed.</summary>
    private async ValueTask<OpenResult> AttemptAsync(RelayEndPoint target, ActionConfig.Relay action, MailConfig config, CancellationToken cancellationToken)
    {
        IPAddress? source = await SourceAsync(action, target.Address, cancellationToken);
        if (events.Traces(Trace))
            events.Trace(Trace, $"connecting to {target.Label}");
        (SmtpConnection? connection, string trouble) = await SmtpConnection.ConnectAsync(target.Address, source, timeouts.Connect, clock, cancellationToken);
        if (connection is null)
        {
            events.Trace(Trace, $"connect to {target.Label}: {trouble}");
            return new OpenResult(null, PeerOutcome.Deferred(new(4, 4, 1), $"connect to {target.Label}: {trouble}", target, OutcomeScope.NextHop));
        }
        OpenResult result = default;
        try
        {
            result = await GreetAsync(connection, target, action, config, cancellationToken);
        }
        finally
        {
            if (result.Session is null)
                await connection.DisposeAsync();
        }
        if (events.Traces(Trace))
            events.Trace(Trace, result.Session is null ? $"{target.Label}: {result.Failure?.Text ?? "TLS failed, trying without"}" : $"connected to {target.Label} {connection.TlsDescription}");
        return result;
    }

    private async ValueTask<OpenResult> GreetAsync(SmtpConnection connection, RelayEndPoint target, ActionConfig.Relay action, MailConfig config, CancellationToken cancellationToken)
    {
        if (target.Protocol == RelayProtocol.Smtps && !await connection.StartTlsAsync(clientTls.Options(target.Host, verify: action.VerifyTls, action, config), timeouts.TlsHandshake))
            return TlsFailed(connection, target);
        int code = await connection.ReadReplyAsync(timeouts.Greeting);
        if (code is not (>= 200 and < 300))
            return Refused(connection, target, "the greeting");
        string name = await HelloNameAsync(connection, action, config, cancellationToken);
        EhloCapabilities? capabilities = await HelloAsync(connection, target, name);
        if (capabilities is null)
            return Refused(connection, target, "EHLO");
        if (target.Protocol != RelayProtocol.Smtps && target.Tls != RelayTls.Never && !connection.IsEncrypted)
        {
            if (capabilities.Has(EhloKeywords.StartTls))
            {
                (OpenResult? end, bool encrypted) = await UpgradeAsync(connection, target, action, config);
                if (end is OpenResult failed)
                    return failed;
                capabilities = encrypted ? await HelloAsync(connection, target, name) : capabilities;
                if (capabilities is null)
                    return Refused(connection, target, "EHLO");
            }
            else if (target.Tls == RelayTls.Required)
            {
                return new OpenResult(null, PeerOutcome.Deferred(new(4, 7, 4), $"TLS is required, but was not offered by {target.Label}", target, OutcomeScope.NextHop));
            }
        }
        var session = new RelaySession(connection, target, capabilities);
        if (target.AuthLabel is null)
            return new OpenResult(session, null);
        DeliveryOutcome? refusal = await new Authenticator(tables, events, timeouts).LogInAsync(session, action, cancellationToken);
        return refusal is null ? new OpenResult(session, null) : new OpenResult(null, refusal, Stop: refusal.ReplyCode is >= 500 or 0 && connection.Failure is null);
    }

    /// <summary>STARTTLS and the handshake. No end and not encrypted: the peer declined, and clear text is allowed.</summary>
    private async ValueTask<(OpenResult? End, bool Encrypted)> UpgradeAsync(SmtpConnection connection, RelayEndPoint target, ActionConfig.Relay action, MailConfig config)
    {
        bool required = target.Tls == RelayTls.Required;
        CommandWriter.Line(connection.Output, "STARTTLS");
        await connection.FlushAsync(timeouts.Hello);
        int code = await connection.ReadReplyAsync(timeouts.Hello);
        if (code != 220)
        {
            if (required || code is 0 or 421)
                return (Refused(connection, target, "STARTTLS"), false);
            events.Publish(new OperatorWarning(Trace, $"{target.Label} offers STARTTLS but declines it ({connection.Reply.Text}): clear text is used") { At = clock.GetUtcNow() });
            return (null, false);
        }
        if (await connection.StartTlsAsync(clientTls.Options(target.Host, required && action.VerifyTls, action, config), timeouts.TlsHandshake))
            return (null, true);
        if (required)
            return (TlsFailed(connection, target), false);
        events.Publish(new OperatorWarning(Trace, $"TLS with {target.Label} failed ({connection.Failure}): clear text is used") { At = clock.GetUtcNow() });
        return (default(OpenResult), false);
    }

    private async ValueTask<EhloCapabilities?> HelloAsync(SmtpConnection connection, RelayEndPoint target, string name)
    {
        bool lmtp = target.Protocol == RelayProtocol.Lmtp;
        int code = await SayHelloAsync(connection, lmtp ? "LHLO" : "EHLO", name);
        if (code == 250)
            return EhloCapabilities.Read(connection.ReplyOctets);
        // RFC 5321 s3.2: a server that does not know EHLO says 5xx; 421 and lost connections are no invitation to go on.
        if (lmtp || code is < 500 or >= 600)
            return null;
        return await SayHelloAsync(connection, "HELO", name) == 250 ? EhloCapabilities.None : null;
    }

    private async ValueTask<int> SayHelloAsync(SmtpConnection connection, string verb, string name)
    {
        if (!CommandWriter.TryHello(connection.Output, verb, name))
            CommandWriter.Line(connection.Output, verb + " localhost");
        await connection.FlushAsync(timeouts.Hello);
        return await connection.ReadReplyAsync(timeouts.Hello);
    }

    private async ValueTask<string> HelloNameAsync(SmtpConnection connection, ActionConfig.Relay action, MailConfig config, CancellationToken cancellationToken)
    {
        if (action.HeloTable is string table && connection.LocalAddress is IPAddress local)
        {
            RelayTableAnswer row = await tables.LookUpAsync(table, local.ToString(), cancellationToken);
            if (!string.IsNullOrEmpty(row.Value))
                return row.Value;
        }
        return action.Helo ?? config.HostName;
    }

    /// <summary>One of the configured source addresses of the target's family, at random; null lets the system choose.</summary>
    private async ValueTask<IPAddress?> SourceAsync(ActionConfig.Relay action, EndPoint target, CancellationToken cancellationToken)
    {
        if (action.SourceTable is not string table || target is not IPEndPoint ip)
            return null;
        var fitting = new List<IPAddress>();
        foreach (string row in await tables.ListAsync(table, cancellationToken))
        {
            if (RoutePlanner.TryLiteral(row, out IPAddress address) && address.AddressFamily == ip.AddressFamily)
                fitting.Add(address);
        }
        return fitting.Count == 0 ? null : fitting[Random.Shared.Next(fitting.Count)];
    }

    private static OpenResult TlsFailed(SmtpConnection connection, RelayEndPoint target) =>
        new(null, PeerOutcome.Deferred(new(4, 7, 5), $"TLS with {target.Label} failed: {connection.Failure}", target, OutcomeScope.NextHop));

    private static OpenResult Refused(SmtpConnection connection, RelayEndPoint target, string step)
    {
        DeliveryOutcome outcome = connection.Failure is string failure
            ? PeerOutcome.Deferred(new(4, 4, 2), $"{failure} with {target.Label} while waiting for the answer to {step}".Replace("answer to the greeting", "greeting", StringComparison.Ordinal), target, OutcomeScope.NextHop)
            : PeerOutcome.Of(connection.Reply, target, OutcomeScope.NextHop, permanent: false);
        return new OpenResult(null, outcome);
    }
}
