using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Routing;
using Estafette.Tables;
using Estafette.Tests.Tables;

namespace Estafette.Tests.Routing;

public sealed class AliasInventoryTests
{
    [Fact]
    public async Task Commands_files_and_users_of_all_tables_are_listed_once()
    {
        using var folder = new TemporaryFolder();
        string list = folder.Write("list", "bob\n|from-list\n");
        var bench = new RouterBench();
        MailConfig config = new()
        {
            Dialect = Dialect.OpenSmtpd,
            Source = "",
            HostName = "mx.test",
            Tables = new[]
            {
                Table("aliases", ("a", "\"|cmd one\", bob"), ("b", "|cmd one"), ("c", "/var/x"), ("d", ":include:" + list), ("e", ":include:/nonexistent")),
                Table("users", ("joe", "1000:100:/home/joe"), ("bad", "x")),
            }.ToImmutableDictionary(t => t.Name),
            Actions = ImmutableDictionary<string, ActionConfig>.Empty
                .Add("one", new ActionConfig.Local { Name = "one", At = SourceSpan.None, Method = new LocalMethod.Mbox(), AliasTable = "aliases", UserTable = "users" }),
        };
        AliasInventory inventory = await AliasInventory.OfAsync(config, new TableSet(config, bench, TimeProvider.System, _ => { }), CancellationToken.None);
        Assert.Equal([new AliasTarget.Command("cmd one"), new AliasTarget.File("/var/x"), new AliasTarget.Command("from-list")], inventory.CommandsAndFiles.ToArray());
        Assert.Equal(("users", "joe"), (Assert.Single(inventory.Users).Table, inventory.Users[0].User.Name));
        Assert.Equal(2, inventory.Failures.Length);
    }

    private static TableConfig Table(string name, params (string Key, string Value)[] rows) =>
        new() { Name = name, Kind = TableKind.Inline, At = SourceSpan.None, Rows = [.. rows.Select(r => KeyValuePair.Create(r.Key, r.Value))] };
}
