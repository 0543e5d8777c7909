using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>
/// Tells of settings that nobody reads: names that Postfix does not have (in its words, with what was probably meant), and those whose table entry says that they do nothing here. A name of the
/// administrator's own that another value uses is no such setting.
/// </summary>
internal sealed class UnusedParameters(ReadingContext context)
{
    public void Tell()
    {
        HashSet<string> used = UserNames.Used(context.Settings);
        foreach (Setting setting in context.Settings.Main.Values.Concat(context.Settings.Services.SelectMany(s => s.Overrides)))
            Tell(setting, used);
    }

    /// <summary>The value, unless it may hold a password (E54).</summary>
    public static string Shown(Setting setting) => setting.Name.Contains("password", StringComparison.OrdinalIgnoreCase) ? "..." : setting.Value;

    private void Tell(Setting setting, HashSet<string> used)
    {
        PostfixSettings settings = context.Settings;
        if (settings.Table.Find(setting.Name) is { } parameter)
        {
            if (parameter.Support is Support.Supported || setting.Value == parameter.Default)
                return;
            if (parameter.Support is Support.NoEffect)
                context.Findings.Note(setting.At, "no effect here: " + setting.Name + ": " + SupportReasons.Words(parameter.Reason));
            else if (parameter.Support is Support.Refused)
                context.Findings.Error(setting.At, "not supported: " + setting.Name + ": " + SupportReasons.Words(parameter.Reason), "remove the line");
            else if (setting.Value.Length > 0)
                context.Findings.Warning(setting.At, "not supported yet: " + setting.Name + ": " + SupportReasons.Words(parameter.Reason), "the mail is treated as if the line were not there");
            return;
        }
        if (settings.ServiceDefaults.ContainsKey(setting.Name) || used.Contains(setting.Name))
            return;
        string? meant = Spelling.Closest(setting.Name, settings.Table.All.Select(p => p.Name));
        context.Findings.Warning(setting.At, "unused parameter: " + setting.Name + "=" + Shown(setting), meant is null ? "no other value names it and Postfix has no such parameter: remove the line" : "did you mean `" + meant + "`?");
    }
}
