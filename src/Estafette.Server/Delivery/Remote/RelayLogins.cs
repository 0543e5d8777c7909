using System.Globalization;
using System.Net;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Smtp;

namespace Estafette.Delivery.Remote;

/// <summary>The login for a connection, none, or why it cannot be told.</summary>
/// <param name="Origin">How logs name the row: <c>label lab</c>, <c>key [host]:587</c>.</param>
internal readonly record struct LoginAnswer(SaslCredentials? Credentials, string Origin = "", DeliveryOutcome? Trouble = null)
{
    /// <summary>The row is that of the recipient's domain, and the host's name is one out of the DNS.</summary>
    public bool IsDomains { get; init; }
}

/// <summary>
/// Finds the login for a next hop before anything is connected: by the label of its URL, by its name, or by the sender. The table is asked each time, so that a corrected
/// file counts at once. The password is in no outcome, event or exception (E54).
/// </summary>
internal sealed class RelayLogins(IRelayTables tables, EventSink events)
{
    public async ValueTask<LoginAnswer> FindAsync(ActionConfig.Relay action, RelayEndPoint target, string sender, CancellationToken cancellationToken)
    {
        bool byLabel = action.Credentials is null or { Key: CredentialKey.Label };
        if (byLabel && target.AuthLabel is null || action.Credentials is null && !byLabel)
            return default;
        if (action.Credentials is not { } credentials)
            return Complaint(target, $"No credentials table for label {target.AuthLabel}");
        // By MX the recipient's domain says who is connected to: a sender's password is not for everybody he writes to.
        // With a next hop of maps the lane has a sender only where that is not so.
        bool ours = !action.Hosts.IsEmpty || action.DomainTable is not null || action.ByNextHop is not null;
        foreach (string key in byLabel ? [target.AuthLabel!] : KeysOf(ours ? credentials.Key : CredentialKey.Host, target, sender))
        {
            RelayTableAnswer row = await LookUpAsync(credentials, key, cancellationToken);
            if (row.Trouble is not null)
                return Complaint(target, row.Trouble);
            if (row.Value is null)
                continue;
            string origin = (byLabel ? "label " : "key ") + key;
            // Only the first colon separates: passwords hold colons, logins do not.
            int colon = row.Value.IndexOf(':', StringComparison.Ordinal);
            return colon <= 0
                ? Complaint(target, $"Credentials of {origin} in table {TableConfig.Told(credentials.Table)} are not of the form user:password")
                : new LoginAnswer(new SaslCredentials(row.Value[..colon], row.Value[(colon + 1)..]), origin) { IsDomains = (!ours || (action.ByNextHop is not null && !target.Fixed)) && !byLabel && !KeysOfHost(target).Contains(key) };
        }
        return byLabel ? Complaint(target, $"No credentials for label {target.AuthLabel} in table {TableConfig.Told(credentials.Table)}") : default;
    }

    /// <summary>Sender's address and domain first where it goes by sender, then the next hop as Postfix's password maps name it.</summary>
    internal static IEnumerable<string> KeysOf(CredentialKey kind, RelayEndPoint target, string sender)
    {
        int at = sender.LastIndexOf('@');
        if (kind == CredentialKey.Sender && at > 0)
        {
            yield return sender;
            yield return sender[at..];
        }
        foreach (string key in KeysOfHost(target))
            yield return key;
        if (!target.NextHop.Equals(target.Host.Trim('[', ']'), StringComparison.OrdinalIgnoreCase))
            yield return target.NextHop;
    }

    private ValueTask<RelayTableAnswer> LookUpAsync(RelayCredentials credentials, string key, CancellationToken cancellationToken) =>
        credentials.Key is CredentialKey.Label ? tables.LookUpAsync(credentials.Table, key, cancellationToken) : tables.FindAsync([credentials.Table, .. credentials.MoreTables], key, cancellationToken);

    private static IEnumerable<string> KeysOfHost(RelayEndPoint target)
    {
        if (target.Written.Length > 0)
            yield return target.Written;
        string host = target.Host.Trim('[', ']');
        if (target.Address is IPEndPoint { Port: int port })
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"[{host}]:{port}");
            yield return string.Create(CultureInfo.InvariantCulture, $"{host}:{port}");
        }
        yield return host;
    }

    private LoginAnswer Complaint(RelayEndPoint target, string text)
    {
        events.Publish(new OperatorWarning("mta", text) { At = events.Now });
        return new LoginAnswer(null, "", PeerOutcome.Deferred(new(4, 7, 8), text, target, OutcomeScope.NextHop));
    }
}
