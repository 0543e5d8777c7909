using System.Collections.Immutable;
using Estafette.Config.Model;
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
