using System.Net;
using System.Text;
using Estafette.Config;

namespace Estafette.Tables;

/// <summary>Networks and what they mean, in order (cidr_table(5)), with <c>if</c> ... <c>endif</c> and negation. Rules that cannot be read are told and left out, as in the original.</summary>
internal sealed class CidrRules : RuleRows
{
    private enum Kind : byte { Match, If, EndIf }

    /// <param name="Jump">For <c>if</c>: the rule to go on with where it does not hold; the end of the table where nothing closes it.</param>
    private readonly record struct Rule(Kind Kind, NetworkPattern Network, bool Negated, string Value, int Jump);

    private readonly Rule[] _rules;

    private CidrRules(Rule[] rules) => _rules = rules;

    /// <param name="octets">The text, one character for each octet.</param>
    public static LoadedTable Read(string octets, FileStamp stamp)
    {
        var rules = new List<Rule>();
        var notes = new MapNotes();
        var blocks = new RuleBlocks();
        foreach (LogicalLine line in LogicalLines.Read(octets, notes.Add))
        {
            if (rules.Count == MaximumRules)
                return new LoadedTable(null, $"more than {MaximumRules} rules", stamp) { Malformed = true, Line = line.Line };
            if (Parse(line.Text, blocks.IsOpen, out Rule rule) is { } problem)
            {
                notes.Add(new MapNote(line.Line, problem + ": skipping this rule"));
                continue;
            }
            if (rule.Kind == Kind.If)
                blocks.Open(rules.Count, line.Line);
            else if (rule.Kind == Kind.EndIf)
            {
                int opened = blocks.Close();
                rules[opened] = rules[opened] with { Jump = rules.Count };
            }
            rules.Add(rule);
        }
        foreach ((int rule, int line) in blocks.Unclosed)
        {
            rules[rule] = rules[rule] with { Jump = rules.Count };
            notes.Add(new MapNote(line, "IF has no matching ENDIF"));
        }
        return new LoadedTable(new CidrRules([.. rules]), null, stamp) { Notes = notes.All };
    }

    public override IEnumerable<string> Results => _rules.Where(r => r.Kind == Kind.Match).Select(r => r.Value);

    public override TableAnswer Find(string key, MapUse use)
    {
        if (!NetworkPattern.TryAddress(key, out IPAddress? address))
            return TableAnswer.NotFound.Instance;
        for (int i = 0; i < _rules.Length; i++)
        {
            ref readonly Rule rule = ref _rules[i];
            if (rule.Kind == Kind.EndIf)
                continue;
            // A rule says nothing about addresses of the other family, negated or not.
            bool holds = rule.Network.IsVersion6 == (address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6) && rule.Network.Contains(address) != rule.Negated;
            if (rule.Kind == Kind.If)
                i = holds ? i : rule.Jump;
            else if (holds)
                return new TableAnswer.Found(rule.Value);
        }
        return TableAnswer.NotFound.Instance;
    }

    private static string? Parse(string line, bool inBlock, out Rule rule)
    {
        rule = default;
        if (RuleWord.TryEndIf(line, out string rest))
        {
            rule = new Rule(Kind.EndIf, default, false, "", 0);
            return rest.Trim(MapText.Blanks).Length > 0 ? "garbage after ENDIF" : inBlock ? null : "ENDIF without IF";
        }
        bool isIf = RuleWord.TryIf(line, out rest);
        string pattern = isIf ? rest : line;
        int start = 0;
        bool negated = false;
        for (; start < pattern.Length && (pattern[start] == '!' || LogicalLines.IsBlank(pattern[start])); start++)
            negated ^= pattern[start] == '!';
        pattern = pattern[start..].TrimEnd(MapText.Blanks);
        int end = isIf ? -1 : pattern.AsSpan().IndexOfAny(MapText.Blanks);
        string value = end < 0 ? "" : pattern[end..].Trim(MapText.Blanks);
        if (end >= 0)
            pattern = pattern[..end];
        if (pattern.Length == 0)
            return "no address pattern";
        if (NetworkPattern.Parse(pattern, out NetworkPattern network) is { } problem)
            return problem;
        rule = new Rule(isIf ? Kind.If : Kind.Match, network, negated, Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(value)), 0);
        return isIf || value.Length > 0 ? null : "no lookup result";
    }
}
