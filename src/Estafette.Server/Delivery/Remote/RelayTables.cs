using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Delivery.Remote;

/// <summary>The configuration's own tables. <paramref name="readUrl"/> reads the value of a domain table in the configuration's language.</summary>
public sealed class RelayTables(Func<TableSet> tables, Func<string, RelayHost?> readUrl) : IRelayTables
{
    public async ValueTask<RelayTableAnswer> LookUpAsync(string table, string key, CancellationToken cancellationToken) =>
        await tables().LookupAsync(table, key, cancellationToken) switch
        {
            TableAnswer.Found found => new RelayTableAnswer(found.Value),
            TableAnswer.Unavailable unavailable => new RelayTableAnswer(null, unavailable.Reason),
            _ => default,
        };

    public async ValueTask<RelayTableAnswer> FindAsync(ImmutableArray<string> maps, string key, CancellationToken cancellationToken) =>
        await tables().FindAsync(maps, key, cancellationToken) switch
        {
            TableAnswer.Found found => new RelayTableAnswer(found.Value),
            TableAnswer.Unavailable unavailable => new RelayTableAnswer(null, unavailable.Reason),
            _ => default,
        };

    /// <summary>Which domains are one's own, for keys without one, and what parts an extension from its user.</summary>
    public Func<(OwnDomainTest Own, string Delimiters)>? Domains { get; init; }

    public async ValueTask<RelayTableAnswer> GenericAsync(ImmutableArray<string> maps, string address, CancellationToken cancellationToken)
    {
        (OwnDomainTest own, string delimiters) = Domains?.Invoke() ?? (static (_, _) => ValueTask.FromResult<bool?>(false), "");
        MailAddress original = AddressTokens.Read(address).ToAddress();
        Estafette.Tables.AddressAnswer found = await new AddressLookup(tables(), AddressKeys.Default, delimiters, own).FindAsync(maps, original, cancellationToken);
        return found.Answer switch
        {
            TableAnswer.Unavailable unavailable => new RelayTableAnswer(null, unavailable.Reason),
            TableAnswer.Found value => AddressMapping.Expand(value.Value, original, found.Extension, propagates: true) is [var first, ..]
                ? new RelayTableAnswer(first.ToString())
                : new RelayTableAnswer(null, $"no address in \"{value.Value}\" for {address}"),
            _ => default,
        };
    }

    public async ValueTask<RelayHostAnswer> HostOfAsync(string table, string domain, CancellationToken cancellationToken) =>
        await tables().MatchAsync(table, TableMatch.Domain, domain, cancellationToken) switch
        {
            TableAnswer.Found found => readUrl(found.Value) is RelayHost host ? new RelayHostAnswer(host) : new RelayHostAnswer(null, $"table {table} has no valid relay URL for {domain}"),
            TableAnswer.Unavailable unavailable => new RelayHostAnswer(null, unavailable.Reason),
            _ => default,
        };

    public ValueTask<IReadOnlyList<string>> ListAsync(string table, CancellationToken cancellationToken) =>
        ValueTask.FromResult<IReadOnlyList<string>>(tables().Keys(table).Keys);
}
