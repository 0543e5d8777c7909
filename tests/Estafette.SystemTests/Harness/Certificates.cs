using System.Security.Cryptography.X509Certificates;
using Estafette.Tests.Delivery.Remote;

namespace Estafette.SystemTests.Harness;

/// <summary>A certificate for mx.test as <c>cert.pem</c> and <c>key.pem</c> in a folder.</summary>
internal static class Certificates
{
    public static void Write(TemporaryFolder folder)
    {
        using X509Certificate2 certificate = ScriptedPeer.NewCertificate("mx.test");
        folder.Write("cert.pem", certificate.ExportCertificatePem());
        File.SetUnixFileMode(folder.Write("key.pem", certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem()), UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
