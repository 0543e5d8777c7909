using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Tables;

namespace Estafette.Routing;

/// <summary>
/// Everything that a configuration's tables allow local delivery to run, write or be: the privileged side accepts nothing else (DESIGN 6).
/// <see cref="Failures"/> tells of tables and included files that could not be read; what they name is refused until the next compile.
/// </summary>
public sealed record AliasInventory(ImmutableArray<AliasTarget> CommandsAndFiles, ImmutableArray<(string Table, UserRecord User)> Users, ImmutableArray<string> Failures)
{
    public static async ValueTask<AliasInventory> OfAsync(MailConfig config, TableSet tables, CancellationToken cancellationToken)
    {
        var targets = ImmutableArray.CreateBuilder<AliasTarget>();
        var users = ImmutableArray.CreateBuilder<(string, UserRecord)>();
        var failures = ImmutableArray.CreateBuilder<string>();
        ActionConfig.Local[] actions = [.. config.Actions.Values.OfType<ActionConfig.Local>()];
        foreach (string table in Named(actions.SelectMany(a => new[] { a.AliasTable, a.VirtualTable })))
        {
            foreach (KeyValuePair<string, string> row in Rows(tables, table, failures))
                await AddAsync(AliasParser.ParseValue(row.Value), targets, failures, cancellationToken);
        }
        foreach (string table in Named(actions.Select(a => a.UserTable)))
        {
            foreach (KeyValuePair<string, string> row in Rows(tables, table, failures))
            {
                if (UserRecord.TryParse(row.Key, row.Value, out UserRecord? user))
                    users.Add((table, user));
                else
                    failures.Add($"table {table}, key {row.Key}: not uid:gid:home");
            }
        }
        return new AliasInventory([.. targets.Distinct()], users.ToImmutable(), failures.ToImmutable());
    }

    private static async ValueTask AddAsync(
        AliasTargets parsed, ImmutableArray<AliasTarget>.Builder targets, ImmutableArray<string>.Builder failures, CancellationToken cancellationToken)
    {
        if (parsed.Error is not null)
            failures.Add(parsed.Error);
        foreach (AliasTarget target in parsed.Targets)
        {
            if (target is AliasTarget.Command or AliasTarget.File)
                targets.Add(target);
            else if (target is AliasTarget.Include include)
                await AddAsync(AliasReader.Include(include.Path), targets, failures, cancellationToken);
        }
    }

    private static ImmutableArray<KeyValuePair<string, string>> Rows(TableSet tables, string table, ImmutableArray<string>.Builder failures)
    {
        TableContent content = tables.Content(table);
        if (content.Failure is not null)
            failures.Add($"table {table}: {content.Failure}");
        return content.Rows;
    }

    private static IEnumerable<string> Named(IEnumerable<string?> tables) => tables.OfType<string>().Distinct(StringComparer.Ordinal);
}
