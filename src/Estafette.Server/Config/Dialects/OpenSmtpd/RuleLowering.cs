using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>
/// <c>match ...</c> of the new grammar and <c>accept|reject ...</c> of the old one, in their order. Without a word about the client a rule is for
/// local ones, without a word about the recipient for local domains (O9).
/// </summary>
internal sealed class RuleLowering(LoweringContext context, TableLowering tables, ActionLowering actions)
{
    private readonly ImmutableArray<RuleConfig>.Builder _rules = ImmutableArray.CreateBuilder<RuleConfig>();
    private readonly HashSet<SourceSpan> _openRelays = [];
    private bool _asked;

    /// <summary>All rules; asking for them tells which named actions do not exist.</summary>
    public ImmutableArray<RuleConfig> Rules
    {
        get
        {
            if (!_asked)
                actions.CheckAsked();
            _asked = true;
            return _rules.ToImmutable();
        }
    }

    /// <summary>Rules that say <c>open-relay</c> (E52).</summary>
    public IReadOnlySet<SourceSpan> OpenRelays => _openRelays;

    public void Match(Statement statement)
    {
        StatementReader reader = context.Open(statement);
        var criteria = new CriteriaReader(tables, reader);
        bool open = false;
        while (reader.More)
        {
            if (reader.Take("open-relay"))
                open = true;
            else if (reader.Take("reject"))
            {
                Add(statement, reader, criteria, null, open);
                return;
            }
            else if (reader.Take("action"))
            {
                Item.Text? name = reader.TakeText("the action's name", "action \"local\"");
                if (name is null)
                    return;
                actions.Ask(name);
                Add(statement, reader, criteria, name.Value, open);
                return;
            }
            else if (!criteria.TakeNew())
                reader.Unexpected();
        }
        if (!reader.Failed)
            reader.Fail(reader.Here, "the rule does not say what to do", "end it with `action \"name\"` or `reject`");
    }

    public void Old(Statement statement)
    {
        StatementReader reader = context.Open(statement);
        var criteria = new CriteriaReader(tables, reader);
        bool open = false;
        while (reader.More)
        {
            if (reader.Take("open-relay"))
                open = true;
            else if (!criteria.TakeOld())
                break;
        }
        if (reader.Failed)
            return;
        if (statement.Keyword.Value == "reject")
        {
            Add(statement, reader, criteria, null, open);
            return;
        }
        string words = Words(statement, reader);
        ActionConfig? action = OldAction(statement, reader, ref open);
        reader.ExpectEnd();
        if (reader.Failed)
            return;

        // An action that was left out with a warning keeps its rule: mail for it waits.
        string name = action is null ? words : actions.AddNameless(words, action);
        Add(statement, reader, criteria, name, open);
    }

    private ActionConfig? OldAction(Statement statement, StatementReader reader, ref bool open)
    {
        SourceSpan at = statement.Keyword.At;
        var local = new ActionConfig.Local { Name = "", At = at, Method = new LocalMethod.ExpandOnly() };
        SourceSpan mapping = reader.Here;
        while (reader.More && actions.Locals.Mapping(reader, ref local))
        {
        }
        bool mapped = local.AliasTable is not null || local.VirtualTable is not null || local.UserTable is not null;
        ActionConfig? action = local;
        if (reader.Take("deliver"))
        {
            LocalMethod? method = DeliverTo(reader);
            if (method is null)
                return null;
            local = local with { Method = method };
            if (method is LocalMethod.Lmtp or LocalMethod.Command && reader.Take("as"))
                local = local with { RunAs = reader.TakeText("the user's name", "as vmail")?.Value };
            action = local;
        }
        else if (reader.Take("relay"))
        {
            if (mapped)
                reader.Fail(mapping, "alias, virtual and userbase are for local delivery, not for `relay`", "remove the table, or deliver locally");
            action = actions.Relay(reader).OldGrammar(at);
        }
        return OldTail(reader, action, ref open);
    }

    /// <summary>What may follow the action: <c>expire</c>, <c>forward-only</c>, <c>open-relay</c>.</summary>
    private static ActionConfig? OldTail(StatementReader reader, ActionConfig? action, ref bool open)
    {
        while (reader.More)
        {
            SourceSpan at = reader.Here;
            if (reader.Take("expire"))
            {
                TimeSpan? time = SettingLowering.TakeTime(reader, "expire 4d");
                action = action is null ? null : action with { Lifetime = time };
            }
            else if (reader.Take("open-relay"))
                open = true;
            else if (reader.Take("forward-only"))
            {
                if (action is not ActionConfig.Local { Method: LocalMethod.ExpandOnly } local)
                    reader.Fail(at, "`forward-only` excludes another action", "remove `deliver to ...` or `relay`, or `forward-only`");
                else
                    action = local with { Method = new LocalMethod.ForwardOnly() };
            }
            else
                reader.Unexpected();
        }
        return action;
    }

    private LocalMethod? DeliverTo(StatementReader reader)
    {
        if (!reader.Take("to"))
        {
            reader.Unexpected();
            return null;
        }
        LocalMethod? method = actions.Locals.Method(reader);
        if (method is null && !reader.Failed)
            reader.Unexpected();
        return method;
    }

    private void Add(Statement statement, StatementReader reader, CriteriaReader criteria, string? action, bool open)
    {
        reader.ExpectEnd();
        if (reader.Failed)
            return;
        _rules.Add(new RuleConfig { At = statement.Keyword.At, Criteria = criteria.Complete(), Action = action });
        if (open)
            _openRelays.Add(statement.Keyword.At);
    }

    /// <summary>The deciding part of a line of the old grammar, blanks made even: the name of its action.</summary>
    private static string Words(Statement statement, StatementReader reader) =>
        string.Join(' ', statement.Items.TakeWhile(i => i != reader.Current).Select(i => i.Plain).Prepend(statement.Keyword.Value));
}
