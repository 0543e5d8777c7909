using System.Collections.Immutable;
using System.Net;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Policy.Restrictions;

/// <summary>The look-ups that restrictions make, by the words of access(5). A table that cannot be read ends a search (E44).</summary>
internal sealed class PolicyTables(TableSet tables)
{
    /// <summary>The first entry in the tables, in their order.</summary>
    public ValueTask<TableAnswer> FindAsync(ImmutableArray<string> maps, string key, CancellationToken cancellationToken) => tables.FindAsync(maps, key, cancellationToken);

    /// <summary>A host name or domain, and its parents.</summary>
    public ValueTask<TableAnswer> FindDomainAsync(string map, string domain, bool parents, CancellationToken cancellationToken) =>
        DomainLookup.FindAsync(tables, [map], domain, parents, cancellationToken);

    /// <summary>An address, and the networks around it.</summary>
    public ValueTask<TableAnswer> FindNetworkAsync(string map, IPAddress address, CancellationToken cancellationToken) => NetworkLookup.FindAsync(tables, [map], address, cancellationToken);

    /// <summary>A mailbox, its domain and the parents of that, its user.</summary>
    public async ValueTask<TableAnswer> FindMailboxAsync(string map, MailAddress address, SmtpdConfig config, CancellationToken cancellationToken)
    {
        AddressKeys keys = AddressKeys.Access | (config.AccessParentsMatch ? AddressKeys.Parents : AddressKeys.DotParents);
        return (await new AddressLookup(tables, keys, config.RecipientDelimiters, NobodyAsks).FindAsync([map], address, cancellationToken)).Answer;
    }

    /// <summary>The logins that own an address: its entry, that of the user alone where the domain is one of ours, that of <c>@domain</c>.</summary>
    public async ValueTask<TableAnswer> FindOwnerAsync(SmtpdConfig config, AddressStanding standing, CancellationToken cancellationToken)
    {
        ValueTask<bool?> IsOwn(string domain, CancellationToken _) => ValueTask.FromResult<bool?>(standing.Class == AddressClass.Local);
        return (await new AddressLookup(tables, AddressKeys.Default, config.RecipientDelimiters, IsOwn).FindAsync(config.SenderLogins, standing.Address, cancellationToken)).Answer;
    }

    /// <summary>Null where a table of the list cannot be read.</summary>
    public async ValueTask<bool?> ContainsAsync(MatchList list, IPAddress address, CancellationToken cancellationToken)
    {
        ListAnswer answer = await tables.MatchAddressAsync(list, address, cancellationToken);
        return answer.IsUnavailable ? null : answer.IsMatch;
    }

    private static ValueTask<bool?> NobodyAsks(string domain, CancellationToken cancellationToken) => ValueTask.FromResult<bool?>(false);
}
