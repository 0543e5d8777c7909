using System.Collections.Concurrent;
using System.Net.Sockets;

namespace Estafette.Smtpd.Auth;

/// <summary>The auth services of Dovecot that listeners name, one kept connection each.</summary>
public sealed class DovecotSockets(TimeProvider clock)
{
    private readonly ConcurrentDictionary<string, DovecotService> _services = new(StringComparer.Ordinal);

    internal DovecotService At(string path) => _services.GetOrAdd(path, p => new DovecotService(p, clock));
}

/// <summary>One auth service: connects when it is needed, again when the connection broke, and remembers what it offered for the time it is away.</summary>
internal sealed class DovecotService(string path, TimeProvider clock)
{
    /// <summary>For connecting and the greeting, which need nothing but a process that is there.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    /// <summary>After a failure nobody tries again for this long: sessions must not stand in line for a service that hangs.</summary>
    private static readonly TimeSpan s_rest = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _connecting = new(1);
    private volatile DovecotConnection? _connection;
    private DateTimeOffset _failedAt = DateTimeOffset.MinValue;

    /// <summary>Of the last connection there was.</summary>
    public DovecotConnection? Last { get; private set; }

    /// <summary>Why there is no connection; for the log.</summary>
    public string Failure { get; private set; } = "";

    /// <summary>A connection, or null: then <see cref="Failure"/> says why.</summary>
    public async ValueTask<DovecotConnection?> ConnectAsync(CancellationToken cancellationToken)
    {
        if (_connection is { IsUsable: true } ready)
            return ready;
        await _connecting.WaitAsync(cancellationToken);
        try
        {
            if (_connection is { IsUsable: true } made)
                return made;
            if (clock.GetUtcNow() - _failedAt < s_rest)
                return null;
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(s_patience);
            // One that is only too old ends with its last exchange.
            _connection = null;
            _connection = Last = await DovecotConnection.OpenAsync(path, clock, limit.Token);
            return _connection;
        }
        catch (Exception e) when (e is IOException or SocketException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            _failedAt = clock.GetUtcNow();
            Failure = $"Dovecot at {path}: {WordsOf(e)}";
            return null;
        }
        finally
        {
            _connecting.Release();
        }
    }

    /// <summary>The library's words for a socket that does not exist speak of addresses.</summary>
    private static string WordsOf(Exception e) => e switch
    {
        OperationCanceledException => "no greeting in time",
        SocketException { SocketErrorCode: SocketError.AddressNotAvailable } => "there is no such socket (does Dovecot run, with this `unix_listener` in its `service auth`?)",
        SocketException { SocketErrorCode: SocketError.AccessDenied } => "permission denied (`mode`, `user` or `group` of the `unix_listener` must let this daemon's user write)",
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => "connection refused (Dovecot does not run)",
        _ => e.Message,
    };
}
