using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using global::Estafette.Config;
using global::Estafette.Config.Model;
using global::Estafette.Smtpd;

namespace Estafette.Tests.Smtpd;

/// <summary>Certificates and keys as files hold them, whole and broken.</summary>
public sealed class ServerIdentityTests : IDisposable
{
    private static readonly SourceSpan s_at = new("smtpd.conf", 3, 5);
    private readonly TestCertificates _certificates = new();
    private readonly X509Certificate2 _certificate;
    private readonly string _chain;
    private readonly string _key;

    public ServerIdentityTests()
    {
        _certificate = _certificates.Issue("mx.test", TestCertificates.ForServers, toDay: 90);
        _chain = _certificate.ExportCertificatePem() + "\n" + _certificates.IssuerPem;
        _key = _certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem();
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _certificates.Dispose();
    }

    [Fact]
    public void A_chain_goes_along_in_any_order_and_one_file_may_hold_the_key_too()
    {
        foreach (string text in (string[])[_chain, _certificates.IssuerPem + "\n" + _certificate.ExportCertificatePem(), _key + "\n" + _chain, "Bag Attributes: mail\n" + _chain])
        {
            ServerIdentity identity = ServerIdentity.Read(new IdentityPem("mx.test", text, _key), s_at, out Diagnostic? problem)!;
            Assert.Null(problem);
            Assert.Equal("CN=mx.test", identity.Context.TargetCertificate.Subject);
            Assert.Equal(_certificates.Issuer.Subject, Assert.Single(identity.Context.IntermediateCertificates).Subject);
        }
    }

    [Theory]
    [InlineData("encrypted", "the key is encrypted, and nobody is there to type its password", "openssl pkey -in")]
    [InlineData("old", "the key is encrypted", "openssl pkey -in")]
    [InlineData("other", "the key does not belong to the certificate", "install both")]
    [InlineData("rsa", "the key does not belong to the certificate", "install both")]
    [InlineData("nokey", "there is no private key in its file", "-----BEGIN PRIVATE KEY-----")]
    [InlineData("nocert", "there is no certificate in its file", "-----BEGIN CERTIFICATE-----")]
    [InlineData("swapped", "there is no certificate in its file", "-----BEGIN CERTIFICATE-----")]
    [InlineData("broken", "", "must be PEM")]
    public void What_cannot_be_used_is_told_in_words(string kind, string message, string cure)
    {
        using ECDsa another = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using RSA rsa = RSA.Create(2048);
        (string certificate, string key) = kind switch
        {
            "encrypted" => (_chain, _certificate.GetECDsaPrivateKey()!.ExportEncryptedPkcs8PrivateKeyPem("secret", new PbeParameters(PbeEncryptionAlgorithm.Aes128Cbc, HashAlgorithmName.SHA256, 1000))),
            "old" => (_chain, "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END EC PRIVATE KEY-----\n"),
            "other" => (_chain, another.ExportPkcs8PrivateKeyPem()),
            "rsa" => (_chain, rsa.ExportPkcs8PrivateKeyPem()),
            "nokey" => (_chain, _chain),
            "nocert" => ("", _key),
            "swapped" => (_key, _key),
            _ => ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", _key),
        };
        Assert.Null(ServerIdentity.Read(new IdentityPem("mx.test", certificate, key), s_at, out Diagnostic? problem));
        Assert.StartsWith("pki mx.test: " + message, problem!.Message, StringComparison.Ordinal);
        Assert.Contains(cure, problem.Cure, StringComparison.Ordinal);
        Assert.Equal((Severity.Error, s_at), (problem.Severity, problem.At));
        // E54: whatever is wrong, nothing of the key is in the words.
        Assert.DoesNotContain(_key.Split('\n')[1], problem.Message + problem.Cure, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(68.5, null)]
    [InlineData(69.5, "expires on ")]
    [InlineData(89.5, "in 0 days")]
    [InlineData(91.5, "has expired on ")]
    [InlineData(-2, "is not valid before ")]
    public void The_end_is_told_21_days_before(double day, string? told)
    {
        ServerIdentity identity = ServerIdentity.Read(new IdentityPem("mx.test", _chain, _key), s_at, out _)!;
        Diagnostic? warning = identity.Expiry(new IdentityConfig("mx.test", "/etc/ssl/mail.crt", "/etc/ssl/mail.key", s_at), DateTimeOffset.UtcNow.AddDays(day));
        if (told is null)
        {
            Assert.Null(warning);
            return;
        }
        Assert.Equal((Severity.Warning, s_at), (warning!.Severity, warning.At));
        Assert.StartsWith("pki mx.test: the certificate (/etc/ssl/mail.crt) ", warning.Message, StringComparison.Ordinal);
        Assert.Contains(told, warning.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void O16_a_key_that_others_may_read_is_refused_at_every_load()
    {
        string folder = Directory.CreateTempSubdirectory("identity-").FullName;
        try
        {
            string certificate = Path.Combine(folder, "c.crt");
            string key = Path.Combine(folder, "c.key");
            File.WriteAllText(certificate, _chain);
            File.WriteAllText(key, _key);
            File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
            MailConfig config = new()
            {
                Dialect = Dialect.OpenSmtpd,
                Source = "smtpd.conf",
                HostName = "mx.test",
                Identities = ImmutableDictionary<string, IdentityConfig>.Empty.Add("mx.test", new IdentityConfig("mx.test", certificate, key, s_at)),
            };
            ServerCertificates none = ServerCertificates.Load(config, new FileView(), out ImmutableArray<Diagnostic> problems);
            Assert.Null(none.Find("mx.test"));
            Assert.Contains("is open to everybody on this machine (mode 0604)", Assert.Single(problems).Message, StringComparison.Ordinal);
            File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            ServerCertificates good = none.Renew(config, new FileView(), out problems);
            Assert.Empty(problems);
            Assert.NotNull(good.Find("mx.test"));
            Assert.Empty(good.Expiring(config, DateTimeOffset.UtcNow));
            Assert.Single(good.Expiring(config, DateTimeOffset.UtcNow.AddDays(80)));
            // Nothing changed: the same object stays, and with it what clients may resume.
            Assert.Same(good.Find("mx.test"), good.Renew(config, new FileView(), out problems).Find("mx.test"));
            File.WriteAllText(certificate, _certificates.IssuerPem + "\n" + _chain);
            Assert.NotSame(good.Find("mx.test"), good.Renew(config, new FileView(), out problems).Find("mx.test"));
            File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.GroupWrite);
            Assert.NotNull(good.Renew(config, new FileView(), out problems).Find("mx.test"));
            Assert.Contains("is open to writing by others", Assert.Single(problems).Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
