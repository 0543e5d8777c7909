using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Estafette.Config.Model;

namespace Estafette.Smtpd;

/// <summary>One certificate with its key, as text; who may read the files hands it over (DESIGN 6).</summary>
public sealed record IdentityPem(string Name, string Certificate, string Key)
{
    public override string ToString() => Name;
}

/// <summary>
/// The certificates that listeners show, by the name of their identity, and the trust anchors for client certificates. Loading tells every problem and keeps what
/// works: a listener whose certificate is missing answers STARTTLS with 454.
/// </summary>
public sealed class ServerCertificates
{
    private readonly FrozenDictionary<string, SslStreamCertificateContext> _identities;
    private readonly FrozenDictionary<string, X509Certificate2Collection> _anchors;

    private ServerCertificates(IEnumerable<KeyValuePair<string, SslStreamCertificateContext>> identities, IEnumerable<KeyValuePair<string, X509Certificate2Collection>> anchors)
    {
        _identities = identities.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
        _anchors = anchors.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
    }

    public static ServerCertificates None { get; } = new([], []);

    /// <summary>Reads the files that the configuration names.</summary>
    public static ServerCertificates Load(MailConfig config, out ImmutableArray<Diagnostic> problems) => Load(config, static _ => null, out problems);

    /// <summary>
    /// Reads them again after root was given up: a key that only root may read stays in force as it was read at the start, with a warning, where the
    /// configuration still names the same files.
    /// </summary>
    public ServerCertificates Reload(MailConfig before, MailConfig config, out ImmutableArray<Diagnostic> problems) =>
        Load(config, identity => before.Identities.TryGetValue(identity.Name, out IdentityConfig? old) && old with { At = identity.At } == identity ? Find(identity.Name) : null, out problems);

    private static ServerCertificates Load(MailConfig config, Func<IdentityConfig, SslStreamCertificateContext?> known, out ImmutableArray<Diagnostic> problems)
    {
        var found = new List<IdentityPem>();
        var kept = new List<KeyValuePair<string, SslStreamCertificateContext>>();
        var wrong = ImmutableArray.CreateBuilder<Diagnostic>();
        foreach (IdentityConfig identity in config.Identities.Values)
        {
            try
            {
                found.Add(new IdentityPem(identity.Name, File.ReadAllText(identity.CertificateFile), File.ReadAllText(identity.KeyFile)));
            }
            catch (UnauthorizedAccessException e) when (known(identity) is { } context)
            {
                kept.Add(new(identity.Name, context));
                wrong.Add(new Diagnostic(Severity.Warning, identity.At, $"pki {identity.Name}: {e.Message}; the certificate of the start stays in force", "restart the server to have it read as root"));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                wrong.Add(new Diagnostic(Severity.Error, identity.At, $"pki {identity.Name}: {e.Message}"));
            }
        }
        ServerCertificates read = FromPem(config, found, out ImmutableArray<Diagnostic> more);
        problems = [.. wrong, .. more];
        return kept.Count == 0 ? read : new ServerCertificates(read._identities.Concat(kept), read._anchors);
    }

    public static ServerCertificates FromPem(MailConfig config, IEnumerable<IdentityPem> identities, out ImmutableArray<Diagnostic> problems)
    {
        var wrong = ImmutableArray.CreateBuilder<Diagnostic>();
        var contexts = new Dictionary<string, SslStreamCertificateContext>(StringComparer.OrdinalIgnoreCase);
        foreach (IdentityPem pem in identities)
        {
            SourceSpan at = config.Identities.TryGetValue(pem.Name, out IdentityConfig? identity) ? identity.At : SourceSpan.None;
            try
            {
                var chain = new X509Certificate2Collection();
                chain.ImportFromPem(pem.Certificate);
                contexts[pem.Name] = SslStreamCertificateContext.Create(X509Certificate2.CreateFromPem(pem.Certificate, pem.Key), chain, offline: true);
            }
            catch (Exception e) when (e is CryptographicException or ArgumentException)
            {
                wrong.Add(new Diagnostic(Severity.Error, at, $"pki {pem.Name}: {e.Message}", "the certificate and the key must be PEM, belong together, and the key must not be encrypted"));
            }
        }
        var anchors = new Dictionary<string, X509Certificate2Collection>(StringComparer.OrdinalIgnoreCase);
        foreach ((string name, string file) in config.TrustAnchors)
        {
            try
            {
                var trusted = new X509Certificate2Collection();
                trusted.ImportFromPemFile(file);
                anchors[name] = trusted;
            }
            catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
            {
                wrong.Add(new Diagnostic(Severity.Error, SourceSpan.None, $"ca {name}: {e.Message}"));
            }
        }
        problems = wrong.ToImmutable();
        return new ServerCertificates(contexts, anchors);
    }

    /// <summary>The certificate of a name, for who shows one as a client; null when it has none that works.</summary>
    public SslStreamCertificateContext? Find(string name) => _identities.GetValueOrDefault(name);

    /// <summary>The listener's certificate for the name the client asks for (SNI), else its first; null when it has none that works.</summary>
    internal SslStreamCertificateContext? Choose(ListenerConfig listener, string? serverName)
    {
        SslStreamCertificateContext? first = null;
        ImmutableArray<string> names = listener.Identities.IsEmpty ? [listener.HostName] : listener.Identities;
        foreach (string name in names)
        {
            if (!_identities.TryGetValue(name, out SslStreamCertificateContext? context))
                continue;
            if (string.IsNullOrEmpty(serverName) || context.TargetCertificate.MatchesHostname(serverName))
                return context;
            first ??= context;
        }
        return first;
    }

    internal X509Certificate2Collection? TrustAnchor(string? name) => name is not null && _anchors.TryGetValue(name, out X509Certificate2Collection? anchor) ? anchor : null;
}
