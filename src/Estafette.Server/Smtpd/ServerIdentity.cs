using System.Collections.Immutable;
using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Estafette.Config.Model;

namespace Estafette.Smtpd;

/// <summary>One certificate with its key, as text; who may read the files hands it over (DESIGN 6).</summary>
public sealed record IdentityPem(string Name, string Certificate, string Key)
{
    public override string ToString() => Name;
}

/// <summary>A certificate that can be shown, with its chain and key. Reading one tells in words what is wrong: no PEM, an encrypted key, a key of another certificate.</summary>
internal sealed class ServerIdentity
{
    /// <summary>Days before the end at which warnings begin.</summary>
    public const int WarningDays = 21;

    private readonly byte[] _source;

    private ServerIdentity(IdentityPem pem, SslStreamCertificateContext context)
    {
        _source = DigestOf(pem);
        Name = pem.Name;
        Context = context;
    }

    public string Name { get; }
    public SslStreamCertificateContext Context { get; }

    /// <summary>Whether reading this again would come to the same.</summary>
    public bool IsOf(IdentityPem pem) => DigestOf(pem).AsSpan().SequenceEqual(_source);

    private static byte[] DigestOf(IdentityPem pem) => SHA256.HashData(Encoding.UTF8.GetBytes(pem.Certificate + "\0" + pem.Key));

    /// <param name="problem">Null where the identity works.</param>
    public static ServerIdentity? Read(IdentityPem pem, SourceSpan at, out Diagnostic? problem)
    {
        (string Message, string Cure) wrong;
        try
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(pem.Certificate);
            if (chain.Count == 0)
                wrong = ("there is no certificate in its file", "the file must hold `-----BEGIN CERTIFICATE-----`: the server's certificate first, then those of its issuers");
            else if (KeyProblem(pem.Key) is { } bad)
                wrong = bad;
            else if (Join(chain, pem.Key) is { } own)
            {
                problem = null;
                return new ServerIdentity(pem, SslStreamCertificateContext.Create(own, chain, offline: true));
            }
            else
                wrong = ("the key does not belong to the certificate", "a renewed certificate needs the key that it was asked for with: install both");
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            // What the library says may quote nothing of the key: it reports kinds of errors only.
            wrong = (e.Message, "the certificate and the key must be PEM");
        }
        problem = new Diagnostic(Severity.Error, at, $"pki {pem.Name}: {wrong.Message}", wrong.Cure);
        return null;
    }

    /// <summary>Null while the certificate is valid and far from its end.</summary>
    public Diagnostic? Expiry(IdentityConfig? config, DateTimeOffset now)
    {
        X509Certificate2 certificate = Context.TargetCertificate;
        DateTimeOffset begin = certificate.NotBefore.ToUniversalTime();
        DateTimeOffset end = certificate.NotAfter.ToUniversalTime();
        double days = (end - now).TotalDays;
        string file = config is { CertificateFile.Length: > 0 } ? $" ({config.CertificateFile})" : "";
        string? text = now < begin ? string.Create(CultureInfo.InvariantCulture, $"is not valid before {begin:yyyy-MM-dd HH:mm} UTC: clients refuse it, and the machine's clock may be wrong")
            : days < 0 ? string.Create(CultureInfo.InvariantCulture, $"has expired on {end:yyyy-MM-dd}, {Days(-days)} ago: clients that verify it refuse it")
            : days < WarningDays ? string.Create(CultureInfo.InvariantCulture, $"expires on {end:yyyy-MM-dd}, in {Days(days)}")
            : null;
        return text is null ? null : new Diagnostic(Severity.Warning, config?.At ?? SourceSpan.None, $"pki {Name}: the certificate{file} {text}", "renew it; a new file is taken up without a restart");
    }

    private static string Days(double days) => Math.Floor(days) is 1 ? "1 day" : string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(days)} days");

    /// <summary>The certificate of the key, which is not always the first of its file; null when none is.</summary>
    private static X509Certificate2? Join(X509Certificate2Collection chain, string key)
    {
        foreach (X509Certificate2 certificate in chain)
        {
            try
            {
                return X509Certificate2.CreateFromPem(certificate.ExportCertificatePem(), key);
            }
            catch (Exception e) when (e is CryptographicException or ArgumentException)
            {
                // Of another kind, or another key: perhaps the next one.
            }
        }
        return null;
    }

    private static (string Message, string Cure)? KeyProblem(string key)
    {
        string[] labels = [.. Labels(key)];
        if (labels.Any(l => l == "ENCRYPTED PRIVATE KEY") || key.Contains("Proc-Type: 4,ENCRYPTED", StringComparison.Ordinal))
            return ("the key is encrypted, and nobody is there to type its password", "decrypt it: `openssl pkey -in key.pem -out plain.pem`, and `chmod 600 plain.pem`");
        return labels.Any(l => l.EndsWith("PRIVATE KEY", StringComparison.Ordinal)) ? null
            : ("there is no private key in its file", "the file must hold `-----BEGIN PRIVATE KEY-----`");
    }

    private static IEnumerable<string> Labels(string pem)
    {
        foreach (string line in pem.Split('\n'))
        {
            string text = line.Trim();
            if (text.StartsWith("-----BEGIN ", StringComparison.Ordinal) && text.EndsWith("-----", StringComparison.Ordinal))
                yield return text[11..^5];
        }
    }
}
