namespace Estafette.Tables;

/// <summary>The folding of keys: ASCII letters to lower case and nothing else, so that compiled files of any tool agree.</summary>
internal static class KeyText
{
    /// <summary>The folding of Postfix's tables, which counts all letters (SMTPUTF8_README).</summary>
    public static string FoldText(string key) => System.Text.Ascii.IsValid(key) ? Fold(key) : key.ToLowerInvariant();

    public static string Fold(string key)
    {
        foreach (char c in key)
        {
            if (char.IsAsciiLetterUpper(c))
                return string.Create(key.Length, key, static (folded, source) =>
                {
                    for (int i = 0; i < folded.Length; i++)
                        folded[i] = char.IsAsciiLetterUpper(source[i]) ? (char)(source[i] | 0x20) : source[i];
                });
        }
        return key;
    }
}
