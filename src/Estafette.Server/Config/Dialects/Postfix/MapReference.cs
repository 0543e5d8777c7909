using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>A table as <c>type:name</c> names it, or what is wrong with that: in the original's words, and what helps.</summary>
public sealed record MapReference(TableConfig? Table, string Problem = "", string Cure = "");

/// <summary>
/// Reads references to tables, <c>hash:/etc/aliases</c>, <c>inline:{a=b}</c>, <c>pipemap:{...}</c> (DATABASE_README). Pure; never throws. A table's name is what was written, so that findings and
/// logs show it. <c>proxy:</c> means the table behind it: there is no proxymap(8) here, since one process does all lookups.
/// </summary>
public static class MapReferences
{
    /// <summary>Tables in tables, deeper than anybody writes them.</summary>
    private const int MaximumDepth = 8;

    /// <summary>Types that postmap can write, with the suffix of the compiled file.</summary>
    private static readonly ImmutableArray<(string Type, string Suffix)> s_indexed = [("hash", ".db"), ("btree", ".db"), ("cdb", ".cdb"), ("lmdb", ".lmdb"), ("dbm", ".pag"), ("sdbm", ".pag")];

    /// <summary>Types of the original that ask another program or machine.</summary>
    private static readonly ImmutableArray<string> s_later = ["ldap", "memcache", "mongodb", "mysql", "nis", "nisplus", "pgsql", "socketmap", "sqlite", "tcp"];

    private static readonly ImmutableArray<string> s_others =
        ["cidr", "environ", "fail", "inline", "internal", "pcre", "pipemap", "proxy", "randmap", "regexp", "static", "texthash", "unionmap", "unix"];

    /// <summary>All types that can be used, in order: what <c>postconf -m</c> prints.</summary>
    public static ImmutableArray<string> Types { get; } = [.. s_indexed.Select(t => t.Type).Where(t => t != "sdbm").Concat(s_others).Order(StringComparer.Ordinal)];

    /// <summary>The items of a list of tables; braces keep one together.</summary>
    public static ImmutableArray<string> Split(string list) => Braced.Split(list);

    /// <summary>True for what a list of patterns takes for a table and not for a host or an address.</summary>
    public static bool IsTable(string item) => item.Length > 0 && item[0] != '[' && item.Contains(':', StringComparison.Ordinal);

    /// <param name="text">As written; without a type it is an error.</param>
    /// <param name="at">The place that findings name.</param>
    public static MapReference Parse(string text, SourceSpan at) => Parse(text, at, 0);

    private static MapReference Parse(string text, SourceSpan at, int depth)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0)
            return new MapReference(null, $"open dictionary: expecting \"type:name\" form instead of \"{text}\"", "write the type of the table before its name, such as hash:" + text.TrimStart(':'));
        if (depth > MaximumDepth)
            return new MapReference(null, $"tables in tables deeper than {MaximumDepth}: \"{text}\"", "take some of them apart");
        string type = text[..colon], name = text[(colon + 1)..];
        var table = new TableConfig { Name = text, Kind = TableKind.Indexed, At = at };
        if (s_indexed.FirstOrDefault(t => t.Type == type) is { Type: not null } indexed)
            return WithPath(table with { Suffix = indexed.Suffix }, name);
        return type switch
        {
            "texthash" => WithPath(table with { Kind = TableKind.TextHash }, name),
            "regexp" => Rules(table with { Kind = TableKind.Regexp }, type, name),
            "pcre" => Rules(table with { Kind = TableKind.Pcre }, type, name),
            "cidr" => Rules(table with { Kind = TableKind.Cidr }, type, name),
            "inline" => Inline(table with { Kind = TableKind.Inline }, name),
            "internal" => new MapReference(table with { Kind = TableKind.Inline }),
            "static" => Static(table with { Kind = TableKind.Static }, name),
            "randmap" => Random(table with { Kind = TableKind.Random }, name),
            "pipemap" => Combined(table with { Kind = TableKind.Pipe }, type, name, depth),
            "unionmap" => Combined(table with { Kind = TableKind.Union }, type, name, depth),
            "fail" => new MapReference(table with { Kind = TableKind.Fail }),
            "environ" => new MapReference(table with { Kind = TableKind.Environment }),
            "unix" => Unix(table, name),
            "proxy" => Proxied(text, name, at, depth),
            _ => Unknown(type),
        };
    }

    private static MapReference WithPath(TableConfig table, string path) =>
        path.StartsWith('{')
            ? new MapReference(null, $"\"{table.Name}\": a table of this type is a file", "write inline:{...}, or name a file")
            : path.Length == 0 ? new MapReference(null, $"\"{table.Name}\" names no file", "write the file behind the colon")
            : new MapReference(table with { Path = path });

    private static MapReference Rules(TableConfig table, string type, string name)
    {
        if (!name.StartsWith('{'))
            return WithPath(table, name);
        if (!Braced.TryInside(name, out string? inside))
            return new MapReference(null, $"{type} map: {Unclosed(name)}", "close every brace");
        var rules = ImmutableArray.CreateBuilder<string>();
        foreach (string item in Braced.Split(inside))
        {
            if (!Braced.TryInside(item, out string? rule))
                return new MapReference(null, $"{type} map: {Unclosed(item)}", "put each rule in braces of its own: " + type + ":{{/pattern/ result}}");
            rules.Add(rule);
        }
        return new MapReference(table with { Values = rules.ToImmutable() });
    }

    private static MapReference Inline(TableConfig table, string name)
    {
        const string Need = "need \"inline:{name=value...}\"";
        if (!Braced.TryInside(name, out string? inside) || inside.Length == 0)
            return new MapReference(null, $"bad syntax: \"{table.Name}\"; {Need}", "write each row as name=value, in braces where it has blanks");
        var rows = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
        foreach (string item in Braced.Split(inside))
        {
            string? error = null;
            string text = item;
            if (item.StartsWith('{'))
                error = Braced.TryInside(item, out string? row) ? null : Unclosed(item);
            if (error is null && item.StartsWith('{'))
                text = item[1..^1];
            error ??= Braced.SplitPair(text, out KeyValuePair<string, string> pair) ?? Add(pair);
            if (error is not null)
                return new MapReference(null, $"{error}: \"{table.Name}\"; {Need}", "write each row as name=value, in braces where it has blanks");
        }
        return rows.Count == 0
            ? new MapReference(null, $"empty table: \"{table.Name}\"; {Need}", "write a row")
            : new MapReference(table with { Rows = rows.ToImmutable() });

        string? Add(KeyValuePair<string, string> pair)
        {
            rows.Add(pair);
            return null;
        }
    }

    private static MapReference Static(TableConfig table, string name)
    {
        if (!name.StartsWith('{'))
            return new MapReference(table with { Values = [name] });
        return Braced.TryInside(name, out string? inside)
            ? new MapReference(table with { Values = [inside] })
            : new MapReference(null, $"bad static:name syntax: {Unclosed(name)}", "close the brace");
    }

    private static MapReference Random(TableConfig table, string name) =>
        Braced.TryInside(name, out string? inside) && Braced.Split(inside) is { IsEmpty: false } values
            ? new MapReference(table with { Values = values })
            : new MapReference(null, $"bad syntax: \"{table.Name}\"; need \"randmap:{{value...}}\"", "write the values in braces");

    private static MapReference Combined(TableConfig table, string type, string name, int depth)
    {
        ImmutableArray<string> names = Braced.TryInside(name, out string? inside) ? Braced.Split(inside) : [];
        if (names.IsEmpty || names.Any(n => !n.Contains(':', StringComparison.Ordinal)))
            return new MapReference(null, $"bad syntax: \"{table.Name}\"; need \"{type}:{{type:name...}}\"", "write the tables in braces, each with its type");
        var parts = ImmutableArray.CreateBuilder<TableConfig>();
        foreach (string item in names)
        {
            MapReference part = Parse(item, table.At, depth + 1);
            if (part.Table is null)
                return part;
            parts.Add(part.Table);
        }
        return new MapReference(table with { Parts = parts.ToImmutable() });
    }

    private static MapReference Unix(TableConfig table, string name) => name switch
    {
        "passwd.byname" => new MapReference(table with { Kind = TableKind.UnixUsers }),
        "group.byname" => new MapReference(table with { Kind = TableKind.UnixGroups }),
        _ => new MapReference(null, $"unknown table: {table.Name}", "write unix:passwd.byname or unix:group.byname"),
    };

    private static MapReference Proxied(string text, string name, SourceSpan at, int depth)
    {
        MapReference behind = Parse(name, at, depth + 1);
        return behind.Table is null ? behind : new MapReference(behind.Table with { Name = text });
    }

    private static MapReference Unknown(string type)
    {
        if (s_later.Contains(type))
            return new MapReference(null, $"unsupported dictionary type: {type}", $"Estafette has no {type}: tables yet; write its rows to a file and name that, such as hash:/etc/postfix/{type}-export");
        string problem = $"unsupported dictionary type: {type}";
        return Spelling.Closest(type, Types) is { } meant ? new MapReference(null, problem, $"did you mean {meant}:?") : new MapReference(null, problem, "one of " + string.Join(", ", Types));
    }

    private static string Unclosed(string text) => !text.StartsWith('{') ? $"no '{{' at start of text in \"{text}\""
        : Braced.EndOf(text) == 0 ? $"missing '}}' in \"{text}\""
        : $"syntax error after '}}' in \"{text}\"";
}
