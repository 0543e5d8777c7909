using System.IO.Pipelines;
using Estafette.Config;
using Estafette.Config.Dialects.OpenSmtpd;
using Estafette.Config.Model;
using Estafette.Control;
using Estafette.Delivery.Local;
using Estafette.Delivery.Remote;
using Estafette.Dns;
using Estafette.Events;
using Estafette.Queue;
using Estafette.Routing;
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
    private readonly ConfigurationLoader _loader;
    private readonly SnapshotBuilder _builder;
    private readonly EventSink _events;
    private readonly ISpool _spool;
    private readonly MailQueue _queue;
    private readonly SmtpServer _smtp;
    private readonly LocalConnections _local;
    private readonly LocalActionsStep _localActions;
    private HashSet<System.Net.IPEndPoint> _listening = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _reloading = new(1);
    private volatile ConfigurationSnapshot _snapshot;
    private ControlServer? _control;
    private Task _drop = Task.CompletedTask;
    private Task _certificateWatch = Task.CompletedTask;

    public MailServer(DaemonOptions options, ConfigurationLoader loader, LoadedConfiguration loaded, ISpool spool, EventSink events)
    {
        TimeProvider clock = TimeProvider.System;
        _options = options;
        _loader = loader;
        _events = events;
        _spool = spool;
        _localActions = loaded.LocalActions;
        _local = new LocalConnections(options.State.LocalSocket, clock);
        _builder = new SnapshotBuilder(loaded.Users, new LocalForwardFiles(_local, clock), new LocalAddresses(clock), events, clock);
        _snapshot = _builder.Build(loaded.Config, loaded.Tables, loaded.Certificates);
        var resolver = new Resolver(new ResolverSettings { Servers = loaded.Config.NameServers }, clock);
        var reverse = new Dns.ReverseLookup(resolver, loaded.Config.Dialect is Dialect.OpenSmtpd or Dialect.OpenSmtpdOld ? HostsOrder.DnsFirst : HostsOrder.FileFirst);
        var dns = new ExchangerLookup(resolver);
        var relayTables = new RelayTables(() => _snapshot.Tables, url => RelayUrl.Parse(url, _snapshot.Config.Dialect == Dialect.OpenSmtpdOld).Host);
        IDeliveryAgent[] agents =
        [
            new LocalAgent(_local, events),
            new LmtpAgent(dns, relayTables, events, clock),
            new RemoteAgent(dns, relayTables, name => _snapshot.Smtpd.Certificates.Find(name), events, clock),
            new DiscardAgent(),
        ];
        _queue = new MailQueue(spool, agents, () => _snapshot.Config, (query, cancellation) => _snapshot.Router.ResolveAsync(query, cancellation), events, clock);
        _smtp = new SmtpServer(() => _snapshot.Smtpd, _queue.Intake, events, async (address, cancellation) => await reverse.LookUpAsync(address, cancellation) is { } name ? new Smtpd.ReverseName(name.Name, name.IsConfirmed) : default, clock);
    }

    public async Task StartAsync(IReadOnlyList<BoundListener> network, CancellationToken cancellationToken)
    {
        _listening = [.. network.Select(l => l.Address!)];
        StatePreparation.RemoveStaleSockets(_options.State);
        BoundListener submission = BoundListener.Local(_options.State.SubmissionSocket);
        new Submission.SubmissionProfile(_snapshot.Config.HostName, _snapshot.Config.Dialect).Write(_options.State);
        _queue.Start();
        await _smtp.StartAsync([.. network, submission], cancellationToken);
        _control = new ControlServer(_options.State.ControlSocket, new ControlCommands(_queue.Operations, _events, new ControlHooks
        {
            Reload = ReloadAsync,
            UpdateTable = table => _snapshot.Tables.Update(table),
            PauseReception = paused =>
            {
                bool changed = _smtp.IsPaused != paused;
                _smtp.IsPaused = paused;
                return changed;
            },
            IsReceptionPaused = () => _smtp.IsPaused,
            Statistics = Statistics,
        }), new ControlAccess(LocalPeer.UserOf, Native.EffectiveUser()), _events);
        _drop = new DropFolderReader(_options.State, SessionAsync, () => _snapshot.Config.Retry.Lifetime, _events).RunAsync(_stop.Token);
        _certificateWatch = new CertificateWatch(() => _snapshot.Config, () => _snapshot.Smtpd.Certificates, RenewOwnCertificates, _events, TimeProvider.System).RunAsync(_stop.Token);
    }

    /// <summary>Makes the server's own certificates anew where their end is near; handshakes take them from now on.</summary>
    private void RenewOwnCertificates()
    {
        ConfigurationSnapshot current = _snapshot;
        if (!EnsureOwnCertificates(current.Config))
            return;
        current.Smtpd.CurrentCertificates.Newest = current.Smtpd.Certificates.Renew(current.Config, new FileView(), out _);
    }

    private bool EnsureOwnCertificates(MailConfig config)
    {
        var told = new SelfSignedStore(owner: null, TimeProvider.System).Ensure(config);
        foreach (string text in told)
            _events.Publish(new OperatorWarning("tls", text) { At = _events.Now });
        return told.Length > 0;
    }

    private Task SessionAsync(uint user, IDuplexPipe pipe, CancellationToken cancellationToken) => _smtp.ServeLocalAsync(pipe, user, cancellationToken);

    private IReadOnlyList<string> Statistics() =>
    [
        $"queue.messages={_spool.Count}", $"queue.active={_queue.ActiveMessages}", $"delivery.lanes={_queue.Lanes}", $"smtp.sessions={_smtp.Sessions}",
        $"spool.healthy={(_spool.Trouble is null ? "yes" : "no")}",
    ];

    /// <summary>Builds a whole new snapshot, then swaps one reference. Null when that worked; else why the running configuration stays (DESIGN 3).</summary>
    public async Task<string?> ReloadAsync(CancellationToken cancellationToken)
    {
        await _reloading.WaitAsync(cancellationToken);
        try
        {
            ConfigResult result = _loader.Read();
            string? problem = result.Config is null ? ConfigurationLoader.Errors(result) : await SwapAsync(result.Config, cancellationToken);
            return Told(problem);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // A signal has nobody who would hear of it otherwise.
            return Told($"the reload failed: {e.GetType().Name}: {e.Message}");
        }
        finally
        {
            _reloading.Release();
        }
    }

    private string? Told(string? problem)
    {
        _events.Publish(new ConfigurationReloaded(_loader.Source, problem is null, problem ?? "") { At = _events.Now });
        return problem;
    }

    private async Task<string?> SwapAsync(MailConfig config, CancellationToken cancellationToken)
    {
        ConfigurationSnapshot before = _snapshot;
        if (NeedsRestart(before.Config, config) is string restart)
            return restart;
        TableSet tables = _builder.Tables(config);
        EnsureOwnCertificates(config);
        ServerCertificates certificates = before.Smtpd.Certificates.Renew(config, new FileView(), out var findings);
        string[] problems = [.. tables.Unreadable(), .. findings.Where(p => p.Severity == Severity.Error).Select(DiagnosticPrinter.OneLine)];
        if (problems.Length > 0)
            return string.Join("; ", problems);
        foreach (Diagnostic finding in findings)
            _events.Publish(new OperatorWarning("config", DiagnosticPrinter.OneLine(finding)) { At = _events.Now });
        if (await _localActions.RenewAsync(config, tables, cancellationToken) is string problem)
            return problem;
        new Submission.SubmissionProfile(config.HostName, config.Dialect).Write(_options.State);
        _snapshot = _builder.Build(config, tables, certificates);
        CertificateWatch.Tell(config, certificates, _events);
        return null;
    }

    /// <summary>What was fixed at the start, while the process perhaps was root; null where nothing of it changed.</summary>
    private string? NeedsRestart(MailConfig before, MailConfig config)
    {
        IEnumerable<string> unbound = config.Listeners.Where(l => !_listening.Contains(l.EndPoint)).Select(l => $"{l.At}: to listen on {l.EndPoint}");
        IEnumerable<string> fixedParts = [.. config.Log.Style == before.Log.Style ? (string[])[] : ["to log in another style"], .. config.NameServers.SequenceEqual(before.NameServers) ? (string[])[] : ["to ask other name servers"]];
        string[] needs = [.. unbound, .. fixedParts];
        return needs.Length == 0 ? null : string.Join("; ", needs) + ", restart the server";
    }

    /// <summary>Drains: no new sessions, running ones and deliveries get their time, then the spool is closed.</summary>
    public async Task StopAsync()
    {
        TimeSpan limit = _snapshot.Config.Limits.Drain;
        await _stop.CancelAsync();
        await Task.WhenAll(_smtp.DrainAsync(limit), _queue.StopAsync());
        try
        {
            await Task.WhenAll(_drop, _certificateWatch);
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
        await _smtp.DisposeAsync();
        await _queue.DisposeAsync();
        await _local.DisposeAsync();
        await _spool.DisposeAsync();
        _stop.Dispose();
        _reloading.Dispose();
    }
}
