using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Estafette.Config.Model;

namespace Estafette.Delivery.Remote;

/// <summary>
/// The names a certificate is for (RFC 6125): those of its subject alternative names, and only where it has none of them the common name. A wildcard stands for one
/// whole label on the left. At most <see cref="Maximum"/> count: a peer may show a certificate with as many as it likes.
/// </summary>
internal sealed class CertificateNames
{
    private const int Maximum = 1000;

    private readonly ImmutableArray<string> _names;
    private readonly ImmutableArray<IPAddress> _addresses;

    private CertificateNames(ImmutableArray<string> names, ImmutableArray<IPAddress> addresses)
    {
        _names = names;
        _addresses = addresses;
    }

    public IEnumerable<string> All => _names.Concat(_addresses.Select(a => a.ToString()));

    public static CertificateNames Of(X509Certificate2 certificate)
    {
        try
        {
            X509SubjectAlternativeNameExtension? extension = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
            if (extension is not null)
                return new CertificateNames([.. extension.EnumerateDnsNames().Take(Maximum).Select(Clean)], [.. extension.EnumerateIPAddresses().Take(Maximum)]);
        }
        catch (CryptographicException)
        {
            // The peer's own words: garbage names nobody, and the common name does not stand in for it.
            return new CertificateNames([], []);
        }
        string common = certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
        return new CertificateNames(common.Length == 0 ? [] : [Clean(common)], []);
    }

    /// <summary>Host names that stand for a certificate with them.</summary>
    public static CertificateNames Of(params IEnumerable<string> names) => new([.. names.Select(Clean)], []);

    /// <param name="name">Never <see cref="TlsNameKind.Hostname"/> or one of the next hop: those have become literal names.</param>
    public bool Fit(TlsName name)
    {
        string wanted = Clean(name.Name);
        if (RoutePlanner.TryLiteral(wanted, out IPAddress address))
            return name.Kind == TlsNameKind.Literal && _addresses.Contains(address);
        return name.Kind == TlsNameKind.BelowLiteral
            ? _names.Any(n => n.Length > wanted.Length + 1 && n[^(wanted.Length + 1)] == '.' && n.EndsWith(wanted, StringComparison.Ordinal))
            : _names.Any(n => Fits(n, wanted));
    }

    private static bool Fits(string pattern, string name)
    {
        if (!pattern.StartsWith("*.", StringComparison.Ordinal))
            return pattern == name;
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        // "*.org" would be everybody's: a wildcard needs two labels behind it.
        return dot > 0 && pattern.IndexOf('.', 2) > 0 && name.AsSpan(dot).SequenceEqual(pattern.AsSpan(1));
    }

    private static string Clean(string name) => name.TrimEnd('.').ToLowerInvariant();
}
