using Estafette.Config;
using Estafette.Config.Model;

namespace Estafette.Tables;

/// <summary>What loading a table gave: rows or a failure, the stamps it was read at, and what the operator should hear.</summary>
internal sealed record LoadedTable(TableRows? Rows, string? Failure, FileStamp Stamp)
{
    /// <summary>Stamp of the text that is read in the place of a compiled file that is missing or foreign.</summary>
    public bool FromText { get; init; }
    public FileStamp SourceStamp { get; init; }
    public string? Warning { get; init; }

    /// <summary>The text is there and wrong: what was loaded before stays in force.</summary>
    public bool Malformed { get; init; }

    /// <summary>The line of <see cref="Malformed"/>.</summary>
    public int Line { get; init; }

    /// <summary>Permission was denied, as against a file that is gone or broken.</summary>
    public bool Denied { get; init; }
}

/// <summary>Loads tables from where they live. Every failure is a value.</summary>
internal sealed class TableSource(FileView files)
{
    /// <summary>Octets of a text table; a larger one belongs in a compiled file.</summary>
    public const long MaximumText = 64 << 20;

    private const string CompiledSuffix = ".db";

    public LoadedTable Load(TableConfig config) => config.Kind switch
    {
        TableKind.Inline => new LoadedTable(new MemoryRows(config.Rows), null, default),
        TableKind.File => LoadText(config.Path, config.Path),
        TableKind.Db => LoadCompiled(config.Path),
        _ => new LoadedTable(null, "table has no rows to read", default),
    };

    /// <summary>True when the files still are what <paramref name="loaded"/> was read from.</summary>
    public bool IsCurrent(TableConfig config, LoadedTable loaded)
    {
        if (config.Kind is not (TableKind.File or TableKind.Db))
            return true;
        bool exists = files.TryStamp(config.Path, out FileStamp stamp, out _);
        if (!exists ? loaded.Stamp != default || loaded.Failure is not null : stamp != loaded.Stamp)
            return false;
        return !loaded.FromText || (files.TryStamp(SourceOf(config.Path), out FileStamp source, out _) && source == loaded.SourceStamp);
    }

    /// <summary>The text that a compiled file is made from.</summary>
    public static string SourceOf(string path) =>
        path.EndsWith(CompiledSuffix, StringComparison.Ordinal) ? path[..^CompiledSuffix.Length] : path;

    private LoadedTable LoadCompiled(string path)
    {
        string source = SourceOf(path);
        bool hasSource = source != path & files.TryStamp(source, out FileStamp sourceStamp, out _);
        if (!files.TryStamp(path, out FileStamp stamp, out FileFailure missing))
        {
            return missing.IsMissing && hasSource
                ? FromText(source, default, sourceStamp, $"{path} is missing; its source {source} is used (run makemap {source})")
                : new LoadedTable(null, $"{path}: {missing.Text}", default) { Denied = missing.IsDenied };
        }
        if (!CdbFile.TryOpen(path, files.Handed.Find(path)?.Content, out CdbFile? file, out string failure))
        {
            return hasSource && stamp.Size > 0 && !failure.Contains("denied", StringComparison.Ordinal)
                ? FromText(source, stamp, sourceStamp, $"{failure}; until then its source {source} is used")
                : new LoadedTable(null, failure, stamp) { Denied = failure.Contains("denied", StringComparison.Ordinal) };
        }
        string? stale = hasSource && sourceStamp.Modified > stamp.Modified ? $"{path} is older than its source {source} (run makemap {source})" : null;
        return new LoadedTable(new CdbRows(file), null, stamp) { Warning = stale };
    }

    private LoadedTable FromText(string source, FileStamp stamp, FileStamp sourceStamp, string warning) =>
        LoadText(source, source) with { Stamp = stamp, SourceStamp = sourceStamp, FromText = true, Warning = warning };

    private LoadedTable LoadText(string path, string shown)
    {
        if (!files.TryStamp(path, out FileStamp stamp, out FileFailure failure))
            return new LoadedTable(null, $"{shown}: {failure.Text}", default) { Denied = failure.IsDenied };
        if (stamp.Size > MaximumText)
            return new LoadedTable(null, $"{shown}: larger than {MaximumText >> 20} MiB; compile it with makemap", stamp);
        string text;
        try
        {
            text = files.ReadText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new LoadedTable(null, e.Message, stamp) { Denied = e is UnauthorizedAccessException };
        }
        TextTable table = TextTableParser.Parse(text, TextTableForm.Detect);
        return table.IsValid
            ? new LoadedTable(new MemoryRows(table.Rows.Select(r => KeyValuePair.Create(r.Key, r.Value))), null, stamp)
            : new LoadedTable(null, $"{shown}:{table.ErrorLine}: {table.Error}", stamp) { Malformed = true, Line = table.ErrorLine };
    }
}
