namespace Estafette.Tables;

/// <summary>
/// A table whose rows are rules that are tried in order, the first that matches decides. Its keys are never folded and never asked for in part: <c>user</c> or <c>@domain</c> would match by chance what was written
/// for whole addresses (regexp_table(5), cidr_table(5)).
/// </summary>
internal abstract class RuleRows : TableRows
{
    /// <summary>Rules of one table; each is tried for every key.</summary>
    public const int MaximumRules = 100_000;

    public abstract TableAnswer Find(string key, MapUse use);

    public sealed override string? Get(string foldedKey) => Find(foldedKey, MapUse.Whole) is TableAnswer.Found found ? found.Value : null;

    /// <summary>What the rules answer without taking text from the key, for who must know beforehand.</summary>
    public virtual IEnumerable<string> Results => [];

    /// <summary>Rules cannot be walked.</summary>
    public sealed override IEnumerable<KeyValuePair<string, string>> All() => [];
}

/// <summary>Where <c>if</c> and <c>endif</c> stand in a list of rules, while it is read.</summary>
internal sealed class RuleBlocks
{
    private readonly Stack<(int Rule, int Line)> _open = [];

    public bool IsOpen => _open.Count > 0;

    public void Open(int rule, int line) => _open.Push((rule, line));

    /// <summary>The rule that opened the block.</summary>
    public int Close() => _open.Pop().Rule;

    /// <summary>Blocks that nothing closed; where their condition does not hold, the table has no answer.</summary>
    public IEnumerable<(int Rule, int Line)> Unclosed => _open;
}

/// <summary>The words <c>if</c> and <c>endif</c> at the start of a rule.</summary>
internal static class RuleWord
{
    public static bool TryIf(string line, out string rest) => Try(line, "if", out rest);

    public static bool TryEndIf(string line, out string rest) => Try(line, "endif", out rest);

    private static bool Try(string line, string word, out string rest)
    {
        bool isWord = line.StartsWith(word, StringComparison.OrdinalIgnoreCase) && (line.Length == word.Length || !LogicalLines.IsLetterOrDigit(line[word.Length]));
        rest = isWord ? line[word.Length..] : "";
        return isWord;
    }
}
