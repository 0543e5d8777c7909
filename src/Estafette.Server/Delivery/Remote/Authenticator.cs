using System.Text;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Smtp;

namespace Estafette.Delivery.Remote;

/// <summary>
/// Logs in to a smarthost with the credentials of the URL's label. A failed login keeps the mail waiting, with the provider's words and, where they are
/// known, what to do about it (O28). The password is in no outcome, event or exception (E54).
/// </summary>
internal sealed class Authenticator(IRelayTables tables, EventSink events, RelayTimeouts timeouts)
{
    /// <summary>Null when logged in.</summary>
    public async ValueTask<DeliveryOutcome?> LogInAsync(RelaySession session, ActionConfig.Relay action, CancellationToken cancellationToken)
    {
        string label = session.EndPoint.AuthLabel!;
        if (action.AuthTable is not string table)
            return Complaint(session, $"No credentials table for label {label}");
        RelayTableAnswer row = await tables.LookUpAsync(table, label, cancellationToken);
        if (row.Trouble is not null)
            return Complaint(session, row.Trouble);
        // Only the first colon separates: passwords hold colons, logins do not.
        int colon = row.Value?.IndexOf(':', StringComparison.Ordinal) ?? -1;
        if (colon <= 0)
            return Complaint(session, row.Value is null ? $"No credentials for label {label} in table {table}" : $"Credentials of label {label} in table {table} are not of the form user:password");
        var credentials = new SaslCredentials(row.Value![..colon], row.Value[(colon + 1)..]);
        SaslClient? client = SaslClient.Choose(session.Capabilities.Mechanisms, credentials, session.Connection.IsEncrypted);
        if (client is null)
            return Complaint(session, $"{session.EndPoint.Label} offers no login that we know (PLAIN, LOGIN, CRAM-MD5)");
        int code = await ExchangeAsync(session.Connection, client);
        if (code is >= 200 and < 300)
            return null;
        if (session.Connection.Failure is not null)
            return session.Lost("logging in");
        DeliveryOutcome refused = PeerOutcome.Of(session.Connection.Reply, session.EndPoint, OutcomeScope.NextHop, permanent: false);
        refused = refused with { Text = SecretEcho.Hide(refused.Text, credentials) + Hint(session.EndPoint.Host, code, refused.Text) };
        if (code >= 500)
            events.Publish(new OperatorWarning("mta", $"Login at {session.EndPoint.Label} with label {label} was refused: {refused.Text}") { At = events.Now });
        return refused;
    }

    private async ValueTask<int> ExchangeAsync(SmtpConnection connection, SaslClient client)
    {
        int code = await SendAsync(connection, client.Begin());
        for (int step = 0; code == 334; step++)
        {
            ReadOnlySpan<byte> octets = connection.ReplyOctets;
            string challenge = octets.Length > 4 ? Encoding.ASCII.GetString(octets[4..]).Trim() : "";
            string? answer = step < RelayLimits.AuthenticationSteps ? client.Answer(challenge) : null;
            code = await SendAsync(connection, answer ?? "*");
            if (answer is null)
                break;
        }
        return code;
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
            : " (hint: login or password is wrong, or this provider wants an app password instead of the account's)";
    }
}
