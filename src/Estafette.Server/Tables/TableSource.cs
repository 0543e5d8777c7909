using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text;
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

    /// <summary>Lines of the text that are odd; they were left out.</summary>
    public ImmutableArray<MapNote> Notes { get; init; } = [];
}

/// <summary>Loads tables from where they live. Every failure is a value.</summary>
internal sealed class TableSource(FileView files, TimeProvider clock)
{
    /// <summary>Octets of a text table; a larger one belongs in a compiled file.</summary>
    public const long MaximumText = 64 << 20;

    private static readonly TimeSpan s_editing = TimeSpan.FromSeconds(100);

    private const string CompiledSuffix = ".db";

    public LoadedTable Load(TableConfig config) => config.Kind switch
    {
        TableKind.Inline => new LoadedTable(new MemoryRows(config.Rows), null, default),
        TableKind.File => LoadText(config.Path, config.Path),
        TableKind.Db => LoadCompiled(config.Path),
        TableKind.Indexed => LoadIndexed(config),
        TableKind.TextHash => LoadMapText(config.Path, orAliases: false),
        TableKind.Regexp or TableKind.Pcre or TableKind.Cidr => LoadRules(config),
        _ => new LoadedTable(null, "table has no rows to read", default),
    };

    /// <summary>True when the files still are what <paramref name="loaded"/> was read from.</summary>
    public bool IsCurrent(TableConfig config, LoadedTable loaded)
    {
        if (config.Files.IsEmpty)
            return true;
        bool exists = files.TryStamp(config.Files[0], out FileStamp stamp, out _);
        if (!exists ? loaded.Stamp != default || loaded.Failure is not null : stamp != loaded.Stamp)
            return false;
        if (config.Kind == TableKind.Indexed && !loaded.FromText && loaded is { Rows: not null, Warning: null } && files.TryStamp(config.Path, out FileStamp text, out _) && IsStale(stamp, text))
            return false;
        return !loaded.FromText || (files.TryStamp(TextOf(config), out FileStamp source, out _) && source == loaded.SourceStamp);
    }

    /// <summary>The text that a compiled file is made from.</summary>
    public static string SourceOf(string path) =>
        path.EndsWith(CompiledSuffix, StringComparison.Ordinal) ? path[..^CompiledSuffix.Length] : path;

    /// <summary>The text that a table's compiled file is made from.</summary>
    private static string TextOf(TableConfig config) => config.Kind == TableKind.Indexed ? config.Path : SourceOf(config.Path);

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
                ? FromText(source, stamp, sourceStamp, $"{failure}; compile it again with makemap; until then its source {source} is used")
                : new LoadedTable(null, $"{failure}; compile it again with makemap", stamp) { Denied = failure.Contains("denied", StringComparison.Ordinal) };
        }
        string? stale = hasSource && sourceStamp.Modified > stamp.Modified ? $"{path} is older than its source {source} (run makemap {source})" : null;
        return new LoadedTable(new CdbRows(file), null, stamp) { Warning = stale };
    }

    private LoadedTable FromText(string source, FileStamp stamp, FileStamp sourceStamp, string warning) =>
        LoadText(source, source) with { Stamp = stamp, SourceStamp = sourceStamp, FromText = true, Warning = warning };

    /// <summary>
    /// What postmap made, else its source. A compiled file that is older than its source stays in force, as in the original: it may hold rows that were put in by <c>postmap -i</c>, and a source that is
    /// being edited is not yet meant to be used.
    /// </summary>
    private LoadedTable LoadIndexed(TableConfig config)
    {
        string path = config.Path + config.Suffix;
        bool hasSource = files.TryStamp(config.Path, out FileStamp sourceStamp, out _);
        if (!files.TryStamp(path, out FileStamp stamp, out FileFailure missing))
        {
            return missing.IsMissing && hasSource
                ? FromMapText(config, default, sourceStamp, $"open database {path}: {missing.Text}; its source {config.Path} is used (run {Maker(config)})")
                : new LoadedTable(null, $"open database {path}: {missing.Text}", default) { Denied = missing.IsDenied };
        }
        if (!CdbFile.TryOpen(path, files.Handed.Find(path)?.Content, out CdbFile? file, out string failure))
        {
            bool denied = failure.Contains("denied", StringComparison.Ordinal);
            return hasSource && !denied
                ? FromMapText(config, stamp, sourceStamp, $"{failure}; its source {config.Path} is used (run {Maker(config)})")
                : new LoadedTable(null, denied ? failure : $"{failure} (run {Maker(config)})", stamp) { Denied = denied };
        }
        string? stale = hasSource && IsStale(stamp, sourceStamp) ? $"database {path} is older than source file {config.Path}" : null;
        return new LoadedTable(new CdbRows(file), null, stamp) { Warning = stale };
    }

    /// <summary>A source that changed a moment ago is perhaps being edited, or compiled right now.</summary>
    private bool IsStale(FileStamp compiled, FileStamp source) =>
        source.Modified > compiled.Modified && source.Modified < clock.GetUtcNow() - DateTimeOffset.UnixEpoch - s_editing;

    private static string Maker(TableConfig config) => config.Path.EndsWith("/aliases", StringComparison.Ordinal) ? "newaliases" : $"postmap {config.Path}";

    private LoadedTable FromMapText(TableConfig config, FileStamp stamp, FileStamp sourceStamp, string warning)
    {
        LoadedTable text = LoadMapText(config.Path, orAliases: true);
        return text with { Stamp = stamp, SourceStamp = sourceStamp, FromText = true, Warning = warning };
    }

    /// <param name="orAliases">The text may be what postalias reads: the name of a compiled table does not tell.</param>
    private LoadedTable LoadMapText(string path, bool orAliases)
    {
        if (!TryRead(path, "open database ", files.ReadText, out string text, out LoadedTable? failed, out FileStamp stamp))
            return failed;
        var rows = new List<KeyValuePair<string, string>>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var notes = new MapNotes();
        foreach (MapEntry entry in orAliases && AliasText.LooksLikeAliases(text) ? AliasText.Read(text, notes.Add)
            : MapText.Read(text, n => notes.Add(n.Text == MapText.NoEntry ? n with { Text = n.Text + " -- ignoring this line" } : n)))
        {
            string key = KeyText.FoldText(entry.Key);
            if (seen.Add(key))
                rows.Add(KeyValuePair.Create(key, entry.Value));
            else
                notes.Add(new MapNote(entry.Line, $"duplicate entry: \"{entry.Key}\""));
        }
        return new LoadedTable(new MemoryRows(rows), null, stamp) { Notes = notes.All };
    }

    private LoadedTable LoadRules(TableConfig config)
    {
        string octets = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(string.Join('\n', config.Values)));
        FileStamp stamp = default;
        if (config.Path.Length > 0 && !TryRead(config.Path, "open ", path => Encoding.Latin1.GetString(files.ReadOctets(path).Span), out octets, out LoadedTable? failed, out stamp))
            return failed;
        LoadedTable loaded = config.Kind == TableKind.Cidr ? CidrRules.Read(octets, stamp)
            : ExpressionRules.Read(octets, config.Kind == TableKind.Pcre ? ExpressionSyntax.Perl : ExpressionSyntax.Posix, stamp);
        return loaded.Failure is null || config.Path.Length == 0 ? loaded : loaded with { Failure = $"{config.Path}, {loaded.Failure}" };
    }

    private LoadedTable LoadText(string path, string shown)
    {
        if (!TryRead(path, "", files.ReadText, out string text, out LoadedTable? failed, out FileStamp stamp))
            return failed;
        TextTable table = TextTableParser.Parse(text, TextTableForm.Detect);
        return table.IsValid
            ? new LoadedTable(new MemoryRows(table.Rows.Select(r => KeyValuePair.Create(r.Key, r.Value))), null, stamp)
            : new LoadedTable(null, $"{shown}:{table.ErrorLine}: {table.Error}", stamp) { Malformed = true, Line = table.ErrorLine };
    }

    private bool TryRead(string path, string doing, Func<string, string> read, out string text, [NotNullWhen(false)] out LoadedTable? failed, out FileStamp stamp)
    {
        text = "";
        failed = null;
        if (!files.TryStamp(path, out stamp, out FileFailure failure))
            failed = new LoadedTable(null, $"{doing}{path}: {failure.Text}", default) { Denied = failure.IsDenied };
        else if (stamp.Size > MaximumText)
            failed = new LoadedTable(null, $"{path}: larger than {MaximumText >> 20} MiB; compile it with makemap or postmap", stamp);
        else
        {
            try
            {
                text = read(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                failed = new LoadedTable(null, e.Message, stamp) { Denied = e is UnauthorizedAccessException };
            }
        }
        return failed is null;
    }
}
