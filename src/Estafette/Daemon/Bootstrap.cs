using System.Net.Sockets;
using Estafette.Config.Model;
using Estafette.Delivery.Local;
using Estafette.Mail;
using Estafette.Routing;
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
    public static async Task<LoadedConfiguration> LoadAsync(MailConfig config, StateFolder state, Action<string> warn, CancellationToken cancellationToken)
    {
        var users = new SystemUsers(TimeProvider.System);
        var tables = new TableSet(config, users, TimeProvider.System, warn);
        ServerCertificates certificates = ServerCertificates.Load(config, out var problems);
        foreach (Diagnostic problem in problems)
            warn(Config.DiagnosticPrinter.OneLine(problem));
        await WriteLocalActionsAsync(config, tables, users, state, cancellationToken);
        return new LoadedConfiguration(config, tables, certificates, users);
    }

    private static async Task WriteLocalActionsAsync(MailConfig config, TableSet tables, SystemUsers users, StateFolder state, CancellationToken cancellationToken)
    {
        AliasInventory inventory = await AliasInventory.OfAsync(config, tables, cancellationToken);
        var existing = new HashSet<string>(StringComparer.Ordinal);
        foreach (string name in (string[])["opensmtpd", "_smtpd", "nobody"])
        {
            if (await users.FindAsync(name, cancellationToken) is UserAnswer.Found { User.Uid: > 0 })
                existing.Add(name);
        }
        // Without root everything runs as the one user there is.
        LocalActions actions = LocalActionsCompiler.Compile(
            config,
            inventory.CommandsAndFiles.Select(t => t is AliasTarget.Command command ? "|" + command.CommandLine : ((AliasTarget.File)t).Path),
            inventory.Users.Select(u => (u.Table, new LocalUser(u.User.Name, u.User.Uid, u.User.Gid, u.User.Home))),
            name => Environment.IsPrivilegedProcess ? existing.Contains(name) : name == Environment.UserName);
        if (!Environment.IsPrivilegedProcess)
            actions = actions with { AliasUser = Environment.UserName };
        LocalActionsFile.Write(state.LocalActions, actions);
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
                    SocketError.AddressAlreadyInUse => "another mail server listens there: stop it, or choose another port",
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
