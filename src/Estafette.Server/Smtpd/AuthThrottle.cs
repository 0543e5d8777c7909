using System.Net;

namespace Estafette.Smtpd;

/// <summary>Remembers failed logins by client address, so that guessing gets slow (E10). Bounded: when full, the oldest half is forgotten.</summary>
internal sealed class AuthThrottle(TimeProvider clock)
{
    private const int MaximumClients = 10_000;
    private const int MaximumFailures = 20;
    private static readonly TimeSpan s_window = TimeSpan.FromMinutes(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, (int Failures, DateTimeOffset Since)> _clients = [];

    /// <summary>True where this client has failed so often that it is not asked again for a while.</summary>
    public bool IsBlocked(IPAddress? client)
    {
        if (client is null)
            return false;
        lock (_lock)
            return _clients.TryGetValue(client, out var seen) && clock.GetUtcNow() - seen.Since < s_window && seen.Failures >= MaximumFailures;
    }

    public void Failed(IPAddress? client)
    {
        if (client is null)
            return;
        DateTimeOffset now = clock.GetUtcNow();
        lock (_lock)
        {
            if (_clients.Count >= MaximumClients && !_clients.ContainsKey(client))
                Forget();
            bool fresh = _clients.TryGetValue(client, out var seen) && now - seen.Since < s_window;
            _clients[client] = fresh ? (seen.Failures + 1, seen.Since) : (1, now);
        }
    }

    public void Succeeded(IPAddress? client)
    {
        if (client is null)
            return;
        lock (_lock)
            _clients.Remove(client);
    }

    private void Forget()
    {
        foreach (IPAddress old in _clients.OrderBy(c => c.Value.Since).Take(MaximumClients / 2).Select(c => c.Key).ToArray())
            _clients.Remove(old);
    }
}
