using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>One <c>name = value</c>, as written: nothing is expanded.</summary>
internal sealed record Setting(string Name, string Value, SourceSpan At);

/// <summary>The settings of a main.cf in the order of the file (<c>postconf(5)</c>); of two of one name the last holds. A line that is no setting is an error with its cure (V8).</summary>
internal static class MainCf
{
    public static ImmutableArray<Setting> Parse(SourceText source, Findings findings)
    {
        var settings = ImmutableArray.CreateBuilder<Setting>();
        foreach (LogicalLine line in LogicalLines.Of(source, findings))
        {
            if (Words.TrySplitSetting(line.Text, out string name, out string value, out string? problem))
            {
                if (settings.FirstOrDefault(s => s.Name == name) is { } earlier)
                    findings.Warning(line.At, "overriding earlier entry: " + name + "=" + UnusedParameters.Shown(earlier), "it stands at line " + earlier.At.Line.ToString(System.Globalization.CultureInfo.InvariantCulture) + " too: remove one of them");
                settings.Add(new Setting(name, value, line.At));
            }
            else
                findings.Error(line.At, problem + ": \"" + line.Text.TrimEnd() + "\"", Cure(problem!, settings));
        }
        return settings.ToImmutable();
    }

    private static string Cure(string problem, ImmutableArray<Setting>.Builder settings) =>
        problem == "missing attribute name" ? "write `name = value`"
        : settings.Count > 0 ? "where it continues `" + settings[^1].Name + "`, begin the line with a blank; else write `name = value`"
        : "write `name = value`";
}
