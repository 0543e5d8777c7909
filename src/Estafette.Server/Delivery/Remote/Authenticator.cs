using System.Text;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Smtp;

namespace Estafette.Delivery.Remote;

/// <summary>
/// Logs in with the strongest mechanism that the connection allows (RFC 4954, E9). A failed login keeps the mail waiting, with the provider's words and, where they are
/// known, what to do about it (O28); a server that does not prove itself where the mechanism asks for it gets no mail. The password is in no outcome, event or exception (E54).
/// </summary>
internal sealed class Authenticator(LoginGate gate, EventSink events, RelayTimeouts timeouts)
{
    /// <summary>Null when logged in.</summary>
    public async ValueTask<DeliveryOutcome?> LogInAsync(RelaySession session, LoginAnswer login, PasswordNeeds needs, CancellationToken cancellationToken)
    {
        SaslCredentials credentials = login.Credentials!;
        LoginKey key = gate.KeyOf(session.EndPoint.Service, credentials);
        using IDisposable? passage = await gate.EnterAsync(key, timeouts.Authentication, cancellationToken);
        if (passage is null)
            return Complaint(session, $"Another connection to {session.EndPoint.Label} is still trying this login");
        // It may have been refused while this one waited.
        if (gate.Held(key) is { } held)
            return held;
        SmtpConnection connection = session.Connection;
        var channel = new SaslChannel(connection.IsEncrypted, needs == PasswordNeeds.Nothing || (connection.IsEncrypted && (needs == PasswordNeeds.Tls || (needs == PasswordNeeds.VerifiedTls && connection.IsVerified))))
        {
            EndPoint = connection.EndPointBinding(),
        };
        SaslClient? client = SaslClient.Choose(session.Capabilities.Mechanisms, credentials, channel);
        if (client is null)
            return Complaint(session, NoneFits(session, channel));
        connection.Conceal(credentials);
        (int code, bool cancelled) = await ExchangeAsync(connection, client);
        if (code is >= 200 and < 300 && !cancelled)
        {
            if (!client.ServerIsProven)
                return Complaint(session, $"{session.EndPoint.Label} let the login pass without proving that it knows the password ({client.Name}): somebody else may answer in its place");
            gate.Accepted(key);
            return null;
        }
        if (client.Fault is not null)
            return Complaint(session, SecretEcho.Hide($"{session.EndPoint.Label} {client.Fault} ({client.Name})", credentials));
        if (connection.Failure is not null)
            return session.Lost("logging in");
        // We ended it: that says nothing of the password.
        if (cancelled)
            return Complaint(session, $"{session.EndPoint.Label} does not follow the rules of {client.Name}");
        return Refused(session, login, key, code);
    }

    private DeliveryOutcome Refused(RelaySession session, LoginAnswer login, LoginKey key, int code)
    {
        DeliveryOutcome refused = PeerOutcome.Of(session.Connection.Reply, session.EndPoint, OutcomeScope.NextHop, permanent: false);
        refused = refused with { Text = refused.Text + Hint(session.EndPoint.Host, code, refused.Text) };
        if (code < 500)
            return refused;
        gate.Refused(key, refused);
        events.Publish(new OperatorWarning("mta", $"Login at {session.EndPoint.Label} with {login.Origin} was refused: {refused.Text}") { At = events.Now });
        return refused;
    }

    private static string NoneFits(RelaySession session, SaslChannel channel)
    {
        SaslMechanisms offered = session.Capabilities.Mechanisms;
        string label = session.EndPoint.Label;
        if ((offered & (SaslMechanisms.Plain | SaslMechanisms.Login)) == 0)
            return $"{label} offers no login that we know (SCRAM-SHA-256, CRAM-MD5, PLAIN, LOGIN)";
        return channel.IsEncrypted
            ? $"{label} would have the password itself, but its certificate was not verified: demand `tls verify` or `tls secure`, or allow it with `tls no-verify`"
            : $"{label} would have the password in clear text: demand TLS";
    }

    private async ValueTask<(int Code, bool Cancelled)> ExchangeAsync(SmtpConnection connection, SaslClient client)
    {
        int code = await SendAsync(connection, client.Begin());
        for (int step = 0; code == 334; step++)
        {
            ReadOnlySpan<byte> octets = connection.ReplyOctets;
            string challenge = octets.Length > 4 ? Encoding.ASCII.GetString(octets[4..]).Trim() : "";
            string? answer = step < RelayLimits.AuthenticationSteps ? client.Answer(challenge) : null;
            code = await SendAsync(connection, answer ?? "*");
            if (answer is null)
                return (code, true);
        }
        return (code, false);
    }

    private async ValueTask<int> SendAsync(SmtpConnection connection, string line)
    {
        CommandWriter.Line(connection.Output, line);
        connection.Output.MarkSecret();
        await connection.FlushAsync(timeouts.Authentication);
        return await connection.ReadReplyAsync(timeouts.Authentication);
    }

    private DeliveryOutcome Complaint(RelaySession session, string text)
    {
        events.Publish(new OperatorWarning("mta", text) { At = events.Now });
        return PeerOutcome.Deferred(new(4, 7, 8), text, session.EndPoint, OutcomeScope.NextHop);
    }

    private static string Hint(string host, int code, string text)
    {
        if (code is not (534 or 535))
            return "";
        bool google = text.Contains("google", StringComparison.OrdinalIgnoreCase) || text.Contains("gmail", StringComparison.OrdinalIgnoreCase)
            || host.EndsWith(".gmail.com", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".google.com", StringComparison.OrdinalIgnoreCase);
        return google
            ? " (hint: Google takes no account password here: switch on two-step verification, create an app password at myaccount.google.com/apppasswords and put it into the credentials table)"
            : " (hint: login or password is wrong, or this provider wants an app password instead of the account's; a corrected row is used at the next attempt, `smtpctl schedule all` makes it now)";
    }
}
