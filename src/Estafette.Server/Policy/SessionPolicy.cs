using System.Collections.Frozen;
using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Tables;

namespace Estafette.Policy;

/// <summary>
/// The built-in filters of one configuration: for each moment of a session the tests of the listener's filter or chain, in order; the first that decides is
/// the verdict. A table that cannot be read gives a temporary refusal, never a pass (E44). Chains are taken apart once, here.
/// </summary>
public sealed class SessionPolicy
{
    /// <summary>Chains within chains; deeper ones are a loop.</summary>
    private const int MaximumNesting = 16;

    private readonly TableSet _tables;
    private readonly FrozenDictionary<(string Filter, FilterPhase Phase), ImmutableArray<FilterConfig.BuiltIn>> _filters;

    public SessionPolicy(MailConfig config, TableSet tables)
    {
        _tables = tables;
        _filters = config.Filters.Keys
            .SelectMany(name => Flatten(config, name, MaximumNesting).GroupBy(f => f.Phase, (phase, group) => KeyValuePair.Create((name, phase), group.ToImmutableArray())))
            .ToFrozenDictionary();
    }

    /// <param name="filter">The name of a filter or chain; null for a listener without one.</param>
    public async ValueTask<Verdict> AskAsync(string? filter, FilterPhase phase, PolicySubject subject, CancellationToken cancellationToken)
    {
        if (filter is null || !_filters.TryGetValue((filter, phase), out ImmutableArray<FilterConfig.BuiltIn> tests))
            return Verdict.Accepted;
        ImmutableArray<string> reports = [];
        foreach (FilterConfig.BuiltIn test in tests)
        {
            bool? holds = await HoldsAsync(test, subject, cancellationToken);
            if (holds is null)
                return new Verdict(VerdictKind.Reject, "451 4.3.0 Temporary failure, please try again later", test.At) { Reports = reports };
            if (holds is false)
                continue;
            if (test.Decision.Kind == FilterDecisionKind.Report)
            {
                reports = reports.Add(test.Decision.Text);
                continue;
            }
            return new Verdict(KindOf(test.Decision.Kind), test.Decision.Text, test.At) { Reports = reports };
        }
        return reports.IsEmpty ? Verdict.Accepted : Verdict.Accepted with { Reports = reports };
    }

    private static IEnumerable<FilterConfig.BuiltIn> Flatten(MailConfig config, string name, int depth)
    {
        if (depth == 0 || !config.Filters.TryGetValue(name, out FilterConfig? filter))
            return [];
        return filter switch
        {
            FilterConfig.BuiltIn test => [test],
            FilterConfig.Chain chain => chain.Members.SelectMany(member => Flatten(config, member, depth - 1)),
            _ => [],
        };
    }

    private static VerdictKind KindOf(FilterDecisionKind decision) => decision switch
    {
        FilterDecisionKind.Reject => VerdictKind.Reject,
        FilterDecisionKind.Disconnect => VerdictKind.Disconnect,
        FilterDecisionKind.Junk => VerdictKind.Junk,
        FilterDecisionKind.Rewrite => VerdictKind.Rewrite,
        _ => VerdictKind.Accept,
    };

    /// <summary>Null where a table cannot answer.</summary>
    private async ValueTask<bool?> HoldsAsync(FilterConfig.BuiltIn test, PolicySubject subject, CancellationToken cancellationToken)
    {
        foreach (FilterCondition condition in test.Conditions)
        {
            bool? holds = await HoldsAsync(condition, subject, cancellationToken);
            if (holds is null)
                return null;
            if (holds == condition.Negated)
                return false;
        }
        return true;
    }

    private async ValueTask<bool?> HoldsAsync(FilterCondition condition, PolicySubject subject, CancellationToken cancellationToken)
    {
        (string? key, TableMatch match) = condition.Kind switch
        {
            FilterConditionKind.Source => (subject.Address?.ToString() ?? "local", TableMatch.Network),
            FilterConditionKind.Rdns => (subject.ReverseName, TableMatch.Domain),
            FilterConditionKind.FcRdns => (subject.ReverseNameVerified ? subject.ReverseName : null, TableMatch.Domain),
            FilterConditionKind.Helo => (subject.Helo, TableMatch.Domain),
            FilterConditionKind.Auth => (subject.Login, TableMatch.Exact),
            FilterConditionKind.MailFrom => (subject.ReversePath, TableMatch.MailAddress),
            _ => (subject.Recipient, TableMatch.MailAddress),
        };
        if (condition.Values is not { } values)
            return key is not null;
        // Patterns for "no name at all" exist, and this is how the original spells it.
        if (condition.Kind == FilterConditionKind.Rdns)
            key ??= "<unknown>";
        if (key is null)
            return false;
        TableAnswer answer = await _tables.MatchAsync(values.Table, values.Regex ? TableMatch.Regex : match, key, cancellationToken);
        return answer switch
        {
            TableAnswer.Found => true,
            TableAnswer.NotFound => false,
            _ => null,
        };
    }
}
