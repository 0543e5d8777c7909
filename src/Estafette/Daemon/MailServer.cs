using System.Globalization;
using System.IO.Pipelines;
using Estafette.Config;
using Estafette.Config.Dialects.OpenSmtpd;
using Estafette.Config.Model;
using Estafette.Control;
using Estafette.Delivery;
using Estafette.Delivery.Local;
using Estafette.Delivery.Remote;
using Estafette.Delivery.Users;
using Estafette.Dns;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Routing;
using Estafette.Routing.Maps;
using Estafette.Smtpd;
using Estafette.Spool;
using Estafette.Tables;

namespace Estafette.Program.Daemon;

/// <summary>
/// The daemon, composed by hand: one constructor call after the other, from the spool up to the listeners. Started after root has been given up;
/// what root had to do is in <see cref="Bootstrap"/>. Stops in the other direction, so that nothing is taken in that cannot be kept.
/// </summary>
internal sealed class MailServer : IAsyncDisposable
{
    private readonly DaemonOptions _options;
    private readonly EventSink _events;
    private readonly ISpool _spool;
    private readonly MailQueue _queue;
    private readonly SmtpServer _smtp;
    private readonly RemoteAgent _remote;
    private readonly LocalConnections _local;
    private readonly LocalLogins _logins;
    private readonly RunningConfiguration _running;
    private readonly ControlPermissions _permissions;
    private readonly CancellationTokenSource _stop = new();
    private ControlServer? _control;
    private Task _drop = Task.CompletedTask;
    private Task _watching = Task.CompletedTask;

    public MailServer(DaemonOptions options, ConfigurationLoader loader, LoadedConfiguration loaded, ISpool spool, EventSink events)
    {
        TimeProvider clock = TimeProvider.System;
        _options = options;
        _events = events;
        _spool = spool;
        _local = new LocalConnections(options.State.LocalSocket, clock);
        _logins = new LocalLogins(options.State.LocalSocket);
        var resolver = new Resolver(new ResolverSettings { Servers = loaded.Config.NameServers }, clock);
        var builder = new SnapshotBuilder(loaded.Users, new LocalForwardFiles(_local, clock), new LocalAddresses(clock), _logins, resolver, events, clock);
        _running = new RunningConfiguration(loaded, loader, builder, _local, options.State, events);
        _permissions = new ControlPermissions(() => _running.Snapshot, loaded.Users);
        var reverse = new Dns.ReverseLookup(resolver, loaded.Config.Dialect is Dialect.OpenSmtpd or Dialect.OpenSmtpdOld ? HostsOrder.DnsFirst : HostsOrder.FileFirst);
        var dns = new ExchangerLookup(resolver);
        var relayTables = new RelayTables(() => _running.Snapshot.Tables, url => RelayUrl.Parse(url, _running.Snapshot.Config.Dialect == Dialect.OpenSmtpdOld).Host)
        {
            Domains = () => (_running.Snapshot.Maps is { } maps ? maps.IsOwnAsync : static (_, _) => ValueTask.FromResult<bool?>(false), _running.Snapshot.Config.Maps?.Rewriting.RecipientDelimiters ?? ""),
        };
        IDeliveryAgent[] agents = [];
        var users = new LocalUserServices(() => _running.Snapshot.Tables, loaded.Users, new LocalWishes(_local, clock).ReadAsync, WhoseAsync, () => agents) { Events = events };
        agents =
        [
            new LocalAgent(_local, events),
            new LocalUserAgent(users, _local),
            new VirtualAgent(() => _running.Snapshot.Tables, _local, events),
            new PipeAgent(_local),
            new RefusingAgent(),
            new LmtpAgent(dns, relayTables, events, clock),
            _remote = new RemoteAgent(dns, relayTables, new TlsMaterial(name => _running.Snapshot.Smtpd.Certificates.Find(name), () => _running.Snapshot.Files), events, clock),
            new DiscardAgent(),
        ];
        _queue = new MailQueue(spool, agents, new QueueRouting(() => _running.Snapshot.Config, (query, cancellation) => _running.Snapshot.Router.ResolveAsync(query, cancellation), () => _running.Snapshot.Maps), events, clock);
        _smtp = new SmtpServer(() => _running.Snapshot.Smtpd, _queue.Intake, events, async (address, cancellation) => await reverse.LookUpAsync(address, cancellation) is { } name ? new Smtpd.ReverseName(name.Name, name.IsConfirmed) { IsUnsure = name.Status == DnsStatus.Failed } : default, clock);
    }

    /// <summary>Whose an address in an alias or forward file is. Null where that cannot be told now.</summary>
    private async ValueTask<AddressStanding?> WhoseAsync(string address, CancellationToken cancellationToken)
    {
        if (_running.Snapshot.Maps is not { } maps)
            return null;
        Resolution resolution = await maps.ResolveAsync(maps.Rewriter.Read(address, RewriteContext.Local), MailAddress.Null, cancellationToken);
        return resolution.Problem switch
        {
            ResolutionProblem.Unavailable => null,
            ResolutionProblem.Malformed => new AddressStanding(resolution.Address, resolution.Class, AddressExistence.Unknown) { Reason = resolution.Reason },
            _ => new AddressStanding(resolution.Address, resolution.Class, AddressExistence.Known) { Transport = resolution.Action, NextHop = resolution.NextHop },
        };
    }

    /// <summary>Goes on in a new log file; null when that worked.</summary>
    public Func<string?> ReopenLog { get; init; } = static () => null;

    public async Task StartAsync(IReadOnlyList<BoundListener> network, CancellationToken cancellationToken)
    {
        _running.Listening = [.. network.Select(l => l.Address!)];
        StatePreparation.RemoveStaleSockets(_options.State);
        BoundListener submission = BoundListener.Local(_options.State.SubmissionSocket);
        Submission.SubmissionProfile.Of(_running.Snapshot.Config).Write(_options.State);
        _queue.Start();
        await _smtp.StartAsync([.. network, submission], cancellationToken);
        _control = new ControlServer(_options.State.ControlSocket, new ControlCommands(_queue.Operations, _queue.Messages, _events, new ControlHooks
        {
            Reload = ReloadAsync,
            UpdateTable = _running.UpdateTableAsync,
            PauseReception = paused =>
            {
                bool changed = _smtp.IsPaused != paused;
                _smtp.IsPaused = paused;
                return changed;
            },
            IsReceptionPaused = () => _smtp.IsPaused,
            Statistics = Statistics,
            ReopenLog = ReopenLog,
            WriteLog = (tag, severity, text) => _events.Publish(new ToolLine(tag, severity, text) { At = _events.Now }),
            IsFlushSite = _permissions.IsFlushSiteAsync,
            RestingHosts = () => [.. _remote.RestingHosts().Select(h => string.Create(CultureInfo.InvariantCulture, $"{h.Host} rests until {h.Until:HH:mm:ss}Z: {h.Reason}"))],
        }), new ControlAccess(LocalPeer.UserOf, Native.EffectiveUser()) { Permits = _permissions.PermitsAsync }, _events);
        _drop = new DropFolderReader(_options.State, SessionAsync, () => _running.Snapshot.Config.Retry.Lifetime, _events).RunAsync(_stop.Token);
        _watching = Task.WhenAll(
            _running.WatchAsync(_stop.Token),
            new CertificateWatch(() => _running.Snapshot.Config, () => _running.Snapshot.Smtpd.Certificates, _running.MakeOwnCertificates, _events, TimeProvider.System).RunAsync(_stop.Token));
    }

    private Task SessionAsync(uint user, IDuplexPipe pipe, CancellationToken cancellationToken) => _smtp.ServeLocalAsync(pipe, user, cancellationToken);

    private IReadOnlyList<string> Statistics() =>
    [
        $"queue.messages={_spool.Count}", $"queue.active={_queue.ActiveMessages}", $"delivery.lanes={_queue.Lanes}", $"smtp.sessions={_smtp.Sessions}",
        $"spool.healthy={(_spool.Trouble is null ? "yes" : "no")}",
    ];

    public Task<string?> ReloadAsync(CancellationToken cancellationToken) => _running.ReloadAsync(cancellationToken);

    /// <summary>Drains: no new sessions, running ones and deliveries get their time, then the spool is closed.</summary>
    public async Task StopAsync()
    {
        TimeSpan limit = _running.Snapshot.Config.Limits.Drain;
        await _stop.CancelAsync();
        await Task.WhenAll(_smtp.DrainAsync(limit), _queue.StopAsync());
        try
        {
            await Task.WhenAll(_drop, _watching);
        }
        catch (OperationCanceledException)
        {
            // They waited for their next round.
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_control is not null)
            await _control.DisposeAsync();
        await _running.DisposeAsync();
        await _smtp.DisposeAsync();
        await _queue.DisposeAsync();
        await _local.DisposeAsync();
        _logins.Dispose();
        await _spool.DisposeAsync();
        _stop.Dispose();
    }
}
