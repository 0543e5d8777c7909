using System.Globalization;

namespace Estafette.Mail;

/// <summary>An enhanced mail system status code, class.subject.detail (RFC 3463). <c>default</c> means "none given".</summary>
public readonly record struct EnhancedStatus(byte Class, ushort Subject, ushort Detail)
{
    public bool IsNone => Class == 0;

    public override string ToString() =>
        IsNone ? "" : string.Create(CultureInfo.InvariantCulture, $"{Class}.{Subject}.{Detail}");

    /// <summary>Reads <c>5.1.1</c>; subject and detail have at most three digits, the class is 2, 4 or 5.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out EnhancedStatus status)
    {
        status = default;
        Span<Range> parts = stackalloc Range[4];
        if (text.Split(parts, '.') != 3 || text[parts[0]] is not ("2" or "4" or "5"))
            return false;
        if (!TryDigits(text[parts[1]], out ushort subject) || !TryDigits(text[parts[2]], out ushort detail))
            return false;
        status = new EnhancedStatus((byte)(text[0] - '0'), subject, detail);
        return true;
    }

    private static bool TryDigits(ReadOnlySpan<char> text, out ushort value)
    {
        value = 0;
        return text.Length is > 0 and <= 3 && ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }
}
