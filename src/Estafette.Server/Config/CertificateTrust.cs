using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Estafette.Config;

/// <summary>
/// What both sides of a handshake hold a peer's certificate against: its purpose, the authorities it must lead to, its digests. Nothing is fetched from the network for it:
/// neither missing issuers nor revocation lists.
/// </summary>
public static class CertificateTrust
{
    /// <summary>Extended key usages (RFC 5280 s4.2.1.12): a certificate that says what it is for must be for this.</summary>
    public const string ForServers = "1.3.6.1.5.5.7.3.1", ForClients = "1.3.6.1.5.5.7.3.2";

    /// <param name="purpose">One of the two.</param>
    /// <param name="anchors">The only authorities that count; null means the system's.</param>
    public static X509ChainPolicy Policy(string purpose, X509Certificate2Collection? anchors)
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        policy.ApplicationPolicy.Add(new Oid(purpose));
        if (anchors is null)
            return policy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(anchors);
        return policy;
    }

    /// <summary>All that is wrong with a chain. No chain leads nowhere.</summary>
    public static X509ChainStatusFlags Flags(X509Chain? chain) => chain is null
        ? X509ChainStatusFlags.PartialChain
        : chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, static (all, one) => all | one.Status);

    public static byte[] DigestOf(X509Certificate2 certificate) => SHA256.HashData(certificate.RawDataMemory.Span);

    /// <summary>Of the public key alone (SubjectPublicKeyInfo), which outlives a renewal that keeps it.</summary>
    public static byte[] KeyDigestOf(X509Certificate2 certificate) => SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo());

    /// <summary>The certificates of a file of trusted authorities; null, with the reason, where there are none.</summary>
    public static X509Certificate2Collection? ReadAnchors(FileView files, string file, out string trouble)
    {
        var anchors = new X509Certificate2Collection();
        try
        {
            anchors.ImportFromPem(files.ReadText(file));
            trouble = anchors.Count == 0 ? $"there is no certificate in {file}" : "";
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            trouble = e.Message;
        }
        return trouble.Length == 0 ? anchors : null;
    }
}
