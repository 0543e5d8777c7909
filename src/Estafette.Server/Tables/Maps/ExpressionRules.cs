using Estafette.Config;

namespace Estafette.Tables;

/// <summary>Regular expressions and what they mean, in order (regexp_table(5), pcre_table(5)).</summary>
internal sealed class ExpressionRules : RuleRows
{
    public static LoadedTable Read(string text, bool perl, FileStamp stamp) => new(null, $"{(perl ? "pcre" : "regexp")} rules of {text.Length} characters are not understood yet", stamp);

    public override TableAnswer Find(string key, MapUse use) => new TableAnswer.Unavailable("no rules");
}
