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
            context.Findings.Error(at, read.Problem, read.Cure);
            return null;
        }
        context.Tables[word] = read.Table;
        return word;
    }
}
