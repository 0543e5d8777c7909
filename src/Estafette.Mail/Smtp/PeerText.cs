using System.Globalization;
using System.Text;

namespace Estafette.Smtp;

/// <summary>
/// Makes text of a peer harmless before it enters outcomes, logs or notifications (E12): control characters, line and paragraph separators and
/// characters that turn the direction of writing become <c>\xHH</c> or <c>\uHHHH</c>.
/// </summary>
public static class PeerText
{
    public static string Escape(string text)
    {
        foreach (char c in text)
        {
            if (IsUnsafe(c))
                return Append(new StringBuilder(text.Length + 8), text).ToString();
        }
        return text;
    }

    public static StringBuilder Append(StringBuilder to, string text)
    {
        foreach (char c in text)
        {
            if (!IsUnsafe(c))
                to.Append(c);
            else if (c < 0x100)
                to.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:X2}");
            else
                to.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:X4}");
        }
        return to;
    }

    private static bool IsUnsafe(char c) =>
        char.IsControl(c) || c is '\u2028' or '\u2029' or (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069');
}
