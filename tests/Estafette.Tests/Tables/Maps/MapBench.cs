using System.Collections.Immutable;
using Estafette.Config.Dialects.Postfix;
using Estafette.Config.Model;
using Estafette.Tables;

namespace Estafette.Tests.Tables.Maps;

/// <summary>Tables as main.cf names them.</summary>
internal static class MapBench
{
    public static TableConfig Table(string reference)
    {
        MapReference read = MapReferences.Parse(reference, new SourceSpan("main.cf", 1, 1));
        Assert.True(read.Table is not null, read.Problem);
        return read.Table;
    }

    public static TableSet Set(params string[] references) => Set(null, references);

    public static TableSet Set(Action<string>? warn, params string[] references)
    {
        var clock = new HandClock();
        return new TableSet(Config(references), new SystemUsers(clock), clock, warn ?? (_ => { }));
    }

    public static MailConfig Config(params string[] references) => new()
    {
        Dialect = Dialect.Postfix,
        Source = "main.cf",
        HostName = "mx.test",
        Tables = references.Select(Table).DistinctBy(t => t.Name).ToImmutableDictionary(t => t.Name),
    };

    public static async Task<string?> AskAsync(string reference, string key, MapUse use = MapUse.Whole) => Value(await Set(reference).FindAsync([reference], key, use, CancellationToken.None));

    /// <summary>The value, null for none, the reason in brackets for a failure.</summary>
    public static string? Value(TableAnswer answer) => answer switch
    {
        TableAnswer.Found found => found.Value,
        TableAnswer.Unavailable unavailable => $"[{unavailable.Reason}]",
        _ => null,
    };
}
