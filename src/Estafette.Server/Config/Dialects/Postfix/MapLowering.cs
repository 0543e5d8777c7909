using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>Makes a table of the configuration out of <c>type:name</c> as main.cf and master.cf write it (<c>postconf(5)</c>, DATABASE_README). One that is named twice is one table.</summary>
internal sealed class MapLowering(ReadingContext context)
{
    /// <summary>The table's name in <see cref="MailConfig.Tables"/>: the word as written. Null when an error was told.</summary>
    public string? Register(string word, SourceSpan at)
    {
        if (context.Tables.ContainsKey(word))
            return word;
        string text = word.StartsWith("proxy:", StringComparison.Ordinal) ? word[6..] : word;
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0)
        {
            context.Findings.Error(at, "expecting \"type:name\" form instead of: " + word, text.StartsWith('/') ? "write `hash:" + text + "`" : "write `type:name`, such as hash:/etc/postfix/" + text);
            return null;
        }
        TableConfig? table = Table(word, text[..colon], text[(colon + 1)..], at);
        if (table is null)
            return null;
        context.Tables[word] = table;
        return word;
    }

    private TableConfig? Table(string word, string type, string name, SourceSpan at)
    {
        switch (type)
        {
            case "hash" or "btree" or "cdb" or "lmdb" or "dbm" or "sdbm":
                return new TableConfig { Name = word, Kind = TableKind.Db, Path = name + (type is "cdb" or "lmdb" ? "." + type : ".db"), At = at };
            case "texthash":
                return new TableConfig { Name = word, Kind = TableKind.File, Path = name, At = at };
            case "inline":
                return Inline(word, name, at);
            default:
                string[] known = ["hash", "btree", "cdb", "lmdb", "dbm", "texthash", "inline"];
                string? meant = Spelling.Closest(type, known);
                context.Findings.Error(at, "unsupported dictionary type: " + type, meant is null ? "the types are " + string.Join(", ", known) : "did you mean `" + meant + ":`?");
                return null;
        }
    }

    /// <summary><c>inline:{ key=value, { key = text with blanks } }</c>.</summary>
    private TableConfig? Inline(string word, string name, SourceSpan at)
    {
        string? list = Words.Braced(name, out string? problem);
        if (list is null || list == name)
        {
            context.Findings.Error(at, word + ": " + (problem ?? "bad syntax"), "write `inline:{ key=value, { key = text with blanks } }`");
            return null;
        }
        var rows = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
        foreach (string item in Words.Split(list))
        {
            if (Words.TrySplitSetting(Words.Braced(item, out _) ?? item, out string key, out string value, out string? wrong))
                rows.Add(KeyValuePair.Create(key, value));
            else
                context.Findings.Error(at, word + ": " + wrong + ": \"" + item + "\"", "write `key=value`");
        }
        return new TableConfig { Name = word, Kind = TableKind.Inline, Rows = rows.ToImmutable(), At = at };
    }
}
