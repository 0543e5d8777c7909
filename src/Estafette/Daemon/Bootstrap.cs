using System.Collections.Immutable;
using System.Net.Sockets;
using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Delivery.Local;
using Estafette.Mail;
using Estafette.Program.Compile;
using Estafette.Smtpd;
using Estafette.Tables;

namespace Estafette.Program.Daemon;

/// <summary>A start that cannot go on, told in words for the operator.</summary>
internal sealed class StartupException(string message) : Exception(message);

/// <summary>
/// What must happen while the process still has root (when it has): reading what only root may read, binding low ports, compiling what the
/// privileged side may do. Afterwards nothing needs root again.
/// </summary>
internal static class Bootstrap
{
    public static async Task<LoadedConfiguration> LoadAsync(DaemonOptions options, ConfigurationLoader loader, ConfigResult read, DaemonUser? user, Action<string> warn)
    {
        MailConfig config = read.Config!;
        var users = new SystemUsers(TimeProvider.System);
        foreach (string made in new SelfSignedStore(user, TimeProvider.System).Ensure(config))
            warn(made);
        ImmutableArray<WatchedPath> watched = NamedFiles.Watch(NamedFiles.Of(config));
        var files = new FileView();
        ImmutableArray<string> warnings = [];
        if (user is not null)
        {
            Handover handover = await CompileAsync(new CompileStep(options, user, loader), read);
            (files, warnings) = (new FileView(handover.Files) { RootStandsBehind = true }, handover.Warnings);
        }
        foreach (string warning in warnings)
            warn(warning);
        var tables = new TableSet(config, files, users, TimeProvider.System, warn);
        ServerCertificates certificates = ServerCertificates.Load(config, files, out ImmutableArray<Diagnostic> problems);
        foreach (Diagnostic problem in problems.AddRange(certificates.Expiring(config, TimeProvider.System.GetUtcNow())))
            warn(DiagnosticPrinter.OneLine(problem));
        var local = new LocalActionsStep(users, user, warn);
        if (user is null)
            LocalActionsFile.Write(options.State.LocalActions, await local.CompileAsync(config, tables, CancellationToken.None));
        return new LoadedConfiguration(config, files, tables, certificates, users, local) { User = user, Warnings = warnings, Watched = watched };
    }

    private static async Task<Handover> CompileAsync(CompileStep step, ConfigResult read)
    {
        Compiled compiled = await step.StartAsync(read, CancellationToken.None);
        if (!compiled.Handover.Problems.IsEmpty)
            throw new StartupException(string.Join("; ", compiled.Handover.Problems));
        step.Commit(compiled);
        return compiled.Handover;
    }

    /// <summary>Binds every listener; one that cannot be bound stops the start and names who is in the way.</summary>
    public static IReadOnlyList<BoundListener> Bind(MailConfig config)
    {
        var bound = new List<BoundListener>();
        foreach (ListenerConfig listener in config.Listeners)
        {
            try
            {
                bound.Add(BoundListener.Network(listener.EndPoint));
            }
            catch (SocketException e)
            {
                string cure = e.SocketErrorCode switch
                {
                    SocketError.AddressAlreadyInUse => "another mail server listens there: stop it, or " + (listener.At.File.StartsWith('<')
                        ? "write a configuration with another port and name it with --config; docs/smtpd-conf.md shows this one" : "choose another port"),
                    SocketError.AccessDenied => "ports below 1024 need root: start as root, or choose a higher port",
                    SocketError.AddressNotAvailable => "no interface of this machine has that address",
                    _ => "see the reason above",
                };
                throw new StartupException($"{listener.At}: cannot listen on {listener.EndPoint}: {e.Message} ({cure})");
            }
        }
        return bound;
    }
}
