using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Estafette.SystemTests.Harness;

/// <summary>A certificate authority of the test's own. What it issues lies in a folder as NAME.pem (with the authority's own behind it) and NAME.key, 0600.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly TemporaryFolder _folder;
    private readonly X509Certificate2 _root;

    public TestAuthority(TemporaryFolder folder, string name = "Test Authority")
    {
        _folder = folder;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name} {Guid.NewGuid():N}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-400), DateTimeOffset.UtcNow.AddDays(400));
        File = folder.Write(name.Replace(' ', '-') + ".pem", _root.ExportCertificatePem());
    }

    /// <summary>The authority's certificate, for who is to trust it.</summary>
    public string File { get; }

    /// <summary>Its fingerprint is returned: SHA-256, hexadecimal.</summary>
    public string Issue(string file, string name, int days = 90)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        if (name == "localhost")
            names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_root, true, false));
        DateTimeOffset end = DateTimeOffset.UtcNow.AddDays(days);
        using X509Certificate2 issued = request.Create(_root, end.AddDays(-180), end, RandomNumberGenerator.GetBytes(12));
        _folder.Write(file + ".pem", issued.ExportCertificatePem() + "\n" + _root.ExportCertificatePem() + "\n");
        System.IO.File.SetUnixFileMode(_folder.Write(file + ".key", key.ExportPkcs8PrivateKeyPem() + "\n"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return issued.GetCertHashString(HashAlgorithmName.SHA256);
    }

    public void Dispose() => _root.Dispose();
}
