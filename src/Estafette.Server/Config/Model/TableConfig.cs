using System.Collections.Immutable;

namespace Estafette.Config.Model;

/// <summary>Where a lookup table's rows come from.</summary>
public enum TableKind
{
    /// <summary>Written in the configuration itself (<c>inline:</c> too).</summary>
    Inline,

    /// <summary>A text file (<c>file:</c>), read at start and when it changes.</summary>
    File,

    /// <summary>A compiled file (<c>db:</c>); its source is read where the compiled one is missing, with a warning (O8).</summary>
    Db,

    /// <summary>The users of the system (<c>getpwnam:</c>).</summary>
    Passwd,

    /// <summary>What postmap compiles (<c>hash:</c>, <c>btree:</c>, <c>cdb:</c>, <c>lmdb:</c>, <c>dbm:</c>); the source is read where the compiled file is missing or not ours, with a warning.</summary>
    Indexed,

    /// <summary>The source of such a file, read as it is (<c>texthash:</c>).</summary>
    TextHash,

    /// <summary>POSIX regular expressions (<c>regexp:</c>, regexp_table(5)).</summary>
    Regexp,

    /// <summary>Perl's regular expressions (<c>pcre:</c>, pcre_table(5)).</summary>
    Pcre,

    /// <summary>Networks (<c>cidr:</c>, cidr_table(5)).</summary>
    Cidr,

    /// <summary>One value for every key (<c>static:</c>).</summary>
    Static,

    /// <summary>One of several values for every key (<c>randmap:</c>).</summary>
    Random,

    /// <summary>What one table answers is asked of the next (<c>pipemap:</c>).</summary>
    Pipe,

    /// <summary>The answers of all tables, with commas between them (<c>unionmap:</c>).</summary>
    Union,

    /// <summary>Never an answer, always a failure (<c>fail:</c>).</summary>
    Fail,

    /// <summary>The environment (<c>environ:</c>).</summary>
    Environment,

    /// <summary>The users of the system with a line of passwd(5) as value (<c>unix:passwd.byname</c>).</summary>
    UnixUsers,

    /// <summary>The groups of the system with a line of group(5) as value (<c>unix:group.byname</c>).</summary>
    UnixGroups,
}

/// <summary>One lookup table. A row is a key and a value; a set is rows with empty values.</summary>
public sealed record TableConfig
{
    public required string Name { get; init; }
    public required TableKind Kind { get; init; }

    /// <summary>Types whose name is their content, which may be passwords (<c>smtp_sasl_password_maps = inline:{...}</c>, <c>static:user:password</c>).</summary>
    private static readonly string[] s_spoken = ["inline:", "static:", "randmap:"];

    /// <summary>A table's name as logs, findings and outcomes tell it: without rows or values that stand in it (E54).</summary>
    public static string Told(string name)
    {
        int end = name.Length;
        foreach (string type in s_spoken)
        {
            if (name.IndexOf(type, StringComparison.Ordinal) is >= 0 and int at)
                end = Math.Min(end, at + type.Length);
        }
        return end == name.Length ? name : name[..end] + "...";
    }

    /// <summary>
    /// The file of <see cref="TableKind.File"/>, <see cref="TableKind.Db"/>, <see cref="TableKind.TextHash"/> and of rules; the source's of <see cref="TableKind.Indexed"/>; empty otherwise.
    /// </summary>
    public string Path { get; init; } = "";

    /// <summary>What the name of the compiled file has behind <see cref="Path"/> (<c>.db</c>, <c>.cdb</c>); for <see cref="TableKind.Indexed"/>.</summary>
    public string Suffix { get; init; } = "";
    public ImmutableArray<KeyValuePair<string, string>> Rows { get; init; } = [];

    /// <summary>The values of <see cref="TableKind.Static"/> (one) and <see cref="TableKind.Random"/>; the rules of <see cref="TableKind.Regexp"/>, <see cref="TableKind.Pcre"/> and <see cref="TableKind.Cidr"/> without a file.</summary>
    public ImmutableArray<string> Values { get; init; } = [];

    /// <summary>The tables of <see cref="TableKind.Pipe"/> and <see cref="TableKind.Union"/>.</summary>
    public ImmutableArray<TableConfig> Parts { get; init; } = [];
    public required SourceSpan At { get; init; }

    /// <summary>This table and those in it.</summary>
    public IEnumerable<TableConfig> WithParts() => Parts.IsEmpty ? [this] : Parts.SelectMany(p => p.WithParts()).Prepend(this);

    /// <summary>The files whose change changes the table.</summary>
    public ImmutableArray<string> Files => Kind switch
    {
        TableKind.Indexed => [Path + Suffix, Path],
        TableKind.Db or TableKind.File or TableKind.TextHash or TableKind.Regexp or TableKind.Pcre or TableKind.Cidr when Path.Length > 0 => [Path],
        _ => [],
    };
}
