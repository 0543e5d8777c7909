using System.Net.Sockets;
using Estafette.Config.Model;
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
    public static async Task<LoadedConfiguration> LoadAsync(MailConfig config, StateFolder state, DaemonUser? user, Action<string> warn, CancellationToken cancellationToken)
    {
        var users = new SystemUsers(TimeProvider.System);
        var files = new Config.FileView { RootStandsBehind = user is not null };
        var tables = new TableSet(config, files, users, TimeProvider.System, warn);
        foreach (string made in new SelfSignedStore(user, TimeProvider.System).Ensure(config))
            warn(made);
        ServerCertificates certificates = ServerCertificates.Load(config, files, out var problems);
        foreach (Diagnostic problem in problems.AddRange(certificates.Expiring(config, TimeProvider.System.GetUtcNow())))
            warn(Config.DiagnosticPrinter.OneLine(problem));
        var local = new LocalActionsStep(state, users, user, warn);
        await local.WriteAsync(config, tables, cancellationToken);
        return new LoadedConfiguration(config, tables, certificates, users, local);
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
