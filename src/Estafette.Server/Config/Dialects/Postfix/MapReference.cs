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

    private static readonly char[] s_blanks = Words.Blanks.ToCharArray();

    /// <summary>Types that postmap can write, with the suffix of the compiled file.</summary>
    private static readonly ImmutableArray<(string Type, string Suffix)> s_indexed = [("hash", ".db"), ("btree", ".db"), ("cdb", ".cdb"), ("lmdb", ".lmdb"), ("dbm", ".pag"), ("sdbm", ".pag")];

    /// <summary>Types of the original that ask another program or machine.</summary>
    private static readonly ImmutableArray<string> s_later = ["ldap", "memcache", "mongodb", "mysql", "nis", "nisplus", "pgsql", "socketmap", "sqlite", "tcp"];

    private static readonly ImmutableArray<string> s_others =
        ["cidr", "environ", "fail", "inline", "internal", "pcre", "pipemap", "proxy", "randmap", "regexp", "static", "texthash", "unionmap", "unix"];

    /// <summary>All types that can be used, in order: what <c>postconf -m</c> prints.</summary>
    public static ImmutableArray<string> Types { get; } = [.. s_indexed.Select(t => t.Type).Where(t => t != "sdbm").Concat(s_others).Order(StringComparer.Ordinal)];

    /// <summary>The items of a list of tables; braces keep one together.</summary>
    public static ImmutableArray<string> Split(string list) => Words.Split(list);

    /// <param name="text">As written; without a type it is an error.</param>
    /// <param name="at">The place that findings name.</param>
    public static MapReference Parse(string text, SourceSpan at) => Parse(text, at, 0);

    private static MapReference Parse(string text, SourceSpan at, int depth)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0 || colon == text.Length - 1)
            return new MapReference(null, $"open dictionary: expecting \"type:name\" form instead of \"{text}\"", colon < 0 ? $"write the type of the table before its name, such as hash:{text}" : "write type and name");
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
            : new MapReference(table with { Path = path });

    private static MapReference Rules(TableConfig table, string type, string name)
    {
        if (!name.StartsWith('{'))
            return WithPath(table, name);
        if (Inside(name, out string? problem) is not { } inside)
            return new MapReference(null, $"{type} map: {problem}", "close every brace");
        var rules = ImmutableArray.CreateBuilder<string>();
        foreach (string item in Words.Split(inside))
        {
            if (Inside(item, out problem) is not { } rule)
                return new MapReference(null, $"{type} map: {problem}", "put each rule in braces of its own: " + type + ":{{/pattern/ result}}");
            rules.Add(rule);
        }
        return new MapReference(table with { Values = rules.ToImmutable() });
    }

    private static MapReference Inline(TableConfig table, string name)
    {
        const string Need = "need \"inline:{name=value...}\"", Cure = "write each row as name=value, in braces where it has blanks";
        if (Inside(name, out _) is not { Length: > 0 } inside)
            return new MapReference(null, $"bad syntax: \"{table.Name}\"; {Need}", Cure);
        var rows = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
        foreach (string item in Words.Split(inside))
        {
            if (Words.Braced(item, out string? problem) is { } text && (problem = SplitRow(text, out KeyValuePair<string, string> row)) is null)
                rows.Add(row);
            else
                return new MapReference(null, $"{problem}: \"{table.Name}\"; {Need}", Cure);
        }
        return rows.Count == 0
            ? new MapReference(null, $"empty table: \"{table.Name}\"; {Need}", "write a row")
            : new MapReference(table with { Rows = rows.ToImmutable() });
    }

    /// <summary><c>name = value</c>, the name perhaps with quotation marks and backslashes, which stay; else the original's words for what is wrong.</summary>
    private static string? SplitRow(string text, out KeyValuePair<string, string> row)
    {
        row = default;
        text = text.Trim(s_blanks);
        if (text.Length == 0)
            return "no key found; expected format: key = value";
        bool quoted = false;
        int end = 0;
        for (; end < text.Length && (quoted || (text[end] != '=' && !Words.IsBlank(text[end]))); end++)
        {
            if (text[end] == '\\')
                end++;
            else if (text[end] == '"')
                quoted = !quoted;
        }
        if (quoted)
            return "unbalanced '\"'";
        end = Math.Min(end, text.Length);
        string rest = text[end..].TrimStart(s_blanks);
        if (!rest.StartsWith('='))
            return "missing '=' after attribute name";
        row = KeyValuePair.Create(text[..end], rest[1..].Trim(s_blanks));
        return null;
    }

    private static MapReference Static(TableConfig table, string name) => Words.Braced(name, out string? problem) is { } value
        ? new MapReference(table with { Values = [value] })
        : new MapReference(null, $"bad static:name syntax: {problem}", "close the brace");

    private static MapReference Random(TableConfig table, string name) =>
        Inside(name, out _) is { } inside && Words.Split(inside) is { IsEmpty: false } values
            ? new MapReference(table with { Values = values })
            : new MapReference(null, $"bad syntax: \"{table.Name}\"; need \"randmap:{{value...}}\"", "write the values in braces");

    private static MapReference Combined(TableConfig table, string type, string name, int depth)
    {
        ImmutableArray<string> names = Inside(name, out _) is { } inside ? Words.Split(inside) : [];
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

    /// <summary>What stands in the braces; null with the reason where there are none or they do not match.</summary>
    private static string? Inside(string text, out string? problem)
    {
        if (text.StartsWith('{'))
            return Words.Braced(text, out problem);
        problem = $"no '{{' at start of text in \"{text}\"";
        return null;
    }
}
