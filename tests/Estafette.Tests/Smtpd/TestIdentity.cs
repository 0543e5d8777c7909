using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using global::Estafette.Smtpd;

namespace Estafette.Tests.Smtpd;

/// <summary>A certificate for mx.test, made for the test run.</summary>
internal static class TestIdentity
{
    public static IdentityPem Create()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=mx.test", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("mx.test");
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return new IdentityPem("mx.test", certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }
}
