using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>Makes a table of the configuration out of <c>type:name</c> as main.cf and master.cf write it (<c>postconf(5)</c>, DATABASE_README). One that is named twice is one table.</summary>
internal sealed class MapLowering(ReadingContext context)
{
    /// <summary>The table's name in <see cref="MailConfig.Tables"/>: the word as written. Null when an error was told.</summary>
    public string? Register(string word, SourceSpan at)
    {
        if (context.Tables.ContainsKey(word))
            return word;
        MapReference read = MapReferences.Parse(word, at);
        if (read.Table is null)
        {
            context.Findings.Error(at, Told(read.Problem, word), read.Cure);
            return null;
        }
        context.Tables[word] = read.Table;
        return word;
    }

    /// <summary>The original's words for what is wrong, without what stands in the table: findings reach logs (E54).</summary>
    private static string Told(string problem, string word)
    {
        int open = problem.IndexOf('"', StringComparison.Ordinal) + 1, close = problem.LastIndexOf("\"; need", StringComparison.Ordinal);
        close = close < 0 ? problem.LastIndexOf('"') : close;
        return open > 0 && close > open && word.Contains(problem[open..close], StringComparison.Ordinal) ? problem[..open] + TableConfig.Told(problem[open..close]) + problem[close..] : problem;
    }
}
