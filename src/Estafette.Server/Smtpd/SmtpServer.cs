using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Queue;
using Estafette.Smtpd.Auth;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Estafette.Smtpd;

/// <summary>
/// The SMTP server: takes connections from bound sockets and runs a session on each, with the configuration that is in force when it begins. A fault in one session ends
/// that session and is told to the operator; the others go on (promise 6).
/// </summary>
public sealed class SmtpServer : IAsyncDisposable
{
    /// <summary>Octets of a client that may wait unread in memory (promise 3).</summary>
    private const int InputBuffer = 64 << 10;

    private readonly Func<SmtpdServices> _services;
    private readonly ConnectionOpener _opener;
    private readonly SessionParts _parts;
    private readonly SessionGate _gate = new();
    private readonly ConcurrentDictionary<ulong, SessionTransport> _sessions = new();
    private readonly CancellationTokenSource _abort = new();
    private BareKestrel? _host;
    private volatile bool _draining;
    private volatile bool _paused;

    /// <param name="services">The snapshot in force; asked once a session.</param>
    public SmtpServer(Func<SmtpdServices> services, Intake intake, EventSink events, ReverseLookup reverse, TimeProvider clock)
    {
        _services = services;
        _parts = new SessionParts(intake, events, clock, new PasswordCheck(), new AuthThrottle(clock), new Postfix.ClientEvents(clock));
        _opener = new ConnectionOpener(reverse, events, clock);
    }

    /// <summary>Sessions that run.</summary>
    public int Sessions => _gate.Count;

    /// <summary>Turns new network sessions away with 421 while set (<c>smtpctl pause smtp</c>).</summary>
    public bool IsPaused
    {
        get => _paused;
        set => _paused = value;
    }

    public async Task StartAsync(IEnumerable<BoundListener> listeners, CancellationToken cancellationToken)
    {
        _host = new BareKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBufferSize = InputBuffer;
            kestrel.Limits.MaxConcurrentConnections = null;
            foreach (BoundListener listener in listeners)
                kestrel.ListenHandle((ulong)listener.Socket.Handle, options => Serve(options, listener));
        });
        await _host.StartAsync(cancellationToken);
    }

    /// <summary>Takes no more connections, tells idle sessions 421, and leaves the others this long to finish their message.</summary>
    public async Task DrainAsync(TimeSpan limit)
    {
        _draining = true;
        foreach (SessionTransport transport in _sessions.Values)
            transport.RequestStop();
        if (_host is null)
            return;
        using var expired = new CancellationTokenSource(limit, _parts.Clock);
        await _host.StopAsync(expired.Token);
        await _abort.CancelAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _abort.CancelAsync();
        if (_host is not null)
            await _host.DisposeAsync();
        _abort.Dispose();
    }

    private void Serve(ListenOptions options, BoundListener listener) => options.Run(connection => ConnectedAsync(connection, listener));

    private async Task ConnectedAsync(ConnectionContext context, BoundListener bound)
    {
        SmtpdServices services = _services();
        LimitsConfig limits = services.Config.Limits;
        using var transport = new SessionTransport(context.Transport, _parts.Clock, limits.SessionTotal);
        if ((_paused && bound.Address is not null) || !_gate.TryEnter(limits))
        {
            await TurnAwayAsync(transport, services, r => r.TooManySessions);
            return;
        }
        try
        {
            await ServeAsync(context, bound, services, transport);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The client is gone, or the server is; the session has said so.
        }
        finally
        {
            _gate.Leave();
        }
    }

    private async Task ServeAsync(ConnectionContext context, BoundListener bound, SmtpdServices services, SessionTransport transport)
    {
        ListenerConfig? listener = bound.Address is null ? null : services.ListenerAt(bound.Address);
        if (bound.Address is not null && listener is null)
        {
            await TurnAwayAsync(transport, services, r => r.NotServed);
            return;
        }
        if (await _opener.IdentifyAsync(context, listener, services, transport) is not { } connection)
            return;
        IPAddress? address = connection.Remote?.Address;
        if (!_gate.TryEnter(address, connection.LocalUid, services.Config.Limits))
        {
            await TurnAwayAsync(transport, services, r => r.TooManySessionsOfClient);
            return;
        }
        _sessions[connection.SessionId] = transport;
        if (_draining)
            transport.RequestStop();
        try
        {
            connection = await _opener.NameAsync(connection, _abort.Token);
            await RunAsync(connection, services, transport);
        }
        finally
        {
            _sessions.TryRemove(connection.SessionId, out _);
            _gate.Leave(address, connection.LocalUid);
        }
    }

    /// <summary>
    /// Runs a local session over a pipe as <paramref name="uid"/>: mail that was left in the drop folder takes the same road as all other. Returns when
    /// the other side ends its output; its input is completed then.
    /// </summary>
    public async Task ServeLocalAsync(IDuplexPipe pipe, uint uid, CancellationToken cancellationToken)
    {
        SmtpdServices services = _services();
        using var transport = new SessionTransport(pipe, _parts.Clock, services.Config.Limits.SessionTotal);
        ConnectionInfo connection = _opener.Local(uid, services);
        _sessions[connection.SessionId] = transport;
        try
        {
            await RunAsync(connection, services, transport);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The other side is gone.
        }
        finally
        {
            _sessions.TryRemove(connection.SessionId, out _);
            await pipe.Output.CompleteAsync();
            await pipe.Input.CompleteAsync();
        }
    }

    private async Task RunAsync(ConnectionInfo connection, SmtpdServices services, SessionTransport transport)
    {
        EventSink events = _parts.Events;
        await using var session = new SmtpSession(connection, services, transport, _parts);
        string reason = "disconnect";
        try
        {
            reason = await SessionLoop.RunAsync(session, _abort.Token);
        }
        catch (Exception e) when (e is not IOException and not OperationCanceledException)
        {
            reason = "internal-error";
            events.Publish(new OperatorWarning("smtp", $"session {connection.SessionId:x16} ended by a fault: {e}") { At = events.Now });
        }
        finally
        {
            session.TellClosed(reason);
        }
    }

    private static async ValueTask TurnAwayAsync(SessionTransport transport, SmtpdServices services, Func<Smtp.Replies, Smtp.Reply> choose)
    {
        transport.Send(choose(Smtp.Replies.Of(Habits.Of(services.Config.Dialect).Replies, services.Config.HostName)));
        await transport.CloseAsync(linger: false);
    }
}
