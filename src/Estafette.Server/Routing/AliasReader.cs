using System.Collections.Immutable;
using Estafette.Config;
using Estafette.Events;
using Estafette.Tables;

namespace Estafette.Routing;

/// <summary>What an alias or virtual table makes of a name.</summary>
internal abstract record AliasAnswer
{
    private AliasAnswer() { }

    /// <summary>The row's key and its targets, included files already read in.</summary>
    public sealed record Found(string Key, ImmutableArray<AliasTarget> Targets) : AliasAnswer;

    public sealed record NotFound : AliasAnswer
    {
        public static NotFound Instance { get; } = new();
    }

    /// <summary>The table, an included file or the row itself cannot be used.</summary>
    public sealed record Unavailable(string Reason) : AliasAnswer;
}

/// <summary>Looks names up in alias and virtual tables in OpenSMTPD's order, and reads the files that rows include.</summary>
internal sealed class AliasReader(TableSet tables, string delimiters, EventSink events)
{
    /// <summary>Octets of an included file.</summary>
    private const int MaximumInclude = 4 << 20;

    /// <summary>Names of a local domain: with the sub-address, then without. <paramref name="name"/> is folded.</summary>
    public ValueTask<AliasAnswer> AliasAsync(string table, string name, CancellationToken cancellationToken)
    {
        int tag = name.AsSpan().IndexOfAny(delimiters);
        return FirstAsync(table, tag < 0 ? [name] : [name, name[..tag]], cancellationToken);
    }

    /// <summary>user+tag@domain, user@domain, user+tag, user, @domain, @; without a domain only the bare names.</summary>
    public ValueTask<AliasAnswer> VirtualAsync(string table, string name, string domain, CancellationToken cancellationToken)
    {
        int tag = name.AsSpan().IndexOfAny(delimiters);
        string user = tag < 0 ? name : name[..tag];
        var keys = new List<string>(6);
        if (domain.Length > 0)
        {
            if (tag >= 0)
                keys.Add($"{name}@{domain}");
            keys.Add($"{user}@{domain}");
        }
        if (tag >= 0)
            keys.Add(name);
        keys.Add(user);
        if (domain.Length > 0)
        {
            keys.Add("@" + domain);
            keys.Add("@");
        }
        return FirstAsync(table, keys, cancellationToken);
    }

    private async ValueTask<AliasAnswer> FirstAsync(string table, IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        foreach (string key in keys)
        {
            if (key.Length == 0)
                continue;
            switch (await tables.LookupAsync(table, key, cancellationToken))
            {
                case TableAnswer.Unavailable unavailable:
                    return new AliasAnswer.Unavailable(unavailable.Reason);
                case TableAnswer.Found found:
                    return await TargetsAsync(table, key, found.Value, cancellationToken);
            }
        }
        return AliasAnswer.NotFound.Instance;
    }

    private async ValueTask<AliasAnswer> TargetsAsync(string table, string key, string value, CancellationToken cancellationToken)
    {
        AliasTargets parsed = AliasParser.ParseValue(value);
        if (!parsed.IsValid)
            return new AliasAnswer.Unavailable($"table {table}, key {key}: {parsed.Error}");
        var targets = ImmutableArray.CreateBuilder<AliasTarget>(parsed.Targets.Length);
        foreach (AliasTarget target in parsed.Targets)
        {
            if (target is not AliasTarget.Include include)
            {
                targets.Add(target);
                continue;
            }
            AliasTargets included = Include(include.Path);
            if (!included.IsValid)
                return new AliasAnswer.Unavailable($"table {table}, key {key}: {included.Error}");
            targets.AddRange(included.Targets);
        }
        events.Trace("expand", $"debug: aliases_get: returned {targets.Count} aliases");
        return new AliasAnswer.Found(key, targets.ToImmutable());
    }

    /// <summary>Includes in an included file do nothing, as in OpenSMTPD: there is no loop to guard. A file that is gone is an error, not an empty list (E44).</summary>
    internal static AliasTargets Include(string path)
    {
        try
        {
            AliasTargets parsed = AliasParser.ParseFile(RegularFile.ReadText(path, MaximumInclude));
            return parsed.IsValid
                ? new AliasTargets([.. parsed.Targets.Where(t => t is not AliasTarget.Include)])
                : parsed with { Error = $"{path}: {parsed.Error}" };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new AliasTargets([], e.Message);
        }
    }
}
