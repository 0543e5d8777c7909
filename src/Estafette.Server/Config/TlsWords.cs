using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config;

/// <summary>What a list of protocols or ciphers came to: the settings, what is wrong (then they are as before), and what is not quite as written.</summary>
public sealed record TlsWordsResult(TlsSettings Settings, string? Error, string? Cure, ImmutableArray<string> Warnings);

/// <summary>
/// Reads the lists by which administrators choose TLS protocols and ciphers: the words of libtls (<c>secure</c>, <c>tlsv1.2:tlsv1.3</c>) and of OpenSSL
/// (<c>HIGH:!aNULL</c>, <c>ECDHE+AESGCM</c>), and both kinds of names. As in both libraries, a list of ciphers decides on TLS 1.2, and on TLS 1.3 only where
/// it names suites of TLS 1.3. Nothing is passed over: a word that has no meaning here is an error, one that cannot be honoured in full a warning.
/// </summary>
public static class TlsWords
{
    private static readonly char[] s_separators = [':', ',', ' ', '\t'];

    /// <summary>Words for ciphers that are never spoken: excluding them changes nothing, asking for them gives nothing.</summary>
    private static readonly string[] s_never =
        ["aNULL", "eNULL", "NULL", "ADH", "AECDH", "LOW", "MEDIUM", "EXP", "EXPORT", "EXPORT40", "EXPORT56", "RC4", "RC2", "DES", "3DES", "MD5", "PSK", "kPSK", "aPSK", "SRP", "aSRP", "DSS", "aDSS",
         "IDEA", "SEED", "CAMELLIA", "ARIA", "AESCCM", "AESCCM8", "GOST", "kDH", "kECDH", "aDH", "aECDH", "kRSAPSK", "COMPLEMENTOFALL", "SSLv2", "SSLv3"];

    private static readonly (string Word, Func<CipherSuite, bool> Holds)[] s_groups =
    [
        ("secure", s => s.IsForwardSecret && s.IsAuthenticatedEncryption),
        ("compat", s => s.IsForwardSecret),
        ("all", _ => true), ("legacy", _ => true), ("insecure", _ => true), ("HIGH", _ => true),
        ("FIPS", s => !s.Name.Contains("CHACHA20", StringComparison.Ordinal)),
        ("ECDHE", IsEcdhe), ("EECDH", IsEcdhe), ("kECDHE", IsEcdhe), ("kEECDH", IsEcdhe), ("ECDH", IsEcdhe),
        ("DHE", IsDhe), ("EDH", IsDhe), ("kDHE", IsDhe), ("kEDH", IsDhe), ("DH", IsDhe),
        ("kRSA", s => !s.IsForwardSecret), ("RSA", s => s.Name.Contains("RSA", StringComparison.Ordinal)), ("aRSA", s => s.Name.Contains("RSA", StringComparison.Ordinal)),
        ("ECDSA", s => s.Name.Contains("ECDSA", StringComparison.Ordinal)), ("aECDSA", s => s.Name.Contains("ECDSA", StringComparison.Ordinal)),
        ("AES", s => s.Name.Contains("AES", StringComparison.Ordinal)),
        ("AES128", s => s.Name.Contains("AES_128", StringComparison.Ordinal)), ("AES256", s => s.Name.Contains("AES_256", StringComparison.Ordinal)),
        ("AESGCM", s => s.Name.Contains("GCM", StringComparison.Ordinal)), ("CHACHA20", s => s.Name.Contains("CHACHA20", StringComparison.Ordinal)),
        ("CBC", s => s.Name.Contains("CBC", StringComparison.Ordinal)),
        ("SHA", s => s.Name.EndsWith("_SHA", StringComparison.Ordinal)), ("SHA1", s => s.Name.EndsWith("_SHA", StringComparison.Ordinal)),
        ("SHA256", s => s.Name.EndsWith("CBC_SHA256", StringComparison.Ordinal)), ("SHA384", s => s.Name.EndsWith("CBC_SHA384", StringComparison.Ordinal)),
        ("TLSv1.2", s => s.IsAuthenticatedEncryption || s.Name.EndsWith("SHA256", StringComparison.Ordinal) || s.Name.EndsWith("SHA384", StringComparison.Ordinal)),
        ("TLSv1", s => s.Name.EndsWith("_SHA", StringComparison.Ordinal)), ("TLSv1.0", s => s.Name.EndsWith("_SHA", StringComparison.Ordinal)),
    ];

    /// <summary>Sets <see cref="TlsSettings.Minimum"/> and <see cref="TlsSettings.Maximum"/>.</summary>
    public static TlsWordsResult Protocols(string text, TlsSettings before)
    {
        bool old = false;
        bool tls12 = false;
        bool tls13 = false;
        string[] words = text.Split(s_separators, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length > 0 && words[0][0] is '!' or '-')
            tls12 = tls13 = true;
        foreach (string word in words)
        {
            bool on = word[0] is not ('!' or '-');
            switch (word.TrimStart('!', '-', '+', '>', '=').ToLowerInvariant())
            {
                case "secure" or "default":
                    (tls12, tls13) = (on, on);
                    break;
                case "all" or "legacy" or "tlsv1":
                    (tls12, tls13) = (on, on);
                    old |= on && word is not "all";
                    break;
                case "tlsv1.2" or "tls1.2":
                    tls12 = on;
                    tls13 |= word.StartsWith(">=", StringComparison.Ordinal);
                    break;
                case "tlsv1.3" or "tls1.3":
                    tls13 = on;
                    break;
                case "tlsv1.0" or "tlsv1.1" or "tls1.0" or "tls1.1" or "sslv2" or "sslv3":
                    old |= on;
                    break;
                default:
                    string? meant = Spelling.Closest(word.ToLowerInvariant(), ["tlsv1.2", "tlsv1.3", "secure", "default", "all"]);
                    return Wrong(before, $"`{word}` is no TLS protocol", meant is null ? "write \"tlsv1.2:tlsv1.3\", \"tlsv1.3\" or \"secure\"" : $"did you mean `{meant}`?");
            }
        }
        if (!tls12 && !tls13)
            return Wrong(before, old ? "TLS 1.0 and 1.1 are not spoken, and nothing else is asked for (RFC 8996)" : "no TLS protocol is left", "write \"tlsv1.2:tlsv1.3\"");
        TlsSettings settings = before with { Minimum = tls12 ? TlsVersion.Tls12 : TlsVersion.Tls13, Maximum = tls13 ? TlsVersion.Tls13 : TlsVersion.Tls12 };
        return new TlsWordsResult(settings, null, null, old ? ["TLS 1.0 and 1.1 are not spoken (RFC 8996); TLS 1.2 and 1.3 are"] : []);
    }

    /// <summary>Sets <see cref="TlsSettings.CipherSuites"/>.</summary>
    public static TlsWordsResult Ciphers(string text, TlsSettings before)
    {
        var chosen = new List<CipherSuite>();
        var excluded = new HashSet<CipherSuite>();
        var warnings = ImmutableArray.CreateBuilder<string>();
        string[] words = text.Split(s_separators, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0)
            return Wrong(before, "the list of ciphers is empty", "write \"secure\", or names such as ECDHE-RSA-AES256-GCM-SHA384");
        if (words is ["default" or "DEFAULT"])
            return new TlsWordsResult(before with { CipherSuites = [] }, null, null, []);
        foreach (string word in words)
        {
            if (word[0] == '@')
            {
                warnings.Add($"`{word}` is not honoured: name the ciphers that may be spoken instead");
                continue;
            }
            bool removes = word[0] is '!' or '-';
            if (Suites(word.TrimStart('!', '-', '+')) is not { } suites)
                return Wrong(before, $"`{word}` is no cipher", CureFor(word));
            if (word[0] == '!')
                excluded.UnionWith(suites);
            if (removes)
                chosen.RemoveAll(suites.Contains);
            else if (word[0] == '+')
                MoveBack(chosen, suites);
            else if (suites.Length == 0)
                warnings.Add($"`{word}`: these ciphers are not spoken, they are not safe");
            else
                chosen.AddRange(suites.Where(s => !chosen.Contains(s) && !excluded.Contains(s)));
        }
        // A list of exclusions only leaves the others.
        if (!chosen.Exists(s => !s.IsTls13) && words.All(w => w[0] is '!' or '-' or '@'))
            chosen.AddRange(CipherSuites.All.Where(s => !s.IsTls13 && !excluded.Contains(s)));
        if (chosen.Count == 0)
            return Wrong(before, "no cipher is left that could be spoken", "write \"secure\", or names such as ECDHE-RSA-AES256-GCM-SHA384");
        return new TlsWordsResult(before with { CipherSuites = Complete(chosen, excluded) }, null, null, warnings.ToImmutable());
    }

    /// <summary>Of the version of TLS that the list does not speak of, all suites stay.</summary>
    private static ImmutableArray<string> Complete(List<CipherSuite> chosen, HashSet<CipherSuite> excluded)
    {
        IEnumerable<CipherSuite> tls13 = chosen.Exists(s => s.IsTls13) ? chosen.Where(s => s.IsTls13) : CipherSuites.All.Where(s => s.IsTls13 && !excluded.Contains(s));
        IEnumerable<CipherSuite> tls12 = chosen.Exists(s => !s.IsTls13) ? chosen.Where(s => !s.IsTls13)
            : CipherSuites.All.Where(s => s is { IsTls13: false, IsForwardSecret: true, IsAuthenticatedEncryption: true } && !excluded.Contains(s));
        return [.. tls13.Concat(tls12).Select(s => s.Name)];
    }

    /// <summary>The suites of a name or of words joined by <c>+</c>; null for what nobody knows, empty for what is never spoken.</summary>
    private static ImmutableArray<CipherSuite>? Suites(string word)
    {
        if (CipherSuites.Find(word) is { } one)
            return [one];
        IEnumerable<CipherSuite> suites = CipherSuites.All.Where(s => !s.IsTls13);
        foreach (string part in word.Split('+'))
        {
            if (Array.Exists(s_never, n => n.Equals(part, StringComparison.OrdinalIgnoreCase)) || LooksLikeOldSuite(part))
            {
                suites = [];
                continue;
            }
            if (part is "default" or "DEFAULT")
            {
                suites = suites.Where(s => s.IsForwardSecret);
                continue;
            }
            Func<CipherSuite, bool>? holds = Array.Find(s_groups, g => g.Word.Equals(part, StringComparison.OrdinalIgnoreCase)).Holds;
            if (holds is null)
                return null;
            suites = suites.Where(holds);
        }
        return [.. suites];
    }

    /// <summary>The name of a suite that exists, but is too old: <c>DES-CBC3-SHA</c>, <c>RC4-MD5</c>, <c>ECDHE-RSA-RC4-SHA</c>.</summary>
    private static bool LooksLikeOldSuite(string word) => word.Contains('-', StringComparison.Ordinal) && word.Split('-').Any(p =>
        p is "DES" or "CBC3" or "RC4" or "MD5" or "NULL" or "CAMELLIA128" or "CAMELLIA256" or "SEED" or "IDEA" or "EXP" or "ADH" or "AECDH" or "PSK" or "SRP" or "CCM" or "CCM8");

    private static void MoveBack(List<CipherSuite> chosen, ImmutableArray<CipherSuite> suites)
    {
        CipherSuite[] moved = [.. chosen.Where(suites.Contains)];
        chosen.RemoveAll(suites.Contains);
        chosen.AddRange(moved);
    }

    private static string CureFor(string word)
    {
        IEnumerable<string> known = CipherSuites.All.SelectMany(s => (string[])[s.Name, s.OpenSslName]).Concat(s_groups.Select(g => g.Word)).Concat(s_never);
        return Spelling.Closest(word.TrimStart('!', '-', '+'), known) is { } meant ? $"did you mean `{meant}`?"
            : "write \"secure\", or names such as ECDHE-RSA-AES256-GCM-SHA384 (`openssl ciphers -v` lists them)";
    }

    private static bool IsEcdhe(CipherSuite suite) => suite.Name.Contains("ECDHE", StringComparison.Ordinal);

    private static bool IsDhe(CipherSuite suite) => suite.Name.Contains("_DHE_", StringComparison.Ordinal);

    private static TlsWordsResult Wrong(TlsSettings before, string error, string cure) => new(before, error, cure, []);
}
