using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using global::Estafette.Smtpd;

namespace Estafette.Tests.Smtpd;

/// <summary>An authority with one issuer below it, and what that issues: certificates of clients and servers, valid or not.</summary>
internal sealed class TestCertificates : IDisposable
{
    public const string ForClients = "1.3.6.1.5.5.7.3.2";
    public const string ForServers = "1.3.6.1.5.5.7.3.1";

    private readonly string _folder = Directory.CreateTempSubdirectory("certificates-").FullName;
    private readonly X509Certificate2 _root;
    private readonly X509Certificate2 _issuer;

    public TestCertificates()
    {
        _root = Authority("Root", null);
        _issuer = Authority("Issuer", _root);
        AnchorFile = Path.Combine(_folder, "root.pem");
        File.WriteAllText(AnchorFile, _root.ExportCertificatePem());
    }

    /// <summary>The root alone.</summary>
    public string AnchorFile { get; }
    public string IssuerPem => _issuer.ExportCertificatePem();
    public X509Certificate2 Issuer => _issuer;

    public X509Certificate2 Issue(string name, string purpose = ForClients, int fromDay = -1, int toDay = 90)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = Request(name, key);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], critical: false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name.Replace(' ', '-'));
        request.CertificateExtensions.Add(names.Build());
        DateTimeOffset now = DateTimeOffset.UtcNow;
        using X509Certificate2 issued = request.Create(_issuer, now.AddDays(fromDay), now.AddDays(toDay), RandomNumberGenerator.GetBytes(12));
        return issued.CopyWithPrivateKey(key);
    }

    public static X509Certificate2 SelfSigned(string name)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Request(name, key).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(90));
    }

    public IdentityPem Identity(string identity, X509Certificate2 certificate) =>
        new(identity, certificate.ExportCertificatePem() + "\n" + IssuerPem, certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());

    public void Dispose()
    {
        _root.Dispose();
        _issuer.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static CertificateRequest Request(string name, ECDsa key) => new("CN=" + name, key, HashAlgorithmName.SHA256);

    private static X509Certificate2 Authority(string name, X509Certificate2? above)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = Request($"{name} {Guid.NewGuid():N}", key);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        DateTimeOffset now = DateTimeOffset.UtcNow;
        if (above is null)
            return request.CreateSelfSigned(now.AddDays(-400), now.AddDays(400));
        using X509Certificate2 issued = request.Create(above, now.AddDays(-300), now.AddDays(300), RandomNumberGenerator.GetBytes(12));
        return issued.CopyWithPrivateKey(key);
    }
}
