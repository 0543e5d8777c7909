using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>
/// <c>filter NAME phase ... match ... DECISION</c>, <c>filter NAME chain { ... }</c>, and filter processes, which are understood but refused
/// where a listener uses them: mail would be treated differently without them.
/// </summary>
internal sealed class FilterLowering(LoweringContext context, TableLowering tables)
{
    private static readonly (string Word, FilterPhase Phase)[] Phases =
    [
        ("connect", FilterPhase.Connect), ("helo", FilterPhase.Helo), ("ehlo", FilterPhase.Ehlo), ("auth", FilterPhase.Auth),
        ("mail-from", FilterPhase.MailFrom), ("rcpt-to", FilterPhase.RcptTo), ("data", FilterPhase.Data), ("commit", FilterPhase.Commit),
        ("starttls", FilterPhase.StartTls), ("rset", FilterPhase.Rset), ("quit", FilterPhase.Quit), ("noop", FilterPhase.Noop),
    ];

    private static readonly (string Word, FilterConditionKind Kind)[] Conditions =
    [
        ("src", FilterConditionKind.Source), ("rdns", FilterConditionKind.Rdns), ("fcrdns", FilterConditionKind.FcRdns), ("helo", FilterConditionKind.Helo),
        ("auth", FilterConditionKind.Auth), ("mail-from", FilterConditionKind.MailFrom), ("rcpt-to", FilterConditionKind.RcptTo),
    ];

    private readonly ImmutableDictionary<string, FilterConfig>.Builder _filters = ImmutableDictionary.CreateBuilder<string, FilterConfig>(StringComparer.Ordinal);
    private readonly Dictionary<string, SourceSpan> _declared = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _processes = new(StringComparer.Ordinal);
    private int _nameless;

    public ImmutableDictionary<string, FilterConfig> Filters => _filters.ToImmutable();

    /// <summary>Takes note of the name only, so that a filter may be used above its line.</summary>
    public void Declare(Statement statement)
    {
        StatementReader reader = context.Open(statement);
        bool process = statement.Keyword.Value == "proc";
        Item.Text? name = reader.TakeText("a name", process ? "proc \"name\" \"command\"" : "filter \"name\" phase connect match ...");
        if (name is null)
            return;
        if (process)
        {
            Item.Text? command = reader.TakeText("the command", "proc \"name\" \"command\"");
            _processes[name.Value] = command?.Value ?? "";
        }
        else if (!_declared.TryAdd(name.Value, name.At))
            reader.Fail(name.At, "the filter `" + name.Value + "` was declared before, at " + _declared[name.Value], "give one of them another name");
    }

    public void Lower(Statement statement)
    {
        StatementReader reader = context.Open(statement);
        if (reader.Current is not Item.Text name || _declared[name.Value] != name.At)
            return;
        reader.TakeText("a name", "filter \"name\" phase connect match ...");
        FilterConfig? filter = null;
        if (reader.Take("phase"))
            filter = BuiltIn(reader, name);
        else if (reader.Take("chain"))
            filter = Chain(reader, name.Value, name.At);
        else if (reader.Take("proc-exec"))
            filter = Process(reader, name, byName: false);
        else if (reader.Take("proc"))
            filter = Process(reader, name, byName: true);
        else
            reader.Unexpected();
        reader.ExpectEnd();
        if (filter is not null && !reader.Failed)
            _filters[filter.Name] = filter;
    }

    /// <summary>The name of the filter or chain behind the word <c>filter</c> of a listener; null when an error was told.</summary>
    public string? Use(StatementReader reader)
    {
        if (reader.Current is Item.List list)
        {
            reader.TakeOptionalTable();
            string nameless = "<chain " + (++_nameless).ToString(System.Globalization.CultureInfo.InvariantCulture) + ">";
            FilterConfig? chain = ChainOf(reader, list, nameless, list.At);
            if (chain is not null)
                _filters[nameless] = chain;
            return chain is null ? null : nameless;
        }
        Item.Text? name = reader.TakeText("the filter's name", "filter \"name\"");
        return name is not null && Known(reader, name) ? name.Value : null;
    }

    /// <summary>Tells the listeners' filters that cannot be run; called when all filters are known.</summary>
    public void CheckUse(string name, SourceSpan at)
    {
        if (!_filters.TryGetValue(name, out FilterConfig? filter))
            return;
        if (filter is FilterConfig.Process)
            context.NotSupported(at, "the filter process `" + name + "`", "take the filter out, or keep the server that runs it in front of this one");
        foreach (string member in (filter as FilterConfig.Chain)?.Members ?? [])
            CheckUse(member, at);
    }

    private FilterConfig? BuiltIn(StatementReader reader, Item.Text name)
    {
        FilterPhase? phase = null;
        foreach ((string word, FilterPhase value) in Phases)
        {
            if (phase is null && reader.Take(word))
                phase = value;
        }
        if (phase is null)
        {
            reader.Unexpected();
            return null;
        }
        ImmutableArray<FilterCondition> conditions = reader.Take("match") ? MatchConditions(reader) : [];
        FilterDecision? decision = reader.Failed ? null : Decision(reader, phase.Value);
        return decision is null ? null : new FilterConfig.BuiltIn { Name = name.Value, At = name.At, Phase = phase.Value, Conditions = conditions, Decision = decision };
    }

    private ImmutableArray<FilterCondition> MatchConditions(StatementReader reader)
    {
        var found = ImmutableArray.CreateBuilder<FilterCondition>();
        while (reader.More)
        {
            bool negated = reader.TakeMark('!');
            FilterConditionKind? kind = null;
            foreach ((string word, FilterConditionKind value) in Conditions)
            {
                if (kind is null && reader.Take(word))
                    kind = value;
            }
            if (kind is null)
            {
                if (negated)
                    reader.Unexpected();
                break;
            }
            found.Add(new FilterCondition(kind.Value, negated, ConditionValues(reader, kind.Value)));
        }
        return found.ToImmutable();
    }

    private ValueList? ConditionValues(StatementReader reader, FilterConditionKind kind)
    {
        if (kind == FilterConditionKind.FcRdns)
            return null;
        bool regex = reader.Take("regex");
        bool optional = !regex && kind is FilterConditionKind.Rdns or FilterConditionKind.Auth;
        if (optional && reader.Current is not (Item.TableName or Item.List or Item.Text { Quoted: true }))
            return null;
        TableUse use = regex ? TableUse.Regex : kind switch
        {
            FilterConditionKind.Source => TableUse.Network,
            FilterConditionKind.MailFrom or FilterConditionKind.RcptTo => TableUse.Mailbox,
            FilterConditionKind.Auth => TableUse.Text,
            _ => TableUse.Domain,
        };
        string? table = tables.Use(reader.TakeTable("a table or a value", "match src <table>"), use);
        return table is null ? null : new ValueList { Table = table, Regex = regex };
    }

    private FilterDecision? Decision(StatementReader reader, FilterPhase phase)
    {
        if (reader.Take("reject"))
            return Reply(reader, FilterDecisionKind.Reject);
        if (reader.Take("disconnect"))
            return Reply(reader, FilterDecisionKind.Disconnect);
        if (reader.Take("rewrite"))
            return reader.TakeText("the new value", "rewrite \"value\"") is { } value ? new FilterDecision(FilterDecisionKind.Rewrite, value.Value) : null;
        if (reader.Take("report"))
            return reader.TakeText("the report", "report \"text\"") is { } text ? new FilterDecision(FilterDecisionKind.Report, text.Value) : null;
        if (phase != FilterPhase.Commit && reader.Take("junk"))
            return new FilterDecision(FilterDecisionKind.Junk);
        if (phase != FilterPhase.Commit && reader.Take("bypass"))
            return new FilterDecision(FilterDecisionKind.Bypass);
        reader.Unexpected();
        return null;
    }

    private FilterDecision? Reply(StatementReader reader, FilterDecisionKind kind)
    {
        Item.Text? text = reader.TakeText("the reply", "reject \"550 5.7.1 not welcome\"");
        if (text is null)
            return null;
        string reply = text.Value;
        bool good = reply.Length > 4 && reply[0] is '4' or '5' && char.IsAsciiDigit(reply[1]) && char.IsAsciiDigit(reply[2]) && reply[3] == ' ';
        if (good)
            return new FilterDecision(kind, reply);
        reader.Fail(text.At, "a reply begins with a code of three digits that starts with 4 or 5, then a text", "write `\"550 " + (reply.Length == 0 ? "not welcome" : reply.TrimStart("0123456789 ".ToCharArray())) + "\"`");
        return null;
    }

    private FilterConfig? Chain(StatementReader reader, string name, SourceSpan at)
    {
        if (reader.TakeOptionalTable() is Item.List list)
            return ChainOf(reader, list, name, at);
        reader.Fail(reader.Here, "the list of filters is missing", "write `chain { \"one\", \"two\" }`");
        return null;
    }

    private FilterConfig? ChainOf(StatementReader reader, Item.List list, string name, SourceSpan at)
    {
        foreach (Row row in list.Rows)
        {
            if (!Known(reader, row.Key))
                return null;
            if (list.Rows.Count(r => r.Key.Value == row.Key.Value) > 1)
            {
                reader.Fail(row.Key.At, "the filter `" + row.Key.Value + "` stands twice in this chain", "remove one of them");
                return null;
            }
        }
        return new FilterConfig.Chain([.. list.Rows.Select(r => r.Key.Value)]) { Name = name, At = at };
    }

    private FilterConfig? Process(StatementReader reader, Item.Text name, bool byName)
    {
        Item.Text? command = reader.TakeText(byName ? "the process's name" : "the command", byName ? "proc \"name\"" : "proc-exec \"command\"");
        if (command is null)
            return null;
        if (byName && !_processes.ContainsKey(command.Value))
        {
            string? meant = Spelling.Closest(command.Value, _processes.Keys);
            reader.Fail(command.At, "there is no `proc` named `" + command.Value + "`", meant is null ? "declare it: `proc " + command.Value + " \"command\"`" : "did you mean `" + meant + "`?");
            return null;
        }
        reader.TakeRest();
        return new FilterConfig.Process(byName ? _processes[command.Value] : command.Value) { Name = name.Value, At = name.At };
    }

    private bool Known(StatementReader reader, Item.Text name)
    {
        if (_declared.ContainsKey(name.Value))
            return true;
        string? meant = Spelling.Closest(name.Value, _declared.Keys);
        reader.Fail(name.At, "there is no filter `" + name.Value + "`", meant is null ? "declare it: `filter \"" + name.Value + "\" phase ...`" : "did you mean `" + meant + "`?");
        return false;
    }
}
