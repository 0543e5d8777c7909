using System.Collections.Frozen;

namespace Estafette.Tables;

/// <summary>One loaded state of a table: rows by folded key, and what was compiled from them for the matching kinds, once each.</summary>
internal abstract class TableRows
{
    private readonly PatternIndex?[] _indexes = new PatternIndex?[Enum.GetValues<TableMatch>().Length];

    /// <summary>The value of a folded key; null when there is no such row. Throws IOException where the medium fails.</summary>
    public abstract string? Get(string foldedKey);

    /// <summary>All rows in the order they were written, keys folded.</summary>
    public abstract IEnumerable<KeyValuePair<string, string>> All();

    /// <summary>Two threads may build the same index at once; the one that is kept makes no difference.</summary>
    public PatternIndex Index(TableMatch match) => _indexes[(int)match] ??= PatternIndex.Build(this, match);
}

/// <summary>Rows in memory; of two rows with one key the later wins.</summary>
internal sealed class MemoryRows : TableRows
{
    private readonly KeyValuePair<string, string>[] _rows;
    private readonly FrozenDictionary<string, string> _byKey;

    public MemoryRows(IEnumerable<KeyValuePair<string, string>> rows)
    {
        _rows = [.. rows.Select(r => KeyValuePair.Create(KeyText.Fold(r.Key), r.Value))];
        var byKey = new Dictionary<string, string>(_rows.Length, StringComparer.Ordinal);
        foreach ((string key, string value) in _rows)
            byKey[key] = value;
        _byKey = byKey.ToFrozenDictionary(StringComparer.Ordinal);
    }

    public override string? Get(string foldedKey) => _byKey.GetValueOrDefault(foldedKey);

    public override IEnumerable<KeyValuePair<string, string>> All() => _rows;
}

/// <summary>Rows of a compiled file; only what is asked for is read.</summary>
internal sealed class CdbRows(CdbFile file) : TableRows
{
    public override string? Get(string foldedKey) => file.Get(foldedKey);

    public override IEnumerable<KeyValuePair<string, string>> All() => file.All();
}
