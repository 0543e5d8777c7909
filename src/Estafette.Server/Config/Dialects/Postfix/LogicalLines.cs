using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>One logical line of main.cf, master.cf or a text table: the lines that continue it are joined to it, line ends left out and their blanks kept.</summary>
internal sealed record LogicalLine(string Text, SourceSpan At);

/// <summary>
/// Cuts a text into logical lines (<c>postconf(5)</c>, <c>master(5)</c>): a line that begins with a blank continues the one before; comments and empty lines are skipped
/// wherever they stand, also between a line and what continues it. A continuation with nothing before it is told and left out.
/// </summary>
internal static class LogicalLines
{
    public static ImmutableArray<LogicalLine> Of(SourceText source, Findings findings)
    {
        var lines = ImmutableArray.CreateBuilder<LogicalLine>();
        var text = new System.Text.StringBuilder();
        int first = 0;
        for (int number = 1; number <= source.LineCount; number++)
        {
            string line = source.Line(number);
            ReadOnlySpan<char> content = line.AsSpan().Trim(Words.Blanks);
            if (content.IsEmpty || content[0] == '#')
                continue;
            bool continues = Words.IsBlank(line[0]);
            if (continues && first == 0)
            {
                findings.Warning(new SourceSpan(source.Path, number, 1, line.Length), "logical line must not start with whitespace: \"" + Shown(line) + "\"",
                    "it continues nothing and is left out: remove the blanks before it");
                continue;
            }
            if (!continues)
            {
                Flush();
                first = number;
            }
            text.Append(line);
        }
        Flush();
        return lines.ToImmutable();

        void Flush()
        {
            if (first != 0)
                lines.Add(new LogicalLine(text.ToString(), new SourceSpan(source.Path, first, 1, source.Line(first).Length)));
            text.Clear();
        }
    }

    private static string Shown(string line) => line.Length > 30 ? line[..30] + "..." : line;
}
