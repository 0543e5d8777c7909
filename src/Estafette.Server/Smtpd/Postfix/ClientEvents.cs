using System.Net;
using Estafette.Config.Model;
using Estafette.Smtpd.Auth;
using Estafette.Tables;

namespace Estafette.Smtpd.Postfix;

/// <summary>What a client does that may be counted (anvil(8)).</summary>
internal enum ClientEvent : byte { Connection, Message, Recipient, TlsSession, Login }

/// <summary>
/// How often each client did what, over windows that slide, for all services together but each counted by its own. Bounded: a flood of new addresses forgets the clients that count least, never grows
/// (promise 3). An IPv6 client is its /64. Outlives a reload.
/// </summary>
internal sealed class ClientEvents(TimeProvider clock)
{
    private const int MaximumClients = 20_000;

    private readonly Lock _lock = new();
    private readonly SlidingCounts<(string Service, ClientNetwork Client, ClientEvent What)> _counts = new(MaximumClients);
    private readonly Dictionary<(string Service, ClientNetwork Client), int> _open = [];

    /// <summary>Counts one event; false where that is one too many. Nothing is counted without a limit, nor for the clients that limits except.</summary>
    public static async ValueTask<bool> TakeAsync(SmtpSession session, ClientEvent what, CancellationToken cancellationToken)
    {
        ClientRates rates = session.Smtpd!.Config.Rates;
        int limit = what switch
        {
            ClientEvent.Message => rates.Messages,
            ClientEvent.Recipient => rates.Recipients,
            ClientEvent.TlsSession => rates.TlsSessions,
            ClientEvent.Login => rates.Logins,
            _ => rates.NewConnections,
        };
        if (limit == 0 || session.Connection.Remote is not { } remote || ClientNetwork.Of(remote.Address) is not { } client || await IsExceptedAsync(session, rates, cancellationToken))
            return true;
        return session.Parts.Clients.Count(session.Connection.Listener!.Spec, client, what, limit, rates.Window);
    }

    /// <summary>Whether a client may have one session more; it is counted until <see cref="Leave"/>.</summary>
    public static async ValueTask<bool> EnterAsync(SmtpSession session, CancellationToken cancellationToken)
    {
        ClientRates rates = session.Smtpd!.Config.Rates;
        if (rates.Connections == 0 || session.Connection.Remote is not { } remote || ClientNetwork.Of(remote.Address) is not { } client || await IsExceptedAsync(session, rates, cancellationToken))
            return true;
        ClientEvents events = session.Parts.Clients;
        (string, ClientNetwork) key = (session.Connection.Listener!.Spec, client);
        lock (events._lock)
        {
            int open = events._open.GetValueOrDefault(key);
            if (open >= rates.Connections)
                return false;
            events._open[key] = open + 1;
            session.Smtpd.IsCounted = true;
            return true;
        }
    }

    public static void Leave(SmtpSession session)
    {
        if (session.Smtpd is not { IsCounted: true } || ClientNetwork.Of(session.Connection.Remote?.Address) is not { } client)
            return;
        ClientEvents events = session.Parts.Clients;
        (string, ClientNetwork) key = (session.Connection.Listener!.Spec, client);
        lock (events._lock)
        {
            int rest = events._open.GetValueOrDefault(key) - 1;
            if (rest > 0)
                events._open[key] = rest;
            else
                events._open.Remove(key);
        }
    }

    private bool Count(string service, ClientNetwork client, ClientEvent what, int limit, TimeSpan window)
    {
        DateTimeOffset now = clock.GetUtcNow();
        lock (_lock)
        {
            if (_counts.Get((service, client, what), now, window) + 1 > limit)
                return false;
            _counts.Add((service, client, what), now, window);
            return true;
        }
    }

    private static async ValueTask<bool> IsExceptedAsync(SmtpSession session, ClientRates rates, CancellationToken cancellationToken) =>
        (await session.Services.Tables.MatchClientAsync(rates.Exceptions, session.Connection.Reverse is { Verified: true, Name: { } name } ? name : "unknown", session.Connection.Remote!.Address, cancellationToken)).IsMatch;
}
