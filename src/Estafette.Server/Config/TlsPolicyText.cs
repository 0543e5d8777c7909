using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config;

/// <summary>
/// Reads one row of a TLS policy table: <c>LEVEL [ATTRIBUTE=VALUE ...]</c>, as Postfix's <c>smtp_tls_policy_maps</c> has them. Attributes: <c>match</c> (names with
/// <c>:</c> between them, digests with <c>|</c>), <c>protocols</c>, <c>ciphers</c>, <c>tafile</c>, <c>servername</c>. Whatever is not understood makes the row invalid:
/// mail waits, instead of going out less protected than meant.
/// </summary>
public static class TlsPolicyText
{
    private const string Levels = "none, may, encrypt, verify, secure, fingerprint";

    /// <summary>The policy, or what is wrong with the text.</summary>
    public static (TlsPolicy? Policy, string Problem) Read(string text)
    {
        string[] words = text.Split([' ', '\t', ','], StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0)
            return (null, "the TLS policy is empty; it begins with one of " + Levels);
        if (LevelOf(words[0]) is not TlsLevel level)
            return (null, "`" + words[0] + "` is no TLS level; known are " + Levels);
        var policy = new TlsPolicy { Level = level };
        foreach (string word in words.AsSpan(1))
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0 || equals == word.Length - 1)
                return (null, "`" + word + "` is not of the form ATTRIBUTE=VALUE");
            string problem = Attribute(word[..equals].ToLowerInvariant(), word[(equals + 1)..], ref policy);
            if (problem.Length > 0)
                return (null, problem);
        }
        return level == TlsLevel.Fingerprint && policy.Fingerprints.IsEmpty ? (null, "level fingerprint needs match=DIGEST") : (policy, "");
    }

    /// <summary>Postfix's words; <c>dane</c> and the like are none of ours yet.</summary>
    public static TlsLevel? LevelOf(string word) => word.ToLowerInvariant() switch
    {
        "none" => TlsLevel.None,
        "may" => TlsLevel.May,
        "encrypt" => TlsLevel.Encrypt,
        "verify" => TlsLevel.Verify,
        "secure" => TlsLevel.Secure,
        "fingerprint" => TlsLevel.Fingerprint,
        _ => null,
    };

    /// <summary>A SHA-256 digest in capitals without colons; null when it is none.</summary>
    public static string? Digest(string text)
    {
        string bare = text.Replace(":", "", StringComparison.Ordinal).ToUpperInvariant();
        return bare.Length == 64 && bare.All(char.IsAsciiHexDigitUpper) ? bare : null;
    }

    private static string Attribute(string name, string value, ref TlsPolicy policy)
    {
        switch (name)
        {
            case "match" when policy.Level == TlsLevel.Fingerprint:
                foreach (string digest in value.Split('|'))
                {
                    if (Digest(digest) is not string known)
                        return "`" + digest + "` is no SHA-256 digest (64 hexadecimal digits)";
                    policy = policy with { Fingerprints = policy.Fingerprints.Add(known) };
                }
                return "";
            case "match":
                TlsName?[] names = [.. value.Split(':').Select(TlsName.Parse)];
                if (names.Contains(null))
                    return "`" + value + "` holds no name between two colons";
                policy = policy with { Names = [.. policy.Names, .. names.OfType<TlsName>()] };
                return "";
            case "protocols":
                return Settled(TlsWords.Protocols(value, policy.Settings), ref policy);
            // What the system's library offers by itself is what these grades mean today.
            case "ciphers" when value.ToLowerInvariant() is "high" or "medium":
                return "";
            case "ciphers":
                return Settled(TlsWords.Ciphers(value, policy.Settings), ref policy);
            case "tafile":
                policy = policy with { TrustAnchor = value };
                return "";
            case "servername":
                policy = policy with { ServerName = value };
                return "";
            default:
                return "`" + name + "=" + value + "` is not supported in a TLS policy";
        }
    }

    private static string Settled(TlsWordsResult result, ref TlsPolicy policy)
    {
        policy = policy with { Settings = result.Settings };
        return result.Error ?? "";
    }
}
