using System.Collections.Immutable;
using System.Net.Security;
using Estafette.Config.Model;

namespace Estafette.Config;

/// <summary>
/// Cipher suites by both of their names: the registered one (<c>TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384</c>) and OpenSSL's, which mail logs and
/// configurations use (<c>ECDHE-RSA-AES256-GCM-SHA384</c>). Only what is still safe enough to be spoken stands here: nothing anonymous, no RC4, DES or export
/// cipher. In order of preference.
/// </summary>
public static class CipherSuites
{
    private static readonly ImmutableArray<CipherSuite> s_all =
    [
        New(TlsCipherSuite.TLS_AES_256_GCM_SHA384, "TLS_AES_256_GCM_SHA384"),
        New(TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256, "TLS_CHACHA20_POLY1305_SHA256"),
        New(TlsCipherSuite.TLS_AES_128_GCM_SHA256, "TLS_AES_128_GCM_SHA256"),
        New(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "ECDHE-ECDSA-AES256-GCM-SHA384"),
        New(TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "ECDHE-RSA-AES256-GCM-SHA384"),
        New(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-ECDSA-CHACHA20-POLY1305"),
        New(TlsCipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-RSA-CHACHA20-POLY1305"),
        New(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "ECDHE-ECDSA-AES128-GCM-SHA256"),
        New(TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "ECDHE-RSA-AES128-GCM-SHA256"),
        New(TlsCipherSuite.TLS_DHE_RSA_WITH_AES_256_GCM_SHA384, "DHE-RSA-AES256-GCM-SHA384"),
        New(TlsCipherSuite.TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "DHE-RSA-CHACHA20-POLY1305"),
        New(TlsCipherSuite.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256, "DHE-RSA-AES128-GCM-SHA256"),
        New(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384, "ECDHE-ECDSA-AES256-SHA384"),
        New(TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384, "ECDHE-RSA-AES256-SHA384"),
        New(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, "ECDHE-ECDSA-AES128-SHA256"),
        New(TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, "ECDHE-RSA-AES128-SHA256"),
        New(TlsCipherSuite.TLS_DHE_RSA_WITH_AES_256_CBC_SHA256, "DHE-RSA-AES256-SHA256"),
        New(TlsCipherSuite.TLS_DHE_RSA_WITH_AES_128_CBC_SHA256, "DHE-RSA-AES128-SHA256"),
        New(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, "ECDHE-ECDSA-AES256-SHA"),
        New(TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, "ECDHE-RSA-AES256-SHA"),
        New(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, "ECDHE-ECDSA-AES128-SHA"),
        New(TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, "ECDHE-RSA-AES128-SHA"),
        New(TlsCipherSuite.TLS_RSA_WITH_AES_256_GCM_SHA384, "AES256-GCM-SHA384"),
        New(TlsCipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256, "AES128-GCM-SHA256"),
        New(TlsCipherSuite.TLS_RSA_WITH_AES_256_CBC_SHA256, "AES256-SHA256"),
        New(TlsCipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA256, "AES128-SHA256"),
        New(TlsCipherSuite.TLS_RSA_WITH_AES_256_CBC_SHA, "AES256-SHA"),
        New(TlsCipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA, "AES128-SHA"),
    ];

    public static ImmutableArray<CipherSuite> All => s_all;

    /// <summary>By either name, in any case; null for one that is not spoken.</summary>
    public static CipherSuite? Find(string name) =>
        s_all.FirstOrDefault(s => s.Name.Equals(name, StringComparison.OrdinalIgnoreCase) || s.OpenSslName.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>What the library negotiated, for logs and trace fields.</summary>
    public static CipherSuite Of(TlsCipherSuite suite) => s_all.FirstOrDefault(s => s.Value == suite) ?? New(suite, suite.ToString());

    /// <summary>The value for each name of <see cref="TlsSettings.CipherSuites"/>; empty where the library chooses.</summary>
    public static ImmutableArray<TlsCipherSuite> Values(TlsSettings settings) => [.. settings.CipherSuites.Select(Find).Where(s => s is not null).Select(s => s!.Value)];

    private static CipherSuite New(TlsCipherSuite value, string openSslName) => new(value, value.ToString(), openSslName);
}

/// <param name="Name">As registered with IANA.</param>
public sealed record CipherSuite(TlsCipherSuite Value, string Name, string OpenSslName)
{
    public bool IsTls13 => !Name.Contains("_WITH_", StringComparison.Ordinal);

    /// <summary>Of the symmetric key.</summary>
    public int Bits => Name.Contains("AES_128", StringComparison.Ordinal) ? 128 : 256;

    /// <summary>A new key for every session: who steals the certificate's key later reads nothing of it.</summary>
    public bool IsForwardSecret => IsTls13 || Name.Contains("DHE_", StringComparison.Ordinal);

    public bool IsAuthenticatedEncryption => Name.Contains("GCM", StringComparison.Ordinal) || Name.Contains("POLY1305", StringComparison.Ordinal);
}
