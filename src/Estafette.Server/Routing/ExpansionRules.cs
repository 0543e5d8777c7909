using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Tables;

namespace Estafette.Routing;

/// <summary>What all expansions of one snapshot share: the rules, the tables, the users and the words to refuse with.</summary>
internal sealed class ExpansionRules(MailConfig config, TableSet tables, IUserDatabase users, IForwardFiles forwards, EventSink events, LocalAddresses localAddresses)
{
    /// <summary>Who runs the commands of alias tables where the configuration names nobody, in this order; the first that exists.</summary>
    private static readonly ImmutableArray<string> AliasUsers = ["opensmtpd", "_smtpd", "nobody"];

    public ImmutableDictionary<string, ActionConfig> Actions => config.Actions;
    public LimitsConfig Limits => config.Limits;
    public string Delimiters => config.SubaddressDelimiters;
    public EventSink Events => events;
    public IForwardFiles Forwards => forwards;
    public RuleMatcher Matcher { get; } = new(config, tables, localAddresses, events);
    public AliasReader Aliases { get; } = new(tables, config.SubaddressDelimiters, events);
    public RefusalTexts Texts { get; } = new(config.Dialect);
    public RecipientKeys Keys { get; } = new();

    /// <summary>A backslash before a name ends its expansion; OpenSMTPD gives it no meaning.</summary>
    public bool BackslashIsFinal => config.Dialect is not (Dialect.OpenSmtpd or Dialect.OpenSmtpdOld);

    /// <summary>Looks for the user of an action: in its own table or in the system.</summary>
    public async ValueTask<UserAnswer> FindUserAsync(ActionConfig.Local action, string name, CancellationToken cancellationToken)
    {
        if (action.UserTable is not { } table)
        {
            events.Trace("lookup", $"debug: lka: userinfo {TableSet.SystemUsersTable}:{name}");
            return await users.FindAsync(name, cancellationToken);
        }
        events.Trace("lookup", $"debug: lka: userinfo {table}:{name}");
        return await tables.LookupAsync(table, name, cancellationToken) switch
        {
            TableAnswer.Unavailable unavailable => new UserAnswer.Unavailable(unavailable.Reason),
            TableAnswer.Found found => UserRecord.TryParse(name, found.Value, out UserRecord? user)
                ? new UserAnswer.Found(user)
                : new UserAnswer.Unavailable($"table {table}, key {name}: not uid:gid:home"),
            _ => UserAnswer.NotFound.Instance,
        };
    }

    /// <summary>The unprivileged user for commands and files of alias tables; null when there is none.</summary>
    public async ValueTask<UserRecord?> AliasUserAsync(CancellationToken cancellationToken)
    {
        foreach (string name in config.AliasUser is { } named ? [named] : AliasUsers)
        {
            if (await users.FindAsync(name, cancellationToken) is UserAnswer.Found found)
                return found.User;
        }
        return null;
    }

    /// <summary>Postfix's habit: a list whose <c>owner-</c> alias exists sends its members' bounces there (E32).</summary>
    public async ValueTask<bool> HasOwnerAsync(string table, string name, CancellationToken cancellationToken) =>
        config.Dialect == Dialect.Postfix && await tables.LookupAsync(table, "owner-" + name, cancellationToken) is TableAnswer.Found;
}
