using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>
/// Tables by name, and nameless ones for values written in place. A use checks that the table is there, has the shape that the use
/// needs, and that values written in the configuration can be what they are used as.
/// </summary>
internal sealed class TableLowering(LoweringContext context)
{
    private readonly ImmutableDictionary<string, TableConfig>.Builder _tables = ImmutableDictionary.CreateBuilder<string, TableConfig>(StringComparer.Ordinal);
    private readonly HashSet<string> _broken = new(StringComparer.Ordinal);
    private readonly HashSet<string> _credentials = new(StringComparer.Ordinal);
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);
    private int _nameless;

    public ImmutableDictionary<string, TableConfig> Tables => _tables.ToImmutable();

    public TableConfig? Find(string name) => _tables.GetValueOrDefault(name);

    public void Declare(Statement statement)
    {
        StatementReader reader = context.Open(statement);
        Item.Text? name = reader.TakeText("the table's name", "table aliases file:/etc/aliases");
        if (name is null)
            return;
        TableConfig? table = reader.Failed ? null : Content(reader, name);
        reader.ExpectEnd();
        if (_tables.TryGetValue(name.Value, out TableConfig? earlier))
            reader.Fail(name.At, "the table `" + name.Value + "` was declared before, at " + earlier.At, "give one of them another name");
        if (reader.Failed || table is null)
            _broken.Add(name.Value);
        else
            _tables[name.Value] = table;
    }

    /// <summary>The name of the table that stands here; null when an error was told.</summary>
    public string? Use(Item? item, TableUse use)
    {
        switch (item)
        {
            case Item.TableName reference:
                return UseNamed(reference, use);
            case Item.List list:
                return UseValues(list.Rows, list, use);
            case Item.Text text:
                return UseValues([new Row(text, null)], text, use);
            default:
                return null;
        }
    }

    public void CheckFiles()
    {
        if (!context.CheckFiles)
            return;
        var check = new TableFileCheck(context);
        foreach (TableConfig table in _tables.Values)
            check.Check(table, _credentials.Contains(table.Name), _used.Contains(table.Name));
    }

    /// <summary>The rows of a table where they can be known now: written in the configuration, or in a text file.</summary>
    public ImmutableArray<KeyValuePair<string, string>>? Rows(string name)
    {
        if (_tables.GetValueOrDefault(name) is not { } table)
            return null;
        if (table.Kind == TableKind.Inline)
            return table.Rows;
        return table.Kind == TableKind.File && context.Machine.Read(table.Path) is { Failure: null } content
            ? TableFile.Parse(content.Bytes.Span).Rows
            : null;
    }

    private TableConfig? Content(StatementReader reader, Item.Text name)
    {
        const string Example = "table name file:/path, table name db:/path.db or table name { value, value }";
        Item? item = reader.TakeTable("what the table holds", Example);
        switch (item)
        {
            case Item.List list:
                return new TableConfig { Name = name.Value, Kind = TableKind.Inline, Rows = ToRows(list.Rows), At = name.At };
            case Item.Text source:
                return FromSource(reader, name, source);
            case not null:
                reader.Fail(item.At, "a table cannot be declared by another", "write `" + Example + "`");
                return null;
            default:
                return null;
        }
    }

    private TableConfig? FromSource(StatementReader reader, Item.Text name, Item.Text source)
    {
        int colon = source.Value.IndexOf(':', StringComparison.Ordinal);
        string backend = source.Value.StartsWith('/') ? "file" : colon < 0 ? source.Value : source.Value[..colon];
        string path = source.Value.StartsWith('/') ? source.Value : source.Value[(colon + 1)..];
        TableKind? kind = backend switch { "file" or "static" => TableKind.File, "db" => TableKind.Db, "getpwnam" => TableKind.Passwd, _ => null };
        if (kind == TableKind.Passwd)
            return new TableConfig { Name = name.Value, Kind = TableKind.Passwd, At = name.At };
        if (kind is null)
        {
            FailBackend(reader, name, source, backend);
            return null;
        }
        if (colon < 0 && !source.Value.StartsWith('/') || !path.StartsWith('/'))
        {
            reader.Fail(source.At, "a table's file needs an absolute path", "write `" + backend + ":/etc/mail/" + Path.GetFileName(path.Length > 0 && colon >= 0 ? path : name.Value) + "`");
            return null;
        }
        return new TableConfig { Name = name.Value, Kind = kind.Value, Path = path, At = name.At };
    }

    private void FailBackend(StatementReader reader, Item.Text name, Item.Text source, string backend)
    {
        string? meant = Spelling.Closest(backend, ["file", "db"]);
        if (backend is "sqlite" or "ldap" or "mysql" or "postgres" or "postgresql" or "redis" or "socketmap" or "passwd" or "proc")
            reader.Fail(source.At, "not supported yet: tables of the kind `" + backend + ":`", "use `file:` or `db:`");
        else if (meant is null && !source.Value.Contains(':', StringComparison.Ordinal))
            reader.Fail(source.At, "`" + source.Value + "` is not a source of a table", "write `table " + name.Value + " { " + source.Value + " }` for values, or `file:/path` for a file");
        else
            reader.Fail(source.At, "there are no tables of the kind `" + backend + ":`", meant is null ? "use `file:` or `db:`" : "did you mean `" + meant + ":`?");
    }

    private string? UseNamed(Item.TableName reference, TableUse use)
    {
        _used.Add(reference.Name);
        if (use.Form == ValueForm.Credentials)
            _credentials.Add(reference.Name);
        if (!_tables.TryGetValue(reference.Name, out TableConfig? table))
        {
            if (!_broken.Contains(reference.Name))
            {
                string? meant = Spelling.Closest(reference.Name, _tables.Keys.Where(k => k[0] != '<'));
                context.Findings.Error(reference.At, "there is no table `" + reference.Name + "`",
                    meant is null ? "declare it: `table " + reference.Name + " file:/etc/mail/" + reference.Name + "`" : "did you mean `<" + meant + ">`?");
            }
            return null;
        }
        if (table.Kind != TableKind.Inline)
            return use.Form != ValueForm.Fingerprint || CheckFingerprints(table, reference.At) ? table.Name : null;
        bool fits = HasShape(table.Rows.Any(r => r.Value.Length > 0), reference, use)
            & new ValueCheck(context).Check(table.Rows.Select(r => r.Key), use.Form, reference.At);
        return fits ? table.Name : null;
    }

    /// <summary>A slip in a fingerprint shuts somebody out without a word, and in a file its colons would end the key.</summary>
    private bool CheckFingerprints(TableConfig table, SourceSpan at) =>
        !context.CheckFiles || Rows(table.Name) is not { } rows || new ValueCheck(context).Check(rows.Select(r => r.Key), ValueForm.Fingerprint, at);

    private string? UseValues(ImmutableArray<Row> rows, Item item, TableUse use)
    {
        bool fits = HasShape(rows[0].Value is not null, item, use);
        foreach (Row row in rows)
            fits &= new ValueCheck(context).Check([row.Key.Value], use.Form, row.Key.At);
        if (!fits)
            return null;
        string name = "<inline " + (++_nameless).ToString(System.Globalization.CultureInfo.InvariantCulture) + ">";
        _tables[name] = new TableConfig { Name = name, Kind = TableKind.Inline, Rows = ToRows(rows), At = item.At };
        if (use.Form == ValueForm.Credentials)
            _credentials.Add(name);
        return name;
    }

    private bool HasShape(bool mapping, Item item, TableUse use)
    {
        if (use.EitherShape || mapping == use.Mapping)
            return true;
        string cure = use.Mapping ? "use a table of `key = value` pairs, or one in a file" : "use a table of plain values";
        context.Findings.Error(item.At, item.Shown + " cannot be used for " + use.Purpose + " lookups: it holds " + (mapping ? "pairs" : "plain values"), cure);
        return false;
    }

    private static ImmutableArray<KeyValuePair<string, string>> ToRows(ImmutableArray<Row> rows) =>
        [.. rows.Select(row => KeyValuePair.Create(row.Key.Value, row.Value?.Value ?? ""))];
}
