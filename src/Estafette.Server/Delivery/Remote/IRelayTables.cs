using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Delivery.Remote;

/// <summary>A table's answer: the value, nothing, or why the table cannot be asked, which is never the same as nothing (E44).</summary>
public readonly record struct RelayTableAnswer(string? Value, string? Trouble = null);

/// <inheritdoc cref="RelayTableAnswer"/>
public readonly record struct RelayHostAnswer(RelayHost? Host, string? Trouble = null);

/// <summary>The tables that the sending side asks; tests answer from a dictionary.</summary>
public interface IRelayTables
{
    ValueTask<RelayTableAnswer> LookUpAsync(string table, string key, CancellationToken cancellationToken);

    /// <summary>Asks several tables in turn, of any type; the first that has the key answers.</summary>
    async ValueTask<RelayTableAnswer> FindAsync(ImmutableArray<string> tables, string key, CancellationToken cancellationToken)
    {
        foreach (string table in tables)
        {
            RelayTableAnswer answer = await LookUpAsync(table, key, cancellationToken);
            if (answer.Value is not null || answer.Trouble is not null)
                return answer;
        }
        return default;
    }

    /// <summary>What generic(5) makes of an address in its written form; a null value where it stays.</summary>
    ValueTask<RelayTableAnswer> GenericAsync(ImmutableArray<string> tables, string address, CancellationToken cancellationToken) => FindAsync(tables, address, cancellationToken);

    /// <summary>The row of a domain table, its URL already read.</summary>
    ValueTask<RelayHostAnswer> HostOfAsync(string table, string domain, CancellationToken cancellationToken);

    /// <summary>All rows of a list, for source addresses; empty when it cannot be read.</summary>
    ValueTask<IReadOnlyList<string>> ListAsync(string table, CancellationToken cancellationToken);
}
