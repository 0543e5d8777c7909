using System.Collections.Immutable;
using System.Globalization;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>
/// Values of parameters as what they must be, for one service or for all. What a value cannot be is an error at its line in the words of the original, and the default is given instead, so that all errors
/// come together. Asking for a name that the table does not have is a bug.
/// </summary>
internal sealed class ParameterReader(ReadingContext context, ParameterScope scope)
{
    public ReadingContext Context => context;
    public Findings Findings => context.Findings;

    /// <summary>The service whose view this is; null for the whole.</summary>
    public ServiceEntry? Service => scope.Service;

    /// <summary>Written in main.cf or behind <c>-o</c>.</summary>
    public bool IsSet(string name) => scope.Find(Known(name)) is not null;

    /// <summary>Where it is written: the service where a default holds there, else main.cf as such.</summary>
    public SourceSpan Place(string name) => scope.Find(name)?.At ?? scope.Service?.At ?? new SourceSpan(Path.Combine(context.Folder, "main.cf"), 0, 0, 0);

    /// <summary>The value with its names replaced.</summary>
    public string Text(string name)
    {
        Parameter? parameter = context.Settings.Table.Find(Known(name));
        string text = Expanded(name);
        if (text.Length == 0 && parameter is { NotEmpty: true })
        {
            Fail(name, "bad string length 0 < 1: " + name + " =", "give it a value, or remove the line for the default");
            return scope.Expand(scope.Default(name) ?? "", out _) ?? "";
        }
        return text;
    }

    /// <summary>The value as written: its <c>$</c> is for whoever uses it.</summary>
    public string Raw(string name) => scope.Raw(Known(name)) ?? "";

    public bool Flag(string name)
    {
        string text = Expanded(Known(name));
        if (text.Equals("yes", StringComparison.OrdinalIgnoreCase))
            return true;
        if (text.Equals("no", StringComparison.OrdinalIgnoreCase))
            return false;
        Fail(name, "bad boolean configuration: " + name + " = " + text, "write yes or no");
        return Default(name).Equals("yes", StringComparison.OrdinalIgnoreCase);
    }

    public long Number(string name)
    {
        string text = Expanded(Known(name));
        Parameter? parameter = context.Settings.Table.Find(name);
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture, out long number))
            Fail(name, "bad numerical configuration: " + name + " = " + text, "write a number");
        else if (parameter is { Least: not 0 and long least } && number < least)
            Fail(name, string.Create(CultureInfo.InvariantCulture, $"invalid {name} parameter value {number} < {least}"), string.Create(CultureInfo.InvariantCulture, $"write a number from {least} on"));
        else if (parameter is { Most: not 0 and long most } && number > most)
            Fail(name, string.Create(CultureInfo.InvariantCulture, $"invalid {name} parameter value {number} > {most}"), string.Create(CultureInfo.InvariantCulture, $"write a number up to {most}"));
        else
            return number;
        return long.TryParse(Default(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long standard) ? standard : 0;
    }

    /// <summary>A number that fits the model's counts; what is larger is cut.</summary>
    public int Count(string name) => (int)Math.Clamp(Number(name), int.MinValue, int.MaxValue);

    public TimeSpan Time(string name)
    {
        string text = Expanded(Known(name));
        Parameter? parameter = context.Settings.Table.Find(name);
        if (ParseTime(text, Unit(name)) is not { } seconds)
            Fail(name, "parameter " + name + ": bad time value or unit: " + text, "write a number with s, m, h, d or w behind it");
        else if (parameter is { Least: not 0 and long least } && seconds < least)
            Fail(name, string.Create(CultureInfo.InvariantCulture, $"invalid {name}: {seconds} (min {least})"), string.Create(CultureInfo.InvariantCulture, $"write {least}s or more"));
        else if (parameter is { Most: not 0 and long most } && seconds > most)
            Fail(name, string.Create(CultureInfo.InvariantCulture, $"invalid {name}: {seconds} (max {most})"), string.Create(CultureInfo.InvariantCulture, $"write {most}s or less"));
        else
            return TimeSpan.FromSeconds(seconds);
        return TimeSpan.FromSeconds(ParseTime(Default(name), Unit(name)) ?? 0);
    }

    /// <summary>The words of a list; braces keep together what holds blanks or commas, and stay.</summary>
    public ImmutableArray<string> Words(string name) => Postfix.Words.Split(Text(name));

    /// <summary>The tables of a list of maps, by their names in <see cref="MailConfig.Tables"/>.</summary>
    public ImmutableArray<string> Maps(string name)
    {
        var maps = new MapLowering(context);
        var names = ImmutableArray.CreateBuilder<string>();
        foreach (string word in Words(name))
        {
            // The default of Debian's build, which finds nothing where no NIS domain is set: nobody asked for it.
            if (word == "nis:mail.aliases" && scope.Find("alias_maps") is null)
                continue;
            if (maps.Register(word, Place(name)) is { } table)
                names.Add(table);
        }
        return names.ToImmutable();
    }

    /// <summary>A list of patterns, those of files included; tables stay tables. <paramref name="feature"/> is its name in <c>parent_domain_matches_subdomains</c>.</summary>
    public MatchList MatchList(string name, string? feature = null) => new MatchListLowering(context).Lower(Text(name), Place(name)) with
    {
        ParentMatches = feature is not null && Words("parent_domain_matches_subdomains").Contains(feature, StringComparer.OrdinalIgnoreCase),
    };

    /// <summary>The value of a name of the administrator's own, such as a restriction class; null where nobody gave it one.</summary>
    public string? OwnText(string name) => scope.Find(name) is { } setting ? scope.Expand(setting.Value, out _) : null;

    public bool IsTrue(string name, string word) => Text(name).Equals(word, StringComparison.OrdinalIgnoreCase);

    public void Fail(string name, string message, string? cure = null) => Findings.Error(Place(name), message, cure);

    /// <summary>Replaces the names in a text that is no parameter's, such as a banner within another.</summary>
    public string Expand(string text) => scope.Expand(text, out _) ?? text;

    private static long? ParseTime(string text, char unit)
    {
        int digits = 0;
        while (digits < text.Length && char.IsAsciiDigit(text[digits]))
            digits++;
        if (digits is 0 or > 10 || digits + 1 < text.Length)
            return null;
        int factor = (digits < text.Length ? text[digits] : unit) switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86_400, 'w' => 604_800, _ => 0 };
        long seconds = long.Parse(text.AsSpan(0, digits), CultureInfo.InvariantCulture) * factor;
        return factor == 0 || seconds > int.MaxValue ? null : seconds;
    }

    private char Unit(string name)
    {
        // A service's own parameter counts as the one that is its default does.
        string of = context.Settings.ServiceDefaults.GetValueOrDefault(name, name);
        return context.Settings.Table.Find(of)?.Unit ?? 's';
    }

    private string Default(string name) => scope.Expand(scope.Default(name) ?? "", out _) ?? "";

    private string Expanded(string name)
    {
        string? text = scope.Expand(scope.Raw(name) ?? "", out string? problem);
        if (text is not null)
            return text;
        Fail(name, name + ": " + problem, "look at the names and braces of the value");
        return "";
    }

    private string Known(string name)
    {
        if (context.Settings.Table.Find(name) is null && !context.Settings.ServiceDefaults.ContainsKey(name))
            throw new ArgumentException(name + " is no parameter of Postfix 3.7", nameof(name));
        // A service's own parameter is read as the one that is its default.
        context.Reads(context.Settings.ServiceDefaults.GetValueOrDefault(name, name));
        context.Reads(name);
        return name;
    }
}
