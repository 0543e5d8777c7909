using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>
/// <c>action NAME METHOD OPTIONS</c>, and the store of all actions, those of the old grammar included. An action whose relay URL can never work is
/// left out with a warning, as the original accepts it too: mail for it waits, visibly, until the URL is corrected.
/// </summary>
internal sealed class ActionLowering(LoweringContext context, TableLowering tables, IdentityLowering identities, TlsLowering tls, SettingLowering settings)
{
    private readonly ImmutableDictionary<string, ActionConfig>.Builder _actions = ImmutableDictionary.CreateBuilder<string, ActionConfig>(StringComparer.Ordinal);
    private readonly Dictionary<string, SourceSpan> _declared = new(StringComparer.Ordinal);
    private readonly List<Item.Text> _asked = [];

    public ImmutableDictionary<string, ActionConfig> Actions => _actions.ToImmutable();

    public LocalLowering Locals { get; } = new(context, tables);

    public RelayLowering Relay(StatementReader reader) => new(context, tables, identities, tls, reader);

    public void Declare(Statement statement)
    {
        StatementReader reader = context.Open(statement);
        Item.Text? name = reader.TakeText("the action's name", "action \"local\" maildir");
        if (name is null)
            return;
        if (!_declared.TryAdd(name.Value, name.At))
        {
            reader.Fail(name.At, "the action `" + name.Value + "` was declared before, at " + _declared[name.Value], "give one of them another name, and use it in its `match` line");
            return;
        }
        if (reader.Failed)
            return;
        ActionConfig? action = Method(reader, name);
        reader.ExpectEnd();
        if (action is not null && !reader.Failed)
            _actions[name.Value] = action;
    }

    /// <summary>Notes that a rule names this action; whether it exists is told by <see cref="CheckAsked"/>, so that it may stand below the rule.</summary>
    public void Ask(Item.Text name) => _asked.Add(name);

    public void CheckAsked()
    {
        foreach (Item.Text name in _asked)
        {
            if (_declared.ContainsKey(name.Value))
                continue;
            string? meant = Spelling.Closest(name.Value, _declared.Keys);
            context.Findings.Error(name.At, "there is no action `" + name.Value + "`",
                meant is null ? "declare it: `action \"" + name.Value + "\" maildir`, or `action \"" + name.Value + "\" relay`" : "did you mean `" + meant + "`?");
        }
        if (context.Findings.HasErrors)
            return;
        foreach ((string name, SourceSpan at) in _declared)
        {
            if (!_asked.Exists(a => a.Value == name))
                context.Findings.Note(at, "no rule uses the action `" + name + "`");
        }
    }

    /// <summary>Stores the nameless action of a line of the old grammar. Its name is what the line decides on, so that mail that waits follows a changed route.</summary>
    public string AddNameless(string criteria, ActionConfig action)
    {
        string name = criteria;
        for (int i = 2; _actions.ContainsKey(name); i++)
            name = criteria + " (" + i.ToString(System.Globalization.CultureInfo.InvariantCulture) + ")";
        _actions[name] = action with { Name = name };
        return name;
    }

    private ActionConfig? Method(StatementReader reader, Item.Text name)
    {
        if (reader.Take("relay"))
            return Relay(reader).NewGrammar(name, settings.SrsKeys.Length > 0);
        if (reader.Take("discard"))
            return new ActionConfig.Discard { Name = name.Value, At = name.At };
        return Locals.NewGrammar(reader, name);
    }
}
