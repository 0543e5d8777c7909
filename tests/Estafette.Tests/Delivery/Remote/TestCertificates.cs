using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Estafette.Tests.Delivery.Remote;

/// <summary>An authority and the certificates a server may show: right, misnamed, expired, not yet valid, for clients only, signed by itself, by nobody known, by an intermediate.</summary>
internal sealed class TestCertificates : IDisposable
{
    public const string Host = "smart.test";

    private readonly Dictionary<string, X509Certificate2> _made = [];
    private readonly X509Certificate2 _root = Authority("Root");
    private readonly X509Certificate2 _stranger = Authority("Stranger");

    public TestCertificates() => (AnchorFile, StrangersFile) = (Write(_root), Write(_stranger));

    /// <summary>The authority's own certificate, as a PEM file.</summary>
    public string AnchorFile { get; }

    public string StrangersFile { get; }

    public X509Certificate2 this[string kind]
    {
        get
        {
            if (!_made.TryGetValue(kind, out X509Certificate2? certificate))
                _made.Add(kind, certificate = Make(kind));
            return certificate;
        }
    }

    public static string Digest(X509Certificate2 certificate) => certificate.GetCertHashString(HashAlgorithmName.SHA256);

    public static string Write(X509Certificate2 certificate)
    {
        string file = Path.Combine(Path.GetTempPath(), "estafette-" + Path.GetRandomFileName());
        File.WriteAllText(file, certificate.ExportCertificatePem());
        return file;
    }

    public void Dispose()
    {
        File.Delete(AnchorFile);
        File.Delete(StrangersFile);
        foreach (X509Certificate2 certificate in _made.Values.Append(_root).Append(_stranger))
            certificate.Dispose();
    }

    private X509Certificate2 Make(string kind) => kind switch
    {
        "self-signed" => ScriptedPeer.NewCertificate(Host),
        "stranger" => Issue(_stranger, Host),
        "misnamed" => Issue(_root, "other.test"),
        "below" => Issue(_root, "mx." + Host),
        "wildcard" => Issue(_root, "*." + Host),
        "expired" => Issue(_root, Host, from: -30, to: -3),
        "early" => Issue(_root, Host, from: 3, to: 30),
        "client" => Issue(_root, Host, purpose: "1.3.6.1.5.5.7.3.2"),
        _ => Issue(_root, Host),
    };

    private static X509Certificate2 Issue(X509Certificate2 authority, string name, int from = -10, int to = 10, string purpose = "1.3.6.1.5.5.7.3.1")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], false));
        using X509Certificate2 issued = request.Create(authority, DateTimeOffset.UtcNow.AddDays(from), DateTimeOffset.UtcNow.AddDays(to), RandomNumberGenerator.GetBytes(12));
        using X509Certificate2 whole = issued.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
    }

    private static X509Certificate2 Authority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name} {Guid.NewGuid():N}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-100), DateTimeOffset.UtcNow.AddDays(100));
    }
}
