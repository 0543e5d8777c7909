using Estafette.Config.Model;
using Estafette.Delivery.Local;
using Estafette.Mail;
using Estafette.Routing;
using Estafette.Tables;

namespace Estafette.Program.Daemon;

/// <summary>The part of the compile step that is local delivery (DESIGN 6): what the privileged side may do.</summary>
/// <param name="users">The users of the system.</param>
/// <param name="daemon">Whom the daemon becomes; null where an ordinary user started it and everything runs as that one.</param>
/// <param name="warn">Told what an operator must know.</param>
internal sealed class LocalActionsStep(IUserDatabase users, DaemonUser? daemon, Action<string> warn)
{
    public async Task<LocalActions> CompileAsync(MailConfig config, TableSet tables, CancellationToken cancellationToken)
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
        var maps = new MapActionsCompiler(config, tables, users);
        actions = await maps.AddToAsync(actions, cancellationToken);
        foreach (string finding in maps.Findings)
            warn("local delivery: " + finding);
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
}
