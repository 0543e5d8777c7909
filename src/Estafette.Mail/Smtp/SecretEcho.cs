using System.Text;

namespace Estafette.Smtp;

/// <summary>
/// Takes a password out of what a server answered: some repeat what they were sent (E54). A word that holds the password, plain, escaped as in a URL, hexadecimal
/// or inside base64, is hidden whole.
/// </summary>
public static class SecretEcho
{
    private const string Hidden = "(hidden)";

    /// <summary>Shorter passwords stand in every text.</summary>
    private const int ShortestHidden = 4;

    public static string Hide(string text, SaslCredentials credentials)
    {
        string password = credentials.Password;
        if (password.Length < ShortestHidden)
            return text;
        // As it is, and as a reply's text comes out of its making.
        foreach (string plain in (string[])[password, PeerText.Escape(password), password.Trim()])
            text = plain.Length < ShortestHidden ? text : text.Replace(plain, Hidden, StringComparison.Ordinal);
        foreach (string form in Forms(Encoding.UTF8.GetBytes(password), Uri.EscapeDataString(password)))
        {
            // On behind what was hidden: the word that stands for it may hold the password too.
            for (int at, from = 0; (at = text.IndexOf(form, from, StringComparison.OrdinalIgnoreCase)) >= 0;)
            {
                int begin = text.AsSpan(0, at).LastIndexOfAny(' ', '\n', '\t') + 1;
                int length = text.AsSpan(at).IndexOfAny(' ', '\n', '\t');
                text = text[..begin] + Hidden + (length < 0 ? "" : text[(at + length)..]);
                from = begin + Hidden.Length;
            }
        }
        return text;
    }

    private static IEnumerable<string> Forms(byte[] password, string escaped)
    {
        yield return escaped;
        yield return Convert.ToHexString(password);
        // Inside other octets the password begins at one of three places of base64's groups; the characters that it shares with them are not looked at.
        for (int before = 0; before < 3; before++)
        {
            string all = Convert.ToBase64String([.. new byte[before], .. password]);
            string own = all[((before * 8 + 5) / 6)..((before + password.Length) * 8 / 6)];
            if (own.Length >= ShortestHidden)
                yield return own;
        }
    }
}
