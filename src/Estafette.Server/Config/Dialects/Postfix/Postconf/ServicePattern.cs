namespace Estafette.Config.Dialects.Postfix.Postconf;

/// <summary><c>service[/type[/field or parameter]]</c> of <c>-M</c>, <c>-F</c> and <c>-P</c>; <c>*</c> stands for all.</summary>
internal sealed record ServicePattern(string Text, string Name, string Type, string Third)
{
    public const string Any = "*";

    /// <summary>Null when it has too few or too many parts, or a star within one.</summary>
    public static ServicePattern? Parse(string text, int least, int most)
    {
        if (text.StartsWith('/'))
            return null;
        string[] parts = text.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length < least || parts.Length > most || parts.Any(p => p != Any && p.Contains('*', StringComparison.Ordinal)))
            return null;
        return new ServicePattern(text, parts[0], parts.Length > 1 ? parts[1] : Any, parts.Length > 2 ? parts[2] : Any);
    }

    public bool Matches(string name, string type) => (Name == Any || Name == name) && (Type == Any || Type == type);
}
