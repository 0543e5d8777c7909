using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>
/// The <c>smtp_tls_</c> and <c>lmtp_tls_</c> parameters (TLS_README): the level and what belongs to it, read by the words that a policy map has. Our own certificates are kept for the whole
/// configuration.
/// </summary>
internal sealed class RelayTlsLowering
{
    private readonly ImmutableDictionary<string, IdentityConfig>.Builder _identities = ImmutableDictionary.CreateBuilder<string, IdentityConfig>(StringComparer.Ordinal);

    public ImmutableDictionary<string, IdentityConfig> Identities => _identities.ToImmutable();

    public TlsPolicy Lower(ParameterReader reader, string prefix)
    {
        TlsPolicy policy = AtLevel(reader, prefix);
        string authorities = reader.Text(prefix + "tls_CAfile"), certificate = reader.Text(prefix + "tls_cert_file"), key = reader.Text(prefix + "tls_key_file");
        if (certificate.Length > 0 && certificate != "none")
            _identities.TryAdd(certificate, new IdentityConfig(certificate, certificate, key.Length > 0 ? key : certificate, reader.Place(prefix + "tls_cert_file")));
        string welcome = reader.Text(prefix + "tls_protocols"), mandatory = reader.Text(prefix + "tls_mandatory_protocols");
        string protocols = policy.Level >= TlsLevel.Encrypt ? mandatory : welcome;
        TlsWordsResult settings = TlsWords.Protocols(Colons(protocols), TlsSettings.Default);
        if (settings.Error is not null)
            reader.Fail(prefix + "tls_protocols", settings.Error);
        return policy with
        {
            TrustAnchor = authorities.Length > 0 ? authorities : null,
            Identity = certificate.Length > 0 && certificate != "none" ? certificate : null,
            ServerName = reader.Text(prefix + "tls_servername") is { Length: > 0 } name && name is not ("hostname" or "nexthop") ? name : null,
            Settings = settings.Settings,
        };
    }

    private static TlsPolicy AtLevel(ParameterReader reader, string prefix)
    {
        string word = reader.Text(prefix + "tls_security_level").ToLowerInvariant();
        bool use = reader.Flag(prefix + "use_tls"), enforce = reader.Flag(prefix + "enforce_tls"), named = reader.Flag(prefix + "tls_enforce_peername");
        // The names of Postfix 2.2, where the level is not set.
        if (word.Length == 0)
            word = enforce ? named ? "verify" : "encrypt" : use ? "may" : "none";
        ImmutableArray<string> verify = reader.Words(prefix + "tls_verify_cert_match"), secure = reader.Words(prefix + "tls_secure_cert_match"), digests = reader.Words(prefix + "tls_fingerprint_cert_match");
        string digest = reader.Text(prefix + "tls_fingerprint_digest");
        if (word is "dane" or "dane-only" or "half-dane")
        {
            reader.Findings.Warning(reader.Place(prefix + "tls_security_level"), prefix + "tls_security_level = " + word + ": DANE is not there yet", "meanwhile it means " + (word == "dane-only" ? "encrypt" : "may"));
            word = word == "dane-only" ? "encrypt" : "may";
        }
        string matched = word switch
        {
            "verify" => Match(verify),
            "secure" => Match(secure),
            "fingerprint" => " match=" + string.Join('|', digests.SelectMany(d => d.Split('|'))),
            _ => "",
        };
        if (word == "fingerprint" && digest != "sha256")
            reader.Fail(prefix + "tls_fingerprint_digest", prefix + "tls_fingerprint_digest = " + digest + ": only sha256 is safe", "set it to sha256, and the digests with it");
        (TlsPolicy? policy, string problem) = TlsPolicyText.Read(word + matched);
        if (policy is not null)
            return policy;
        reader.Fail(prefix + "tls_security_level", prefix + "tls_security_level: " + problem);
        return TlsPolicy.Welcome;
    }

    private static string Match(ImmutableArray<string> names) => names.IsEmpty ? "" : " match=" + string.Join(':', names.SelectMany(n => n.Split(':')));

    private static string Colons(string list) => string.Join(':', list.Split([' ', ',', '\t', ':'], StringSplitOptions.RemoveEmptyEntries));
}
