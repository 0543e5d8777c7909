using System.Collections.Immutable;
using Estafette.Config;
using Estafette.Config.Model;

namespace Estafette.Tables;

/// <summary>One table that lists of maps can name.</summary>
internal abstract class LookupMap
{
    /// <summary>It holds keys and not patterns, so that parts of addresses may be asked of it (<see cref="MapUse.Partial"/>).</summary>
    public abstract bool IsFixed { get; }

    /// <summary>Asks for a key that is not empty.</summary>
    public abstract ValueTask<TableAnswer> FindAsync(string key, MapUse use, CancellationToken cancellationToken);
}

/// <summary>Makes maps of configured tables; those with files or rows are found by <paramref name="stored"/>.</summary>
internal sealed class MapFactory(Func<TableConfig, LookupTable> stored, IUserDatabase users)
{
    public LookupMap Make(TableConfig config) => config.Kind switch
    {
        TableKind.Static => new StaticMap(config.Values[0]),
        TableKind.Random => new RandomMap(config.Values),
        TableKind.Fail => new FailingMap(config.Name),
        TableKind.Environment => new EnvironmentMap(),
        TableKind.Passwd or TableKind.UnixUsers => new UsersMap(users),
        TableKind.UnixGroups => new GroupsMap(),
        TableKind.Pipe => new PipeMap([.. config.Parts.Select(Make)]),
        TableKind.Union => new UnionMap([.. config.Parts.Select(Make)]),
        _ => new StoredMap(stored(config)),
    };
}

/// <summary>A table with rows or rules, from the configuration or a file.</summary>
internal sealed class StoredMap(LookupTable table) : LookupMap
{
    public override bool IsFixed { get; } = table.Config.Kind is not (TableKind.Regexp or TableKind.Pcre or TableKind.Cidr);

    public override ValueTask<TableAnswer> FindAsync(string key, MapUse use, CancellationToken cancellationToken) => ValueTask.FromResult(Find(key, use));

    private TableAnswer Find(string key, MapUse use)
    {
        LoadedTable loaded = table.Current();
        if (loaded.Rows is not { } rows)
            return new TableAnswer.Unavailable($"{table.Config.Name}: {loaded.Failure ?? "not read"}");
        try
        {
            if (rows is RuleRows rules)
                return rules.Find(key, use);
            string? value = rows.Get(use.HasFlag(MapUse.KeepCase) ? key : KeyText.FoldText(key));
            return value is null ? TableAnswer.NotFound.Instance : new TableAnswer.Found(value);
        }
        catch (IOException e)
        {
            return new TableAnswer.Unavailable($"{table.Config.Name}: {e.Message}");
        }
    }
}

internal sealed class StaticMap(string value) : LookupMap
{
    private readonly TableAnswer _answer = new TableAnswer.Found(value);

    public override bool IsFixed => true;

    public override ValueTask<TableAnswer> FindAsync(string key, MapUse use, CancellationToken cancellationToken) => ValueTask.FromResult(_answer);
}

internal sealed class RandomMap(ImmutableArray<string> values) : LookupMap
{
    public override bool IsFixed => false;

    public override ValueTask<TableAnswer> FindAsync(string key, MapUse use, CancellationToken cancellationToken) =>
        ValueTask.FromResult<TableAnswer>(new TableAnswer.Found(values[Random.Shared.Next(values.Length)]));
}

internal sealed class FailingMap(string name) : LookupMap
{
    private readonly TableAnswer _answer = new TableAnswer.Unavailable($"{name} lookup error");

    public override bool IsFixed => false;

    public override ValueTask<TableAnswer> FindAsync(string key, MapUse use, CancellationToken cancellationToken) => ValueTask.FromResult(_answer);
}

internal sealed class EnvironmentMap : LookupMap
{
    public override bool IsFixed => true;

    public override ValueTask<TableAnswer> FindAsync(string key, MapUse use, CancellationToken cancellationToken)
    {
        string name = use.HasFlag(MapUse.KeepCase) ? key : KeyText.FoldText(key);
        string? value = name.AsSpan().ContainsAny('\0', '=') ? null : Environment.GetEnvironmentVariable(name);
        return ValueTask.FromResult<TableAnswer>(value is null ? TableAnswer.NotFound.Instance : new TableAnswer.Found(value));
    }
}

/// <summary>Asks each table with the answer of the one before; where one has none, there is none.</summary>
internal sealed class PipeMap(ImmutableArray<LookupMap> parts) : LookupMap
{
    public override bool IsFixed => parts[0].IsFixed;

    public override async ValueTask<TableAnswer> FindAsync(string key, MapUse use, CancellationToken cancellationToken)
    {
        TableAnswer answer = new TableAnswer.Found(key);
        foreach (LookupMap part in parts)
        {
            if (answer is not TableAnswer.Found found)
                break;
            answer = await part.FindAsync(found.Value, use, cancellationToken);
        }
        return answer;
    }
}

/// <summary>Asks all tables and puts their answers together; one that fails makes all fail.</summary>
internal sealed class UnionMap(ImmutableArray<LookupMap> parts) : LookupMap
{
    public override bool IsFixed => parts[0].IsFixed;

    public override async ValueTask<TableAnswer> FindAsync(string key, MapUse use, CancellationToken cancellationToken)
    {
        string all = "";
        foreach (LookupMap part in parts)
        {
            TableAnswer answer = await part.FindAsync(key, use, cancellationToken);
            if (answer is TableAnswer.Unavailable)
                return answer;
            if (answer is TableAnswer.Found found)
                all = all.Length > 0 ? all + "," + found.Value : found.Value;
        }
        return all.Length > 0 ? new TableAnswer.Found(all) : TableAnswer.NotFound.Instance;
    }
}
