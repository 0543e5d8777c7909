using System.Buffers;
using System.Globalization;
using System.Text;

namespace Estafette.Mail;

/// <summary>Writes a display name as a phrase of a header: atoms, a quoted string, or encoded words in UTF-8 (RFC 2047 s5). Line ends in it become spaces (E29).</summary>
public static class EncodedWord
{
    /// <summary>Longer names are cut; nobody's name needs them and a line has 998 octets.</summary>
    public const int MaximumName = 200;

    private const int MaximumWord = 75;
    private const string Prefix = "=?UTF-8?Q?";
    private const string Suffix = "?=";

    // RFC 2047 s5 (3): what may stand for itself in an encoded word within a phrase.
    private static readonly SearchValues<byte> Literal = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!*+-/"u8);

    public static string Phrase(string name)
    {
        name = FieldText.Sanitize(name).Trim();
        if (name.Length > MaximumName)
            name = name[..(char.IsHighSurrogate(name[MaximumName - 1]) ? MaximumName - 1 : MaximumName)];
        if (!Ascii.IsValid(name) || name.Contains("=?", StringComparison.Ordinal))
            return Encode(name);
        return name.All(c => c == ' ' || AddressSyntax.IsAtomText(c)) ? name : Quote(name);
    }

    private static string Quote(string name) =>
        "\"" + name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";

    private static string Encode(string name)
    {
        var text = new StringBuilder(Prefix);
        int wordLength = Prefix.Length;
        Span<byte> octets = stackalloc byte[4];
        foreach (Rune rune in name.EnumerateRunes())
        {
            string encoded = EncodeRune(octets[..rune.EncodeToUtf8(octets)]);
            if (wordLength + encoded.Length + Suffix.Length > MaximumWord)
            {
                text.Append(Suffix).Append(' ').Append(Prefix);
                wordLength = Prefix.Length;
            }
            text.Append(encoded);
            wordLength += encoded.Length;
        }
        return text.Append(Suffix).ToString();
    }

    private static string EncodeRune(ReadOnlySpan<byte> octets)
    {
        if (octets is [(byte)' '])
            return "_";
        if (octets.Length == 1 && Literal.Contains(octets[0]))
            return ((char)octets[0]).ToString();
        var text = new StringBuilder(12);
        foreach (byte octet in octets)
            text.Append('=').Append(octet.ToString("X2", CultureInfo.InvariantCulture));
        return text.ToString();
    }
}
