using Estafette.Config.Model;
using Estafette.Control;
using Estafette.Tables;

namespace Estafette.Program.Daemon;

/// <summary>What users other than root may ask the admin socket for: the lists of the configuration, matched by the user's name. A list that cannot be read lets nobody in.</summary>
internal sealed class ControlPermissions(Func<ConfigurationSnapshot> snapshot, SystemUsers users)
{
    public async ValueTask<bool> PermitsAsync(uint user, ControlRight right, CancellationToken cancellationToken)
    {
        ConfigurationSnapshot now = snapshot();
        MatchList? list = right == ControlRight.ViewQueue ? now.Config.Operation.QueueViewers : now.Config.Operation.QueueFlushers;
        if (list is null or { IsEmpty: true })
            return list is null;
        // A number without a name is no user of any list but one for everybody.
        string name = await users.FindAsync(user, cancellationToken) is UserAnswer.Found found ? found.User.Name : "unknown";
        return (await now.Tables.MatchTextAsync(list, name, cancellationToken)).IsMatch;
    }

    /// <summary>Whether <c>postqueue -s</c> may name this domain.</summary>
    public async ValueTask<bool> IsFlushSiteAsync(string site, CancellationToken cancellationToken)
    {
        ConfigurationSnapshot now = snapshot();
        return (await now.Tables.MatchDomainAsync(now.Config.Operation.FlushSites, site.Trim('[', ']'), cancellationToken)).IsMatch;
    }
}
