using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Estafette.Config;

namespace Estafette.Tables;

/// <summary>
/// Regular expressions and what they mean, in order (regexp_table(5), pcre_table(5)). Keys are octets. A pattern that takes long runs in linear time where it can (see <see cref="Expression"/>); one that looks back or around has a time
/// limit, and a key that exceeds it has no answer now (E60). Rules that cannot be read are told and left out, as in the original; one that is right but cannot be expressed here makes the table unreadable, since mail would go
/// another way without it.
/// </summary>
internal sealed class ExpressionRules : RuleRows
{
    /// <summary>Time for one pattern on one key; only patterns that are not linear can take it.</summary>
    public static readonly TimeSpan MatchTime = TimeSpan.FromSeconds(1);

    private readonly ExpressionRule[] _rules;
    private readonly string _name;

    private ExpressionRules(ExpressionRule[] rules, string name) => (_rules, _name) = (rules, name);

    /// <param name="octets">The text, one character for each octet.</param>
    public static LoadedTable Read(string octets, ExpressionSyntax syntax, FileStamp stamp)
    {
        var rules = new List<ExpressionRule>();
        var notes = new MapNotes();
        var blocks = new RuleBlocks();
        var engines = new LinearEngines();
        foreach (LogicalLine line in LogicalLines.Read(octets, notes.Add))
        {
            if (rules.Count == MaximumRules)
                return new LoadedTable(null, $"more than {MaximumRules} rules", stamp) { Malformed = true, Line = line.Line };
            var reader = new ExpressionRuleReader(line, syntax, engines, notes.Add);
            if (reader.Read(blocks.IsOpen) is not { } rule)
            {
                if (reader.Unsupported is { } reason)
                    return new LoadedTable(null, $"line {line.Line}: {reason}", stamp) { Malformed = true, Line = line.Line };
                continue;
            }
            if (rule.Kind == ExpressionRuleKind.If)
                blocks.Open(rules.Count, line.Line);
            else if (rule.Kind == ExpressionRuleKind.EndIf)
                rules[blocks.Close()].Jump = rules.Count;
            rules.Add(rule);
        }
        foreach ((int rule, int line) in blocks.Unclosed)
        {
            rules[rule].Jump = rules.Count;
            notes.Add(new MapNote(line, "IF has no matching ENDIF"));
        }
        return new LoadedTable(new ExpressionRules([.. rules], syntax == ExpressionSyntax.Perl ? "pcre" : "regexp"), null, stamp) { Notes = notes.All };
    }

    public override TableAnswer Find(string key, MapUse use)
    {
        bool octets = use.HasFlag(MapUse.Octets) || Ascii.IsValid(key);
        string subject = OctetText.ToSubject(octets ? key : Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(key)));
        for (int i = 0; i < _rules.Length; i++)
        {
            ExpressionRule rule = _rules[i];
            if (rule.Kind == ExpressionRuleKind.EndIf || (rule.TakesFromKey && use.HasFlag(MapUse.NoSubstitution)))
                continue;
            try
            {
                if (rule.Kind == ExpressionRuleKind.If)
                    i = rule.Holds(subject) ? i : rule.Jump;
                else if (rule.Answer(subject) is { } answer)
                    return Found(OctetText.FromSubject(answer), use, rule.Line);
            }
            catch (RegexMatchTimeoutException)
            {
                return new TableAnswer.Unavailable($"{_name} map, line {rule.Line}: the pattern took longer than {MatchTime.TotalSeconds} s");
            }
        }
        return TableAnswer.NotFound.Instance;
    }

    private TableAnswer Found(string octets, MapUse use, int line)
    {
        if (use.HasFlag(MapUse.Octets) || Ascii.IsValid(octets))
            return new TableAnswer.Found(octets);
        byte[] answer = Encoding.Latin1.GetBytes(octets);
        return System.Text.Unicode.Utf8.IsValid(answer)
            ? new TableAnswer.Found(Encoding.UTF8.GetString(answer))
            : new TableAnswer.Unavailable(string.Create(CultureInfo.InvariantCulture, $"{_name} map, line {line}: non-UTF-8 lookup result"));
    }
}
