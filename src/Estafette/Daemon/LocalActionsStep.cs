using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Delivery.Local;
using Estafette.Mail;
using Estafette.Routing;
using Estafette.Tables;

namespace Estafette.Program.Daemon;

/// <summary>
/// The compile step of local delivery (DESIGN 6): what the privileged side may do, written where it reads it. A daemon that gave root up cannot write
/// there any more, and must not: a reload that would need something new is refused in words, because mail for it would only be deferred.
/// </summary>
/// <param name="state">Where it is written.</param>
/// <param name="users">The users of the system.</param>
/// <param name="daemon">Whom the daemon becomes; null where an ordinary user started it and everything runs as that one.</param>
/// <param name="warn">Told what an operator must know.</param>
internal sealed class LocalActionsStep(StateFolder state, IUserDatabase users, DaemonUser? daemon, Action<string> warn)
{
    /// <summary>What stands on disk.</summary>
    private LocalActions? _written;

    public async Task WriteAsync(MailConfig config, TableSet tables, CancellationToken cancellationToken) =>
        Write(await CompileAsync(config, tables, cancellationToken));

    /// <summary>Null when the privileged side knows all that the configuration needs; else why it does not.</summary>
    public async Task<string?> RenewAsync(MailConfig config, TableSet tables, CancellationToken cancellationToken)
    {
        LocalActions wanted = await CompileAsync(config, tables, cancellationToken);
        if (daemon is not null)
            return Missing(wanted, _written!) is string what ? $"{what}: restart the server to change local delivery, which only root may tell what to do" : null;
        Write(wanted);
        return null;
    }

    private void Write(LocalActions actions)
    {
        LocalActionsFile.Write(state.LocalActions, actions);
        _written = actions;
    }

    private async Task<LocalActions> CompileAsync(MailConfig config, TableSet tables, CancellationToken cancellationToken)
    {
        AliasInventory inventory = await AliasInventory.OfAsync(config, tables, cancellationToken);
        foreach (string failure in inventory.Failures)
            warn("local delivery will not know all that the tables name: " + failure);
        string? aliasUser = await AliasUserAsync(cancellationToken);
        LocalActions actions = LocalActionsCompiler.Compile(
            config,
            inventory.CommandsAndFiles.Select(t => t is AliasTarget.Command command ? "|" + command.CommandLine : ((AliasTarget.File)t).Path),
            inventory.Users.Select(u => (u.Table, new LocalUser(u.User.Name, u.User.Uid, u.User.Gid, u.User.Home))),
            name => name == aliasUser);
        // Without root everything runs as the one user there is.
        if (daemon is null)
            return actions with { AliasUser = Environment.UserName };
        if (actions.AliasUser == daemon.Name && actions.AliasTargets.Count > 0)
            warn($"commands of aliases run as the mail server's own user {daemon.Name} and can reach its queue: give it one of its own with 'useradd --system estafette'");
        return actions;
    }

    /// <summary>The first user for commands of aliases that exists and is not the daemon itself; that one only where there is no other.</summary>
    private async Task<string?> AliasUserAsync(CancellationToken cancellationToken)
    {
        string? own = null;
        foreach (string name in LocalActionsCompiler.AliasUsers)
        {
            if (await users.FindAsync(name, cancellationToken) is not UserAnswer.Found { User: { Uid: > 0 } user })
                continue;
            if (user.Uid != daemon?.User)
                return name;
            own = name;
        }
        return own;
    }

    /// <summary>What <paramref name="wanted"/> has and <paramref name="written"/> has not, in words; what it no longer has does no harm there.</summary>
    internal static string? Missing(LocalActions wanted, LocalActions written)
    {
        string[] what =
        [
            .. Changed(wanted.Actions, written.Actions).Select(name => $"action \"{name}\" is new or changed"),
            .. Changed(wanted.AliasTargets, written.AliasTargets).Select(digest => wanted.AliasTargets[digest]).Select(t => $"the alias target {(t.IsCommand ? "|" : "")}{t.Text} is new"),
            .. Changed(wanted.Users, written.Users).Select(key => $"user {key.User} of table {key.Table} is new or changed"),
            .. wanted.LoginServices.Except(written.LoginServices).Select(name => $"the PAM service {name} is new"),
            .. Frame(wanted) == Frame(written) ? (string[])[] : ["a setting of all local deliveries changed"],
        ];
        return what.Length == 0 ? null : string.Join("; ", what);
    }

    private static (string, MailboxStyle, string, string, int) Frame(LocalActions actions) =>
        (actions.HostName, actions.Style, actions.AliasUser, actions.SubaddressDelimiters, actions.CommandRunMilliseconds);

    private static IEnumerable<TKey> Changed<TKey, TValue>(ImmutableDictionary<TKey, TValue> wanted, ImmutableDictionary<TKey, TValue> written)
        where TKey : notnull =>
        wanted.Where(pair => !written.TryGetValue(pair.Key, out TValue? old) || !EqualityComparer<TValue>.Default.Equals(old, pair.Value)).Select(pair => pair.Key);
}
