using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Delivery.Local;

/// <summary>
/// The connections to local delivery that are idle but still warm: a helper takes some ten milliseconds to start, so the one that read a user's forward file at
/// RCPT soon delivers the message. Bounded in number and age; a new configuration makes all of them old.
/// </summary>
public sealed class LocalConnections : IAsyncDisposable
{
    private const int MaximumIdle = 32;
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(10);

    /// <summary>A helper starts within this, or the attempt is given up; longer than the privileged side's own patience when all places are taken.</summary>
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(45);

    private readonly string _socketPath;
    private readonly TimeProvider _clock;
    private readonly List<LocalConnection> _idle = [];
    private readonly ITimer _sweeper;
    private MailConfig? _config;
    private int _generation;

    public LocalConnections(string socketPath, TimeProvider clock)
    {
        _socketPath = socketPath;
        _clock = clock;
        _sweeper = clock.CreateTimer(_ => Sweep(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Tells the configuration in force: helpers that started under another one know its actions only.</summary>
    internal void Observe(MailConfig config)
    {
        lock (_idle)
        {
            if (_config is not null && !ReferenceEquals(_config, config))
                _generation++;
            _config = config;
        }
    }

    /// <summary>What the privileged side goes by changed: helpers that run do not know it.</summary>
    public void Renew()
    {
        lock (_idle)
            _generation++;
    }

    internal bool IsCurrent(LocalConnection connection) => connection.IsUsable && connection.Generation == Volatile.Read(ref _generation);

    internal ValueTask<(LocalConnection? Connection, LocalReply? Refusal)> RentAsync(LocalIdentity identity, CancellationToken cancellationToken)
    {
        int generation;
        lock (_idle)
        {
            generation = _generation;
            int found = _idle.FindLastIndex(c => c.Identity == identity && IsCurrent(c));
            if (found >= 0)
            {
                LocalConnection connection = _idle[found];
                _idle.RemoveAt(found);
                return ValueTask.FromResult<(LocalConnection?, LocalReply?)>((connection, null));
            }
        }
        return LocalConnection.OpenAsync(_socketPath, identity, generation, StartTime, cancellationToken);
    }

    /// <summary>Gives a connection back that has nothing open.</summary>
    internal void Return(LocalConnection connection)
    {
        LocalConnection? surplus = null;
        lock (_idle)
        {
            if (!IsCurrent(connection))
                surplus = connection;
            else
            {
                connection.IdleSince = _clock.GetTimestamp();
                _idle.Add(connection);
                if (_idle.Count > MaximumIdle)
                {
                    surplus = _idle[0];
                    _idle.RemoveAt(0);
                }
                else if (_idle.Count == 1)
                    _sweeper.Change(IdleTime, Timeout.InfiniteTimeSpan);
            }
        }
        surplus?.Break();
    }

    private void Sweep()
    {
        lock (_idle)
        {
            for (int i = _idle.Count - 1; i >= 0; i--)
            {
                if (IsCurrent(_idle[i]) && _clock.GetElapsedTime(_idle[i].IdleSince) < IdleTime)
                    continue;
                _idle[i].Break();
                _idle.RemoveAt(i);
            }
            if (_idle.Count > 0)
                _sweeper.Change(IdleTime / 4, Timeout.InfiniteTimeSpan);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _sweeper.DisposeAsync().ConfigureAwait(false);
        LocalConnection[] left;
        lock (_idle)
        {
            left = [.. _idle];
            _idle.Clear();
        }
        foreach (LocalConnection connection in left)
            await connection.DisposeAsync().ConfigureAwait(false);
    }
}
