using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Spool;

namespace Estafette.Delivery.Remote;

/// <summary>
/// Serves one lane: opens a session when the first job comes, keeps it over the next ones, goes on to the next address when one fails before it took
/// responsibility, and says QUIT when the lane runs dry. Every job it takes is completed, whatever happens. Shared by SMTP and LMTP, which differ in
/// how a job is made ready (<paramref name="prepare"/>) and where it goes (<paramref name="plan"/>).
/// </summary>
internal sealed class RelayLane(
    DeliveryLane lane, ActionConfig.Relay action, RelayServices services, Func<DeliveryJob, OutgoingMessage> prepare, Func<CancellationToken, ValueTask<RouteWalk>> plan)
{
    private readonly RelayTimeouts _timeouts = services.Timeouts.Of(action.Habits.Patience);
    private RelaySession? _session;
    private RouteWalk? _walk;
    private long _standInSince;
    private int _returnsThen;
    private bool _isStandIn;

    public async Task ServeAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (await TakeAsync(cancellationToken) is DeliveryJob job)
            {
                if (!await ServeAsync(job, cancellationToken))
                    return;
            }
        }
        finally
        {
            await CloseAsync();
        }
    }

    private async ValueTask<DeliveryJob?> TakeAsync(CancellationToken cancellationToken)
    {
        ValueTask<DeliveryJob?> next = lane.TakeAsync(_session is null or { NeedsReset: true } ? TimeSpan.Zero : services.Timeouts.Idle, cancellationToken);
        bool waited = !next.IsCompleted;
        DeliveryJob? job;
        try
        {
            job = await next;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return null;
        }
        if (job is not null && _session is not null && (_session.Messages >= RelayLimits.MessagesPerConnection || IsStandInForLong() || (waited && _session.Connection.IsStale())))
            await CloseAsync();
        return job;
    }

    /// <summary>False when the next hop cannot be reached: the lane's other jobs would only learn the same.</summary>
    private async ValueTask<bool> ServeAsync(DeliveryJob job, CancellationToken cancellationToken)
    {
        OutgoingMessage message = prepare(job);
        try
        {
            if (message.Pending.Count == 0)
                return true;
            using SpoolBody? body = await message.OpenBodyAsync(cancellationToken);
            if (body is null)
            {
                message.CompleteRest(MessageFit.Damaged);
                return true;
            }
            await services.Pace.WaitAsync(lane.NextHop, action.Habits.RateDelay, cancellationToken);
            if (action.Habits.Generic.IsEmpty)
                return await DeliverAsync(message, body, cancellationToken);
            (GenericMessage? outside, string? trouble) = await GenericMessage.OfAsync(body, (address, token) => services.Tables.GenericAsync(action.Habits.Generic, address, token), cancellationToken);
            trouble ??= await message.RewriteAsync(address => services.Tables.GenericAsync(action.Habits.Generic, address, cancellationToken));
            if (trouble is not null)
            {
                message.CompleteRest(DeliveryOutcome.Deferred(new(4, 3, 0), "generic address rewriting failed: " + trouble, OutcomeScope.Message));
                return true;
            }
            return await DeliverAsync(message, outside ?? body, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            message.CompleteRest(DeliveryOutcome.Deferred(new(4, 3, 2), "Delivery was interrupted by a shutdown", OutcomeScope.Message));
            return false;
        }
        finally
        {
            // Reached with something left only by an exception, which the queue logs.
            message.CompleteRest(DeliveryOutcome.Deferred(new(4, 3, 0), "Delivery ended by an internal error", OutcomeScope.Message));
        }
    }

    private async ValueTask<bool> DeliverAsync(OutgoingMessage message, SpoolBody body, CancellationToken cancellationToken)
    {
        bool reused = _session is not null;
        if (!reused)
            _walk = null;
        while (true)
        {
            _session ??= await OpenAsync(cancellationToken);
            if (_session is null)
            {
                DeliveryOutcome verdict = _walk!.Verdict;
                message.CompleteRest(verdict);
                return verdict.Scope != OutcomeScope.NextHop;
            }
            message.Begins(_session.Messages + 1);
            var transaction = new MailTransaction(_session, message, body, _timeouts, services.Events);
            TransactionEnd end = await transaction.RunAsync(cancellationToken);
            bool usable = _session.IsUsable;
            if (end == TransactionEnd.Unserved || !usable)
                await CloseAsync();
            if (end == TransactionEnd.Finished)
                return true;
            // A connection that was kept may have been closed meanwhile: that says nothing about the next hop, which gets a fresh start.
            if (reused && !usable)
                _walk = null;
            else
                _walk?.Failed(transaction.Reason!);
            reused = false;
        }
    }

    /// <summary>A session with the next address that gives one; null when the walk is over.</summary>
    private async ValueTask<RelaySession?> OpenAsync(CancellationToken cancellationToken)
    {
        _walk ??= await plan(cancellationToken);
        while (await _walk.NextAsync(cancellationToken) is RelayEndPoint target)
        {
            if (services.Hosts.Ask(target, action.Name, lastResort: false) is { } rests)
                _walk.PassOver(target, rests);
            else if (await TryAsync(target, cancellationToken) is { } session)
                return session;
        }
        while (_walk.NextResting() is { } target)
        {
            if (services.Hosts.Ask(target, action.Name, lastResort: true) is null && await TryAsync(target, cancellationToken) is { } session)
                return session;
        }
        return null;
    }

    private async ValueTask<RelaySession?> TryAsync(RelayEndPoint target, CancellationToken cancellationToken)
    {
        OpenResult result = default;
        try
        {
            result = await services.Opener.OpenAsync(target, action, lane.NextHop.Sender, lane.Config, cancellationToken);
        }
        finally
        {
            if (result.Session is not null)
                services.Hosts.Opened(target, action.Name);
            else if (result.Failure is null || result.Step == OpenStep.AtHome || cancellationToken.IsCancellationRequested)
                services.Hosts.GaveUp(target, action.Name);
            else
                services.Hosts.Failed(target, action.Name, result.Failure, result.Step == OpenStep.Host);
        }
        if (result.Session is null)
            _walk!.Failed(result.Failure!);
        _isStandIn = _walk!.HasPassedOver;
        (_standInSince, _returnsThen) = (services.Clock.GetTimestamp(), services.Hosts.Returns);
        return result.Session;
    }

    /// <summary>Mail returns to the host that the route prefers, also when there is always more of it.</summary>
    private bool IsStandInForLong() => _isStandIn && (services.Hosts.Returns != _returnsThen || services.Clock.GetElapsedTime(_standInSince) > RelayLimits.StandIn);

    private async ValueTask CloseAsync()
    {
        RelaySession? session = _session;
        _session = null;
        if (session is null)
            return;
        services.Hosts.Closed(session.EndPoint);
        await session.QuitAsync(services.Timeouts.Quit);
    }
}
