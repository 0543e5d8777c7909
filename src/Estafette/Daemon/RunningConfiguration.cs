using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;
using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Delivery.Local;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Program.Compile;
using Estafette.Smtpd;
using Estafette.Tables;

namespace Estafette.Program.Daemon;

/// <summary>
/// The configuration in force, and the two ways in which it changes. A reload reads its text again, builds a whole new snapshot and swaps one reference; a broken text
/// changes nothing (DESIGN 3). A renewal reads again what it names (certificates, keys, tables) and disturbs nothing else. Where root was given up, root's part of either is
/// done by the compile step (DESIGN 6).
/// </summary>
internal sealed class RunningConfiguration : IAsyncDisposable
{
    private readonly LoadedConfiguration _loaded;
    private readonly ConfigurationLoader _loader;
    private readonly SnapshotBuilder _builder;
    private readonly LocalConnections _local;
    private readonly StateFolder _state;
    private readonly EventSink _events;
    private readonly FileWatcher _watcher;
    private readonly SharedRun _reload;
    private readonly SharedRun _renewal;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly CancellationTokenSource _stop = new();
    private volatile ConfigurationSnapshot _snapshot;
    private ImmutableHashSet<string> _told;

    /// <summary>Why the last renewal failed; told once.</summary>
    private string? _failure;

    public RunningConfiguration(LoadedConfiguration loaded, ConfigurationLoader loader, SnapshotBuilder builder, LocalConnections local, StateFolder state, EventSink events)
    {
        (_loaded, _loader, _builder, _local, _state, _events) = (loaded, loader, builder, local, state, events);
        _told = [.. loaded.Warnings];
        (_reload, _renewal) = (new SharedRun(_turn, ReloadNowAsync), new SharedRun(_turn, RenewNowAsync));
        _snapshot = builder.Build(loaded.Config, loaded.Files, loaded.Tables, loaded.Certificates);
        _watcher = new FileWatcher(async cancellation => await RenewAsync(cancellation) is null);
        _watcher.Watch(loaded.Watched);
    }

    public ConfigurationSnapshot Snapshot => _snapshot;

    /// <summary>Where the server listens, which only a restart changes.</summary>
    public ImmutableHashSet<System.Net.IPEndPoint> Listening { get; set; } = [];

    /// <summary>Renews whenever a file changes, until it is cancelled.</summary>
    public Task WatchAsync(CancellationToken cancellationToken) =>
        _loaded.User is null ? _watcher.LookAsync(cancellationToken) : _watcher.ListenAsync(_state.LocalSocket, cancellationToken);

    /// <summary>Null when the new text is in force; else why the running configuration stays.</summary>
    public Task<string?> ReloadAsync(CancellationToken cancellationToken) => _reload.AskAsync(cancellationToken);

    /// <summary>Reads again what the configuration names. Null when all of it was looked at, also where single files are unfit and stay as they were, with a warning.</summary>
    public Task<string?> RenewAsync(CancellationToken cancellationToken) => _renewal.AskAsync(cancellationToken);

    /// <summary><c>smtpctl update table</c>.</summary>
    public async Task<string?> UpdateTableAsync(string table, CancellationToken cancellationToken) =>
        await RenewAsync(cancellationToken) ?? _snapshot.Tables.Update(table);

    private async Task<string?> ReloadNowAsync()
    {
        string? problem = await ContainAsync("the reload failed", _loaded.User is null ? ReloadAloneAsync : ReloadBehindRootAsync);
        // A signal has nobody who would hear of it otherwise.
        _events.Publish(new ConfigurationReloaded(_loader.Source, problem is null, problem ?? "") { At = _events.Now, Version = Commands.VersionText.Value });
        return problem;
    }

    private async Task<string?> RenewNowAsync()
    {
        string? problem = await ContainAsync("the renewal failed", _loaded.User is null ? RenewAloneAsync : RenewBehindRootAsync);
        if (problem is not null && problem != _failure)
            Warn("files that the configuration names changed, but what was read before stays in force: " + problem);
        _failure = problem;
        return problem;
    }

    /// <summary>Whatever goes wrong while something new is read, what runs goes on.</summary>
    private async Task<string?> ContainAsync(string failure, Func<CancellationToken, Task<string?>> change)
    {
        try
        {
            return await change(_stop.Token);
        }
        catch (OperationCanceledException)
        {
            return "the server stops";
        }
        catch (Exception e)
        {
            return $"{failure}: {e.GetType().Name}: {e.Message}";
        }
    }

    private async Task<string?> ReloadAloneAsync(CancellationToken cancellationToken) => await SwapAsync(new FileView(), async (config, tables) =>
    {
        LocalActionsFile.Write(_state.LocalActions, await _loaded.LocalActions.CompileAsync(config, tables, cancellationToken));
        return null;
    });

    private async Task<string?> ReloadBehindRootAsync(CancellationToken cancellationToken)
    {
        (CompileSession? session, string problem) = await CompileSession.OpenAsync(_state.LocalSocket, CompileProtocol.Reload, cancellationToken);
        if (session is null)
            return problem;
        await using (session)
            return Refusal(session.Handover) ?? await SwapAsync(new FileView(session.Handover.Files) { RootStandsBehind = true }, (_, _) => session.CommitAsync(cancellationToken));
    }

    private async Task<string?> RenewAloneAsync(CancellationToken cancellationToken)
    {
        ConfigurationSnapshot now = _snapshot;
        _watcher.Watch(NamedFiles.Watch(NamedFiles.Of(now.Config)));
        now.Tables.Refresh();
        LocalActionsFile.Write(_state.LocalActions, await _loaded.LocalActions.CompileAsync(now.Config, now.Tables, cancellationToken));
        RenewCertificates(now);
        return null;
    }

    private async Task<string?> RenewBehindRootAsync(CancellationToken cancellationToken)
    {
        (CompileSession? session, string problem) = await CompileSession.OpenAsync(_state.LocalSocket, CompileProtocol.Renew, cancellationToken);
        if (session is null)
            return problem;
        await using (session)
        {
            if (Refusal(session.Handover) is string refusal)
                return refusal;
            ConfigurationSnapshot now = _snapshot;
            now.Files.Handed = session.Handover.Files;
            now.Tables.Refresh();
            RenewCertificates(now);
            return await session.CommitAsync(cancellationToken);
        }
    }

    /// <summary>Everything of the new configuration is built before anything of the old one goes. <paramref name="commit"/> does what cannot be taken back.</summary>
    private async Task<string?> SwapAsync(FileView files, Func<MailConfig, TableSet, Task<string?>> commit)
    {
        ConfigResult read = _loader.Read(files);
        if (read.Config is not MailConfig config)
            return string.Join("; ", ConfigurationLoader.Errors(read));
        ConfigurationSnapshot before = _snapshot;
        if (NeedsRestart(before.Config, config) is string restart)
            return restart;
        MakeOwnCertificates(config);
        ImmutableArray<WatchedPath> watched = NamedFiles.Watch(NamedFiles.Of(config));
        TableSet tables = _builder.Tables(config, files);
        ServerCertificates certificates = ServerCertificates.Load(config, files, out ImmutableArray<Diagnostic> findings);
        string[] problems = [.. tables.Unreadable(), .. findings.Where(p => p.Severity == Severity.Error).Select(DiagnosticPrinter.OneLine)];
        if (problems.Length > 0)
            return string.Join("; ", problems);
        foreach (Diagnostic finding in findings)
            Warn(DiagnosticPrinter.OneLine(finding));
        if (await commit(config, tables) is string problem)
            return problem;
        Submission.SubmissionProfile.Of(config).Write(_state);
        _snapshot = _builder.Build(config, files, tables, certificates);
        _watcher.Watch(watched);
        TellChanged(before.Smtpd.Certificates, certificates);
        CertificateWatch.Tell(config, certificates, _events);
        return null;
    }

    /// <summary>What was fixed at the start, while the process perhaps was root; null where nothing of it changed.</summary>
    private string? NeedsRestart(MailConfig before, MailConfig config)
    {
        List<string> needs = [.. config.Listeners.Where(l => !Listening.Contains(l.EndPoint)).Select(l => $"{l.At}: to listen on {l.EndPoint}")];
        if (config.Log.Style != before.Log.Style)
            needs.Add("to log in another style");
        if (!config.NameServers.SequenceEqual(before.NameServers))
            needs.Add("to ask other name servers");
        return needs.Count == 0 ? null : string.Join("; ", needs) + ", restart the server";
    }

    /// <summary>Makes the server's own certificates anew where their end is near; they are files that are watched like all others.</summary>
    public void MakeOwnCertificates() => MakeOwnCertificates(_snapshot.Config);

    private void MakeOwnCertificates(MailConfig config)
    {
        foreach (string text in new SelfSignedStore(owner: null, TimeProvider.System).Ensure(config))
            _events.Publish(new OperatorWarning("tls", text) { At = _events.Now });
    }

    private void RenewCertificates(ConfigurationSnapshot now)
    {
        ServerCertificates before = now.Smtpd.Certificates;
        ServerCertificates after = before.Renew(now.Config, now.Files, out ImmutableArray<Diagnostic> findings);
        now.Smtpd.CurrentCertificates.Newest = after;
        foreach (Diagnostic finding in findings)
            Warn(DiagnosticPrinter.OneLine(finding));
        TellChanged(before, after);
        // A helper of local delivery knows what was true when it started.
        _local.Renew();
    }

    private void TellChanged(ServerCertificates before, ServerCertificates after)
    {
        foreach (string name in after.Names.Order(StringComparer.Ordinal))
        {
            X509Certificate2 certificate = after.Find(name)!.TargetCertificate;
            string fingerprint = Fingerprint(certificate);
            if (before.Find(name) is { } old && Fingerprint(old.TargetCertificate) == fingerprint)
                continue;
            _events.Publish(new CertificateChanged(name, certificate.Subject, certificate.NotAfter.ToUniversalTime(), fingerprint) { At = _events.Now });
        }
    }

    private static string Fingerprint(X509Certificate2 certificate) => Convert.ToHexStringLower(CertificateTrust.DigestOf(certificate));

    /// <summary>Why the compile step hands nothing over; null when it does. What it warns of is told once.</summary>
    private string? Refusal(Handover handover)
    {
        if (!handover.Problems.IsEmpty)
            return string.Join("; ", handover.Problems);
        foreach (string warning in handover.Warnings.Where(w => !_told.Contains(w)))
            Warn(warning);
        _told = [.. handover.Warnings];
        return null;
    }

    private void Warn(string text) => _events.Publish(new OperatorWarning("config", text) { At = _events.Now });

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        // What is under way ends first.
        await _turn.WaitAsync();
        _stop.Dispose();
    }
}
