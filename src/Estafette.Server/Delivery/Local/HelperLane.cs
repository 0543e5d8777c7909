using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Delivery.Local;

/// <summary>
/// The connection that one lane keeps to a helper: as long as the next delivery is for the same identity under the same configuration it goes on, so that the helper shares one flush between
/// many. What is open when it is finished is waited for.
/// </summary>
internal sealed class HelperLane(LocalConnections connections)
{
    /// <summary>Beyond the longest run of a command: the helper is stuck.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromMinutes(3);

    private LocalConnection? _connection;

    /// <summary>A connection that serves this identity and has room, or why there is none.</summary>
    public async ValueTask<(LocalConnection? Connection, LocalReply? Refusal)> FitAsync(LocalIdentity identity, MailConfig config, TimeSpan run, CancellationToken cancellationToken)
    {
        if (_connection is not null && (_connection.Identity != identity || !connections.IsCurrent(_connection)))
            await FinishAsync(config, run, cancellationToken).ConfigureAwait(false);
        if (_connection is not null && await _connection.WaitForRoomAsync(run + Slack, cancellationToken).ConfigureAwait(false))
            return (_connection, null);
        _connection?.Break();
        (_connection, LocalReply? refusal) = await connections.RentAsync(identity, cancellationToken).ConfigureAwait(false);
        if (_connection is null || await _connection.WaitForRoomAsync(run + Slack, cancellationToken).ConfigureAwait(false))
            return (_connection, refusal);
        _connection.Break();
        _connection = null;
        return (null, LocalReply.Defer(3, 0, "the local delivery process went away"));
    }

    /// <summary>A command runs alone: nothing is gained by sending ahead, and a time-out concerns one message only.</summary>
    public static async ValueTask WaitForCommandAsync(LocalConnection connection, TimeSpan run)
    {
        if (!await connection.DrainAsync(run + Slack, CancellationToken.None).ConfigureAwait(false))
            connection.Break();
    }

    public async ValueTask FinishAsync(MailConfig config, TimeSpan run, CancellationToken cancellationToken)
    {
        if (_connection is not { } connection)
            return;
        _connection = null;
        TimeSpan patience = cancellationToken.IsCancellationRequested ? config.Limits.Drain / 2 : run + Slack;
        if (await connection.DrainAsync(patience, CancellationToken.None).ConfigureAwait(false))
            connections.Return(connection);
        else
            await connection.DisposeAsync().ConfigureAwait(false);
    }
}
