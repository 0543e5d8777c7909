namespace Estafette.Tables;

/// <summary>
/// Octets as characters for regular expressions. Those from 0x80 on stand in a private area of Unicode, so that .NET takes none of them for a letter, a digit or the other case of one: an expression of the
/// C locale knows only ASCII.
/// </summary>
internal static class OctetText
{
    public const char FirstHigh = '\x80';
    private const char Area = '\uf700';

    public static char ToPattern(char octet) => octet >= FirstHigh ? (char)(Area | octet) : octet;

    /// <summary>Octets, one a character, as subjects of an expression.</summary>
    public static string ToSubject(string octets) => Map(octets, static c => ToPattern(c), octets.AsSpan().ContainsAnyInRange(FirstHigh, '\xff'));

    /// <summary>What was taken from subjects, as octets.</summary>
    public static string FromSubject(string text) => Map(text, static c => c >= Area ? (char)(c & 0xff) : c, text.AsSpan().ContainsAnyInRange(Area, '\uf7ff'));

    private static string Map(string text, Func<char, char> change, bool isNeeded) => isNeeded
        ? string.Create(text.Length, (text, change), static (target, from) =>
        {
            for (int i = 0; i < target.Length; i++)
                target[i] = from.change(from.text[i]);
        })
        : text;
}
