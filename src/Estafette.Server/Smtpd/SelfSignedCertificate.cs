using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Estafette.Config;

namespace Estafette.Smtpd;

/// <summary>
/// A certificate that the server makes itself, so that TLS works before anybody has fetched one: it keeps listeners out, and tells nobody who the server is. ECDSA P-256,
/// for server authentication only.
/// </summary>
public static class SelfSignedCertificate
{
    /// <summary>RFC 5280, ub-common-name.</summary>
    private const int LongestCommonName = 64;

    private static readonly TimeSpan s_life = TimeSpan.FromDays(3652);

    /// <summary>A new one is made this long before the end.</summary>
    private static readonly TimeSpan s_renewal = TimeSpan.FromDays(30);

    /// <summary>Certificate and key as one PEM text. What is no name of a host is left out; the first name that is one becomes the common name.</summary>
    public static string Create(IEnumerable<string> names, DateTimeOffset now)
    {
        ImmutableArray<string> hosts = Hosts(names);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string common = hosts[0].Length > LongestCommonName ? "Estafette" : hosts[0];
        var request = new CertificateRequest("CN=" + common, key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (string host in hosts)
            alternatives.AddDnsName(host);
        request.CertificateExtensions.Add(alternatives.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(CertificateTrust.ForServers)], critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        // A day of grace for clients whose clock is behind.
        using X509Certificate2 certificate = request.CreateSelfSigned(now.AddDays(-1), now + s_life);
        return certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n";
    }

    /// <summary>True where the text is a certificate with its key, for all of these names, that is not near its end.</summary>
    public static bool IsGood(string pem, IEnumerable<string> names, DateTimeOffset now)
    {
        try
        {
            using var certificate = X509Certificate2.CreateFromPem(pem, pem);
            return certificate.NotBefore.ToUniversalTime() <= now && certificate.NotAfter.ToUniversalTime() - now > s_renewal && Hosts(names).All(h => certificate.MatchesHostname(h));
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return false;
        }
    }

    private static ImmutableArray<string> Hosts(IEnumerable<string> names)
    {
        ImmutableArray<string> hosts = [.. names.Where(n => Uri.CheckHostName(n) == UriHostNameType.Dns && n.All(char.IsAscii)).Distinct(StringComparer.OrdinalIgnoreCase)];
        return hosts.IsEmpty ? ["localhost"] : hosts;
    }
}
