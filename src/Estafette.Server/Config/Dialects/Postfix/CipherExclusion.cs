using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>Takes ciphers off a list by the names and words of OpenSSL (<c>postconf(5) smtpd_tls_exclude_ciphers</c>). Words for what is never spoken anyway change nothing.</summary>
internal static class CipherExclusion
{
    public static TlsSettings Apply(Findings findings, SourceSpan at, IEnumerable<string> words, TlsSettings before)
    {
        TlsSettings settings = before;
        string list = "HIGH";
        foreach (string word in words)
        {
            string next = list + ":!" + word;
            TlsWordsResult result = TlsWords.Ciphers(next, before);
            if (result.Error is not null)
            {
                findings.Warning(at, "nothing is excluded by \"" + word + "\": " + result.Error, "remove the word");
                continue;
            }
            (list, settings) = (next, result.Settings);
        }
        return settings;
    }
}
