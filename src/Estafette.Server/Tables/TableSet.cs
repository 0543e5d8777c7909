using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Estafette.Config;
using Estafette.Config.Model;

namespace Estafette.Tables;

/// <summary>
/// All lookup tables of one configuration. Answers are values; a table that cannot be read answers "unavailable", which every user of it must
/// treat as a temporary failure (E44). Everything is read when it is made; text and compiled files that change later, or that root hands over anew,
/// are read again.
/// </summary>
public sealed class TableSet
{
    /// <summary>The table that every configuration has: the users of the system.</summary>
    public const string SystemUsersTable = "<getpwnam>";

    private readonly FrozenDictionary<string, LookupTable> _tables;
    private readonly FrozenDictionary<string, LookupMap> _maps;
    private readonly FrozenSet<string> _passwd;
    private readonly IUserDatabase _users;
    private readonly ImmutableDictionary<string, TableConfig> _configured;
    private readonly string _delimiters;
    private readonly ConditionalWeakTable<object, object> _digests = [];
    private readonly ConditionalWeakTable<MatchList, CompiledList> _lists = [];

    /// <param name="warn">Told, once for each state, what an operator must know of a table: unreadable, stale, malformed.</param>
    public TableSet(MailConfig config, IUserDatabase users, TimeProvider clock, Action<string> warn)
        : this(config, new FileView(), users, clock, warn)
    {
    }

    /// <param name="files">Where the tables' files are read.</param>
    /// <param name="warn">Told, once for each state, what an operator must know of a table: unreadable, stale, malformed.</param>
    public TableSet(MailConfig config, FileView files, IUserDatabase users, TimeProvider clock, Action<string> warn)
    {
        _users = users;
        _delimiters = config.SubaddressDelimiters;
        // A table within others may be there under its own name, too: it is read once.
        _tables = config.Tables.Values.SelectMany(t => t.WithParts()).Where(HasRows).DistinctBy(t => t.Name)
            .ToFrozenDictionary(t => t.Name, t => new LookupTable(t, files, clock, warn), StringComparer.Ordinal);
        _configured = config.Tables;
        var factory = new MapFactory(t => _tables[t.Name], users);
        _maps = config.Tables.Values.ToFrozenDictionary(t => t.Name, factory.Make, StringComparer.Ordinal);
        _passwd = config.Tables.Values.Where(t => t.Kind == TableKind.Passwd).Select(t => t.Name).Append(SystemUsersTable).ToFrozenSet(StringComparer.Ordinal);
        foreach (LookupTable table in _tables.Values)
            table.Current();
    }

    /// <summary>The value of a key, compared exactly but for ASCII case.</summary>
    public ValueTask<TableAnswer> LookupAsync(string table, string key, CancellationToken cancellationToken) =>
        MatchAsync(table, TableMatch.Exact, key, cancellationToken);

    /// <summary>The value of the row whose key matches; a domain, an address or a text by what <paramref name="match"/> says.</summary>
    public ValueTask<TableAnswer> MatchAsync(string table, TableMatch match, string key, CancellationToken cancellationToken) =>
        _passwd.Contains(table) ? LookupUserAsync(match, key, cancellationToken) : ValueTask.FromResult(Find(table, match, key));

    /// <summary>
    /// Asks the tables of a list in turn; the first that has the key answers (postconf(5), "type:table"). One that cannot be asked makes the whole list unavailable at once: what stands behind it
    /// must not decide in its place (E44). An empty value is a mistake in a table, and no answer.
    /// </summary>
    public ValueTask<TableAnswer> FindAsync(ImmutableArray<string> maps, string key, MapUse use, CancellationToken cancellationToken) =>
        maps.IsEmpty || key.Length == 0 ? ValueTask.FromResult<TableAnswer>(TableAnswer.NotFound.Instance) : FindInAsync(maps, key, use, cancellationToken);

    /// <summary>Asks with a whole key.</summary>
    public ValueTask<TableAnswer> FindAsync(ImmutableArray<string> maps, string key, CancellationToken cancellationToken) => FindAsync(maps, key, MapUse.Whole, cancellationToken);

    /// <summary>All rows of a table in their order, keys folded; for tables that are walked.</summary>
    public TableContent Content(string table)
    {
        if (!_tables.TryGetValue(table, out LookupTable? lookup))
            return new TableContent([], $"table {table} cannot be walked");
        try
        {
            LoadedTable loaded = lookup.Current();
            return loaded.Rows is null ? new TableContent([], loaded.Failure) : new TableContent([.. loaded.Rows.All()]);
        }
        catch (IOException e)
        {
            return new TableContent([], e.Message);
        }
    }

    /// <summary>All that a table can answer whatever it is asked, as far as that stands in it; for what must be allowed beforehand (DESIGN 6).</summary>
    public TableKeys Values(string table)
    {
        if (!_configured.TryGetValue(table, out TableConfig? config))
            return new TableKeys([], $"no table {TableConfig.Told(table)}");
        var values = ImmutableArray.CreateBuilder<string>();
        string? failure = null;
        foreach (TableConfig part in config.WithParts())
        {
            values.AddRange(part.Values.AsSpan());
            if (!_tables.TryGetValue(part.Name, out LookupTable? lookup))
                continue;
            LoadedTable loaded = lookup.Current();
            failure ??= loaded.Rows is null ? loaded.Failure ?? "not read" : null;
            if (loaded.Rows is RuleRows rules)
                values.AddRange(rules.Results);
            else
                values.AddRange(Content(part.Name).Rows.Select(r => r.Value));
        }
        return new TableKeys(values.ToImmutable(), failure);
    }

    /// <summary>What <paramref name="make"/> finds in the rows of a table; asked once for each state of its file. A table that cannot be walked has no rows.</summary>
    public T Digest<T>(string table, Func<IEnumerable<KeyValuePair<string, string>>, T> make)
        where T : class
    {
        if (!_tables.TryGetValue(table, out LookupTable? lookup))
            return make([]);
        LoadedTable loaded = lookup.Current();
        object key = (object?)loaded.Rows ?? lookup;
        return (T)_digests.GetValue(key, _ => make(Content(table).Rows));
    }

    /// <summary>The keys of a table in their order.</summary>
    public TableKeys Keys(string table)
    {
        TableContent content = Content(table);
        return new TableKeys([.. content.Rows.Select(r => r.Key)], content.Failure);
    }

    /// <summary>Reads a table again (<c>smtpctl update table</c>); null when that worked, else why not.</summary>
    public string? Update(string table)
    {
        if (_passwd.Contains(table))
            return null;
        return _tables.TryGetValue(table, out LookupTable? lookup) ? lookup.Reload().Failure : $"no table {TableConfig.Told(table)}";
    }

    /// <summary>Looks at every table's file now, and reads those that changed.</summary>
    public void Refresh()
    {
        foreach (LookupTable table in _tables.Values)
            table.Refresh();
    }

    /// <summary>What is wrong with the tables' contents, each finding where the table is declared or at its own line.</summary>
    public ImmutableArray<Diagnostic> Check() => [.. _tables.Values.OrderBy(t => t.Config.At.Line).SelectMany(TableCheck.Of)];

    /// <summary>What the original prints of a table and those in it when it opens them: odd lines, a source that is newer; empty where there is nothing to tell.</summary>
    public ImmutableArray<string> Remarks(TableConfig table)
    {
        var remarks = ImmutableArray.CreateBuilder<string>();
        foreach (TableConfig part in table.WithParts())
        {
            if (_tables.GetValueOrDefault(part.Name)?.Current() is not { } loaded)
                continue;
            if (loaded.Warning is { } warning)
                remarks.Add(warning);
            remarks.AddRange(loaded.Notes.Select(n => MapNotes.Text(part, n)));
        }
        return remarks.ToImmutable();
    }

    /// <summary>Why a table or one of those in it cannot be read; null when all can.</summary>
    public string? Failure(TableConfig table) => table.WithParts().Select(p => _tables.GetValueOrDefault(p.Name)?.Current()).FirstOrDefault(l => l is { Rows: null })?.Failure;

    /// <summary>What cannot be read at all, in words: a reload that would lose a table is none.</summary>
    public ImmutableArray<string> Unreadable() =>
        [.. _tables.Values.Select(t => (t.Config.Name, State: t.Current())).Where(t => t.State.Rows is null).Select(t => $"table {t.Name}: {t.State.Failure ?? "not read"}")];

    private async ValueTask<TableAnswer> FindInAsync(ImmutableArray<string> maps, string key, MapUse use, CancellationToken cancellationToken)
    {
        foreach (string name in maps)
        {
            switch (await AskAsync(name, key, use, cancellationToken))
            {
                case TableAnswer.Found { Value: "" }:
                    string told = TableConfig.Told(name);
                    return new TableAnswer.Unavailable($"{told} lookup of {key} returns an empty string result ({told} should return NO RESULT in case of NOT FOUND)");
                case TableAnswer.NotFound:
                    continue;
                case var answer:
                    return answer;
            }
        }
        return TableAnswer.NotFound.Instance;
    }

    /// <summary>Asks one table, for which an empty value is one.</summary>
    public ValueTask<TableAnswer> AskAsync(string table, string key, MapUse use, CancellationToken cancellationToken)
    {
        if (!_maps.TryGetValue(table, out LookupMap? map))
            return ValueTask.FromResult<TableAnswer>(new TableAnswer.Unavailable($"no table {TableConfig.Told(table)}"));
        return use.HasFlag(MapUse.Partial) && !map.IsFixed ? ValueTask.FromResult<TableAnswer>(TableAnswer.NotFound.Instance) : map.FindAsync(key, use, cancellationToken);
    }

    internal CompiledList Compiled(MatchList list) => _lists.GetValue(list, static l => new CompiledList(l));

    private static bool HasRows(TableConfig table) =>
        table.Kind is TableKind.Inline or TableKind.File or TableKind.Db or TableKind.Indexed or TableKind.TextHash or TableKind.Regexp or TableKind.Pcre or TableKind.Cidr;

    private TableAnswer Find(string table, TableMatch match, string key)
    {
        if (!_tables.TryGetValue(table, out LookupTable? lookup))
            return new TableAnswer.Unavailable($"no table {TableConfig.Told(table)}");
        LoadedTable loaded = lookup.Current();
        if (loaded.Rows is not { } rows)
            return new TableAnswer.Unavailable(loaded.Failure ?? "not read");
        try
        {
            PatternIndex index = rows.Index(match);
            if (index.Invalid is { } invalid)
                return new TableAnswer.Unavailable($"table {table}: \"{invalid}\" is no valid pattern");
            string folded = KeyText.Fold(key);
            string? value = match == TableMatch.MailAddress ? FindAddress(index, folded) : index.Find(folded);
            return value is null ? TableAnswer.NotFound.Instance : new TableAnswer.Found(value);
        }
        catch (IOException e)
        {
            return new TableAnswer.Unavailable($"table {table}: {e.Message}");
        }
    }

    private string? FindAddress(PatternIndex index, string address)
    {
        int at = address.LastIndexOf('@');
        string user = at < 0 ? address : address[..at];
        int delimiter = user.AsSpan().IndexOfAny(_delimiters);
        return index.FindAddress(user, delimiter > 0 ? user[..delimiter] : user, at < 0 ? "" : address[(at + 1)..]);
    }

    private async ValueTask<TableAnswer> LookupUserAsync(TableMatch match, string key, CancellationToken cancellationToken)
    {
        if (match != TableMatch.Exact)
            return new TableAnswer.Unavailable("the users of the system can only be looked up by name");
        return await _users.FindAsync(key, cancellationToken) switch
        {
            UserAnswer.Found found => new TableAnswer.Found(found.User.ToTableValue()),
            UserAnswer.Unavailable unavailable => new TableAnswer.Unavailable(unavailable.Reason),
            _ => TableAnswer.NotFound.Instance,
        };
    }
}
