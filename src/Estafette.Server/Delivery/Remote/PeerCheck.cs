using System.Collections.Immutable;
using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Smtp;

namespace Estafette.Delivery.Remote;

/// <summary>What a peer's certificate turned out to be.</summary>
/// <param name="IsVerified">Trusted and in the right name, or known by its digest, whatever the level asked for: a password may go there.</param>
/// <param name="Refusal">Why it is not good enough for the level, with what was shown, what was expected and what helps; null when it is.</param>
internal sealed record PeerFinding(PeerTrust Trust, bool IsVerified, string? Refusal);

/// <summary>
/// Holds a peer's certificate against one policy. It never asks the network: no revocation lists, no missing certificates fetched from addresses that the certificate
/// itself names. Untrusted, misnamed, expired and unknown keys are told apart.
/// </summary>
internal sealed class PeerCheck(TlsPolicy policy, ImmutableArray<TlsName> names, string? anchorFile, TimeProvider clock)
{
    /// <summary>Names, and digests, of one kind in a message.</summary>
    private const int Shown = 5;
    private const int LongestName = 200;

    public PeerFinding Examine(X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null)
        {
            bool enough = policy.Level < TlsLevel.Verify;
            return new PeerFinding(PeerTrust.Anonymous, false, enough ? null : "no certificate was shown; expected " + Expected());
        }
        if (policy.Level == TlsLevel.Fingerprint)
        {
            bool known = policy.Fingerprints.Contains(Convert.ToHexString(CertificateTrust.DigestOf(certificate)))
                || policy.Fingerprints.Contains(Convert.ToHexString(CertificateTrust.KeyDigestOf(certificate)));
            return new PeerFinding(known ? PeerTrust.Verified : PeerTrust.Untrusted, known, known ? null : Refusal(
                ["its key is another one than the configuration knows"], certificate, "if the other side has renewed its key, ask it for the new digest and put that into the configuration"));
        }
        bool trusted = !errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors) && chain is not null;
        bool named = names.Any(CertificateNames.Of(certificate).Fit);
        PeerTrust trust = !trusted ? PeerTrust.Untrusted : named && policy.Level >= TlsLevel.Verify ? PeerTrust.Verified : PeerTrust.Trusted;
        if (policy.Level < TlsLevel.Verify || (trusted && named))
            return new PeerFinding(trust, trusted && named, null);
        var reasons = new List<string>();
        var cures = new List<string>();
        if (!trusted)
            ChainTroubles(certificate, chain, reasons, cures);
        if (!named)
        {
            reasons.Add("it is in another name");
            cures.Add("write the host by a name that the certificate has, or name the one to expect with `match`");
        }
        return new PeerFinding(trust, false, Refusal(reasons, certificate, string.Join("; ", cures)));
    }

    private void ChainTroubles(X509Certificate2 certificate, X509Chain? chain, List<string> reasons, List<string> cures)
    {
        X509ChainStatusFlags flags = CertificateTrust.Flags(chain);
        DateTimeOffset now = clock.GetUtcNow();
        if (flags.HasFlag(X509ChainStatusFlags.NotTimeValid))
        {
            reasons.Add(now > certificate.NotAfter ? "it has expired" : now < certificate.NotBefore ? "it is not valid yet" : "a certificate above it has expired or is not valid yet");
            cures.Add("the other side must renew it, unless this machine's clock is wrong");
        }
        if ((flags & (X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain)) != 0)
        {
            bool own = certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);
            reasons.Add(own ? "it is signed by itself and not trusted"
                : flags.HasFlag(X509ChainStatusFlags.PartialChain) ? "its chain does not lead to a trusted authority" : "its authority is not trusted");
            cures.Add("if this is the right server, make its authority a trust anchor (`ca`), or pin the key with `tls fingerprint`");
        }
        X509ChainStatusFlags others = flags & ~(X509ChainStatusFlags.NotTimeValid | X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain);
        if (others != X509ChainStatusFlags.NoError || reasons.Count == 0)
        {
            reasons.Add(others.HasFlag(X509ChainStatusFlags.NotValidForUsage) ? "it is not meant for servers" : "it is not valid (" + others + ")");
            cures.Add("the other side must replace it");
        }
    }

    private string Refusal(IEnumerable<string> reasons, X509Certificate2 certificate, string cure) =>
        "the certificate is refused: " + string.Join(", and ", reasons) + "; shown " + Describe(certificate) + "; expected " + Expected() + "; cure: " + cure;

    private static string Describe(X509Certificate2 certificate)
    {
        string[] names = [.. CertificateNames.Of(certificate).All.Take(Shown + 1)];
        return string.Create(CultureInfo.InvariantCulture,
            $"subject={Safe(certificate.Subject)} issuer={Safe(certificate.Issuer)}"
            + $" valid {certificate.NotBefore.ToUniversalTime():yyyy-MM-dd} to {certificate.NotAfter.ToUniversalTime():yyyy-MM-dd HH:mm}Z"
            + $" names={string.Join(",", names.Take(Shown).Select(Safe))}{(names.Length > Shown ? ",..." : "")} sha256={Convert.ToHexString(CertificateTrust.DigestOf(certificate))}");
    }

    private string Expected()
    {
        if (policy.Level == TlsLevel.Fingerprint)
            return "sha256=" + string.Join(" or ", policy.Fingerprints.Take(Shown));
        return "name " + string.Join(" or ", names.Take(Shown)) + " and an authority of " + (anchorFile ?? "the system");
    }

    private static string Safe(string text) => PeerText.Escape(text.Length > LongestName ? text[..LongestName] + "..." : text);
}
