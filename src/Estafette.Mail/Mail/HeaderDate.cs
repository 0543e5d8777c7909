using System.Globalization;

namespace Estafette.Mail;

/// <summary>The date of header and trace fields (RFC 5322 s3.3): <c>Sat, 21 Nov 2026 00:00:00 +0000 (UTC)</c>.</summary>
public static class HeaderDate
{
    public static string Format(DateTimeOffset time)
    {
        TimeSpan offset = time.Offset;
        char sign = offset < TimeSpan.Zero ? '-' : '+';
        offset = offset.Duration();
        string text = string.Create(
            CultureInfo.InvariantCulture,
            $"{time:ddd, d MMM yyyy HH:mm:ss} {sign}{offset.Hours:00}{offset.Minutes:00}");
        return offset == TimeSpan.Zero ? text + " (UTC)" : text;
    }
}
