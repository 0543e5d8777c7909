using System.Globalization;
using System.Text;

namespace Estafette.Mail;

/// <summary>The xtext of RFC 3461 s4: printable ASCII, with <c>+HH</c> for what is not. Both ways are bounded by the caller's limit.</summary>
public static class Xtext
{
    /// <summary>RFC 3461 s4.4 and s4.2.</summary>
    public const int MaximumEnvelopeId = 100;
    public const int MaximumOriginalRecipient = 500;

    /// <summary>False where a digit is missing, a character does not belong, the text is longer than the limit, or what comes out is no printable UTF-8.</summary>
    public static bool TryDecode(ReadOnlySpan<char> text, int maximumLength, out string decoded)
    {
        decoded = "";
        if (text.Length > maximumLength)
            return false;
        byte[] octets = new byte[text.Length];
        int length = 0;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c is <= ' ' or '=' or >= (char)127)
                return false;
            if (c != '+')
                octets[length++] = (byte)c;
            else if (i + 2 < text.Length && IsHex(text[i + 1]) && IsHex(text[i + 2]))
            {
                octets[length++] = byte.Parse(text.Slice(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
                i += 2;
            }
            else
                return false;
        }
        ReadOnlySpan<byte> result = octets.AsSpan(0, length);
        if (!System.Text.Unicode.Utf8.IsValid(result))
            return false;
        decoded = Encoding.UTF8.GetString(result);
        return ReferenceEquals(FieldText.Sanitize(decoded), decoded);
    }

    public static string Encode(string text)
    {
        var encoded = new StringBuilder(text.Length);
        foreach (byte octet in Encoding.UTF8.GetBytes(text))
        {
            if (octet is > 32 and < 127 and not ((byte)'+' or (byte)'='))
                encoded.Append((char)octet);
            else
                encoded.Append('+').Append(octet.ToString("X2", CultureInfo.InvariantCulture));
        }
        return encoded.ToString();
    }

    private static bool IsHex(char c) => char.IsAsciiHexDigit(c);
}
