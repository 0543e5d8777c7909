namespace Estafette.Mail;

/// <summary>The written forms of an address (RFC 5321 s4.1.2): quoting and reading.</summary>
public static class AddressSyntax
{
    /// <summary>Quotes a local part that is no dot-string.</summary>
    public static string QuoteLocalPartIfNeeded(string localPart)
    {
        if (IsDotString(localPart))
            return localPart;
        var text = new System.Text.StringBuilder("\"", localPart.Length + 2);
        foreach (char c in localPart)
        {
            if (c is '"' or '\\')
                text.Append('\\');
            text.Append(c);
        }
        return text.Append('"').ToString();
    }

    /// <summary>True for atoms separated by single dots; characters beyond ASCII count as atom text (RFC 6531 s3.3).</summary>
    public static bool IsDotString(ReadOnlySpan<char> localPart)
    {
        if (localPart.IsEmpty || localPart[0] == '.' || localPart[^1] == '.')
            return false;
        for (int i = 0; i < localPart.Length; i++)
        {
            if (localPart[i] == '.' ? localPart[i - 1] == '.' : !IsAtomText(localPart[i]))
                return false;
        }
        return true;
    }

    public static bool IsAtomText(char c) =>
        char.IsAsciiLetterOrDigit(c) || c >= 0x80 || "!#$%&'*+-/=?^_`{|}~".Contains(c, StringComparison.Ordinal);
}
