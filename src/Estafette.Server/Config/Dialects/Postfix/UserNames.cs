namespace Estafette.Config.Dialects.Postfix;

/// <summary>The administrator's own names: those that some value of main.cf or master.cf refers to, besides the parameters of the table (<c>postconf(5)</c>, <c>smtpd_restriction_classes</c>).</summary>
internal static class UserNames
{
    public static HashSet<string> Used(PostfixSettings settings)
    {
        var used = new HashSet<string>(StringComparer.Ordinal);
        foreach (Setting setting in settings.Main.Values.Concat(settings.Services.SelectMany(s => s.Overrides)))
            AddNames(used, setting.Value);
        foreach (Setting setting in settings.Main.Values.Concat(settings.Services.SelectMany(s => s.Overrides)).Where(s => s.Name == "smtpd_restriction_classes"))
            used.UnionWith(Words.Split(setting.Value));
        return used;
    }

    /// <summary>All that could be a name behind a dollar, wherever it stands: a value that is nested in braces counts.</summary>
    public static void AddNames(ICollection<string> names, string value)
    {
        for (int at = value.IndexOf('$', StringComparison.Ordinal); at >= 0; at = at + 1 < value.Length ? value.IndexOf('$', at + 1) : -1)
        {
            int start = at + 1;
            if (start < value.Length && value[start] == '$')
            {
                // A dollar itself.
                at = start;
                continue;
            }
            if (start < value.Length && value[start] is '{' or '(')
                start++;
            while (start < value.Length && Words.IsBlank(value[start]))
                start++;
            int end = start;
            while (end < value.Length && (char.IsAsciiLetterOrDigit(value[end]) || value[end] == '_'))
                end++;
            if (end > start)
                names.Add(value[start..end]);
        }
    }
}
