using System.Collections.Immutable;
using Estafette.Config;

namespace Estafette.Tables;

/// <summary>Looks for a domain, then for its parents, in a list of maps: access(5) HOST NAME/ADDRESS PATTERNS, transport(5).</summary>
public static class DomainLookup
{
    /// <summary>Labels that a name may have; longer ones come from nobody's DNS.</summary>
    private const int MaximumLabels = 128;

    /// <param name="domain">A name; of an address, which a client may have as its name, there are no parents.</param>
    /// <param name="parentMatches">A parent is looked for as <c>parent</c>, else as <c>.parent</c>.</param>
    public static ValueTask<TableAnswer> FindAsync(TableSet tables, ImmutableArray<string> maps, string domain, bool parentMatches, CancellationToken cancellationToken) =>
        FindAsync(tables, maps, domain, NetworkPattern.TryAddress(domain, out _) ? 0 : parentMatches ? AddressKeys.Parents : AddressKeys.DotParents, MapUse.Whole, cancellationToken);

    /// <param name="use">How the domain itself is looked for; its parents always are parts.</param>
    internal static async ValueTask<TableAnswer> FindAsync(TableSet tables, ImmutableArray<string> maps, string domain, AddressKeys keys, MapUse use, CancellationToken cancellationToken)
    {
        if (maps.IsEmpty)
            return TableAnswer.NotFound.Instance;
        string name = domain;
        for (int label = 0; label < MaximumLabels && name.Length > 0; label++, use |= MapUse.Partial)
        {
            TableAnswer answer = await tables.FindAsync(maps, name, use, cancellationToken);
            int dot = name.IndexOf('.', 1);
            if (answer is not TableAnswer.NotFound || dot < 0 || (keys & (AddressKeys.Parents | AddressKeys.DotParents)) == 0)
                return answer;
            name = keys.HasFlag(AddressKeys.DotParents) ? name[dot..] : name[(dot + 1)..];
        }
        return TableAnswer.NotFound.Instance;
    }
}
