using System.Collections.Immutable;
using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Smtpd;

/// <summary>
/// One handshake's look at the client's certificate. Where it was only asked for, an untrusted one is noted and the session goes on; where it is demanded the
/// handshake ends. What counts is in <see cref="CertificateTrust"/>.
/// </summary>
internal sealed class ClientCertificateCheck(ListenerConfig listener, ServerCertificates certificates, TimeProvider clock)
{
    private readonly ImmutableArray<string> _anchors = listener.ClientAnchors;

    /// <summary>What the client showed; null when nothing.</summary>
    public ClientCertificate? Shown { get; private set; }

    /// <summary>Why the handshake was refused; empty when it was not.</summary>
    public string Refusal { get; private set; } = "";

    public X509ChainPolicy Policy()
    {
        if (_anchors.IsEmpty)
            return CertificateTrust.Policy(CertificateTrust.ForClients, null);
        var trusted = new X509Certificate2Collection();
        foreach (string name in _anchors)
            trusted.AddRange(certificates.TrustAnchor(name));
        return CertificateTrust.Policy(CertificateTrust.ForClients, trusted);
    }

    public bool Accept(X509Certificate? shown, X509Chain? chain, SslPolicyErrors errors)
    {
        bool demanded = listener.ClientCertificate == ClientCertificateDemand.Require;
        if (shown is not X509Certificate2 certificate)
        {
            Refusal = demanded ? "the client showed no certificate, and one is demanded here" : "";
            return !demanded;
        }
        string distrust = errors == SslPolicyErrors.None ? "" : Reason(certificate, chain);
        Shown = Describe(certificate) with { Distrust = distrust, Anchor = distrust.Length == 0 ? AnchorOf(chain) : "" };
        if (!demanded || distrust.Length == 0)
            return true;
        Refusal = string.Create(CultureInfo.InvariantCulture,
            $"the client's certificate is not trusted: {distrust} (subject {Shown.Subject}, issuer {Shown.Issuer}, valid {Shown.NotBefore:yyyy-MM-dd} to {Shown.NotAfter:yyyy-MM-dd})");
        return false;
    }

    private static ClientCertificate Describe(X509Certificate2 certificate) => new()
    {
        Subject = certificate.Subject,
        Issuer = certificate.Issuer,
        CommonName = certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false),
        IssuerName = certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: true),
        NotBefore = certificate.NotBefore.ToUniversalTime(),
        NotAfter = certificate.NotAfter.ToUniversalTime(),
        Fingerprint = Convert.ToHexStringLower(CertificateTrust.DigestOf(certificate)),
        KeyFingerprint = Convert.ToHexStringLower(CertificateTrust.KeyDigestOf(certificate)),
    };

    private string AnchorOf(X509Chain? chain)
    {
        if (chain is null || chain.ChainElements.Count == 0)
            return "";
        X509Certificate2 root = chain.ChainElements[^1].Certificate;
        return _anchors.FirstOrDefault(name => certificates.TrustAnchor(name).Any(a => a.RawDataMemory.Span.SequenceEqual(root.RawDataMemory.Span))) ?? "";
    }

    private string Reason(X509Certificate2 certificate, X509Chain? chain)
    {
        X509ChainStatusFlags flags = CertificateTrust.Flags(chain);
        if ((flags & (X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain)) != 0)
        {
            string by = _anchors.IsEmpty ? "by an authority that this system trusts" : "by " + string.Join(" or ", _anchors.Select(a => $"`ca {a}`"));
            return (certificate.Subject == certificate.Issuer ? "it is self-signed, and not signed " : "it is not signed ") + by;
        }
        if (flags.HasFlag(X509ChainStatusFlags.NotTimeValid))
        {
            DateTimeOffset now = clock.GetUtcNow();
            return now < certificate.NotBefore ? "it is not valid yet" : now > certificate.NotAfter ? "it has expired" : "an issuer's certificate has expired";
        }
        if (flags.HasFlag(X509ChainStatusFlags.NotValidForUsage))
            return "it is not meant for clients (extended key usage)";
        return flags == X509ChainStatusFlags.NoError ? "it could not be verified" : "it could not be verified: " + flags;
    }
}
