using System.Globalization;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>Numbers with units: sizes (<c>35M</c>, 1024 based) and times (<c>90s</c>, <c>4h</c>, <c>2d</c>). Null for what is none.</summary>
internal static class Quantity
{
    public static long? Size(string text)
    {
        if (text.Length == 0)
            return null;
        int shift = char.ToUpperInvariant(text[^1]) switch { 'B' => 0, 'K' => 10, 'M' => 20, 'G' => 30, 'T' => 40, _ => -1 };
        if (Count(shift < 0 ? text : text[..^1]) is not { } number || number > long.MaxValue >> Math.Max(shift, 0))
            return null;
        return number << Math.Max(shift, 0);
    }

    public static TimeSpan? Time(string text)
    {
        if (text.Length < 2)
            return null;
        int seconds = text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86_400, 'w' => 604_800, _ => 0 };
        if (seconds == 0 || Count(text[..^1]) is not ({ } number and > 0) || number > 10 * 365L * 86_400 / seconds)
            return null;
        return TimeSpan.FromSeconds(number * seconds);
    }

    public static long? Count(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;
}
