using System.Text;
using Estafette.Config.Dialects.Postfix;

namespace Estafette.Tests.Config.Postfix;

/// <summary>The part of docs/postfix.md that is made from the table of parameters.</summary>
internal static class ParameterPage
{
    public const string Begin = "<!-- made from Parameters.txt: ESTAFETTE_WRITE_TABLE=1 with the tests of Config.Postfix writes it anew -->\n";
    public const string End = "<!-- end of what is made -->\n";

    /// <summary>A page with the made part as it should be; the rest of it stays.</summary>
    public static string With(string page)
    {
        int begin = page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, end = page.IndexOf(End, StringComparison.Ordinal);
        Assert.True(begin > Begin.Length && end >= begin, "docs/postfix.md has lost its marks");
        return page[..begin] + Made() + page[end..];
    }

    /// <summary>A row for each, and no sums: who changes one parameter changes one line.</summary>
    private static string Made()
    {
        ParameterTable table = ParameterTable.Postfix37;
        var text = new StringBuilder("\n| parameter | default | here |\n| --- | --- | --- |\n");
        foreach (Parameter parameter in table.All)
            text.Append("| `").Append(parameter.Name).Append("` | ").Append(Default(parameter)).Append(" | ").Append(Here(parameter)).Append(" |\n");
        text.Append("\nEvery delivery service NAME of master.cf has besides: ")
            .AppendJoin(", ", ParameterTable.ServiceParameters.Where(p => Find(table, p.Default).Support == Support.Supported).Select(p => "`NAME" + p.Suffix + "`")).Append(".\n\n");
        return text.ToString();
    }

    private static string Here(Parameter parameter) => parameter.Support switch
    {
        Support.Supported => parameter.Reason.Length > 0 ? "supported by " + parameter.Reason : "supported",
        Support.NoEffect => "no effect: " + SupportReasons.Words(parameter.Reason),
        Support.Refused => "refused: " + SupportReasons.Words(parameter.Reason),
        _ => "later: " + SupportReasons.Words(parameter.Reason),
    };

    private static Parameter Find(ParameterTable table, string name) => table.Find(name)!;

    private static string Default(Parameter parameter) =>
        parameter.Default.Length == 0 ? parameter.Name is "myhostname" or "mydomain" or "mynetworks" ? "of the machine" : "" : "`` " + parameter.Default.Replace("|", "\\|", StringComparison.Ordinal) + " ``";
}
