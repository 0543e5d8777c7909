using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>
/// Makes a list of patterns out of a value: <c>!</c> negates, <c>/file</c> stands for the patterns in that file, <c>type:name</c> for a table; everything else is a pattern of whoever matches (<c>postconf(5) mydestination</c>).
/// A file that cannot be read is an error: mail would go another way without it.
/// </summary>
internal sealed class MatchListLowering(ReadingContext context)
{
    private const int DeepestFile = 10;

    public MatchList Lower(string text, SourceSpan at)
    {
        var patterns = ImmutableArray.CreateBuilder<MatchPattern>();
        foreach (string word in Words.Split(text))
            Add(patterns, word, at, 0);
        return new MatchList(patterns.ToImmutable());
    }

    private void Add(ImmutableArray<MatchPattern>.Builder patterns, string word, SourceSpan at, int depth)
    {
        bool negated = false;
        string pattern = word;
        while (pattern.StartsWith('!'))
            (negated, pattern) = (!negated, pattern[1..].TrimStart());
        if (pattern.Length == 0)
            context.Findings.Error(at, "no pattern after '!'", "write `!pattern` without a blank");
        else if (pattern.StartsWith('/'))
            AddFile(patterns, pattern, negated, at, depth);
        else if (IsTable(pattern))
        {
            if (new MapLowering(context).Register(pattern, at) is { } table)
                patterns.Add(new MatchPattern(table, negated, IsTable: true));
        }
        else
            patterns.Add(new MatchPattern(pattern, negated));
    }

    /// <summary>An IPv6 address has colons too, but stands in brackets or holds nothing but hexadecimal digits, colons and a length.</summary>
    private static bool IsTable(string pattern)
    {
        int colon = pattern.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && pattern[0] != '[' && pattern.AsSpan().ContainsAnyExcept("0123456789abcdefABCDEF:./%");
    }

    private void AddFile(ImmutableArray<MatchPattern>.Builder patterns, string path, bool negated, SourceSpan at, int depth)
    {
        if (depth >= DeepestFile)
        {
            context.Findings.Error(at, "files of patterns name each other deeper than " + DeepestFile + ": " + path, "let no file name itself");
            return;
        }
        if (context.ReadSource(path, out string? problem) is not { } source)
        {
            context.Findings.Error(at, "open file " + path + ": " + problem, "create the file, or remove its name");
            return;
        }
        foreach (LogicalLine line in LogicalLines.Of(source, context.Findings))
        {
            foreach (string word in Words.Split(line.Text))
                Add(patterns, negated ? "!" + word : word, line.At, depth + 1);
        }
    }
}
