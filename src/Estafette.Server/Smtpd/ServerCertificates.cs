using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Estafette.Config;
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
    public static ServerCertificates Load(MailConfig config, FileView files, out ImmutableArray<Diagnostic> problems)
    {
        var found = new List<IdentityPem>();
        var wrong = ImmutableArray.CreateBuilder<Diagnostic>();
        foreach (IdentityConfig identity in config.Identities.Values)
        {
            try
            {
                if (Exposed(identity, files) is Diagnostic exposed)
                    wrong.Add(exposed);
                else
                    found.Add(new IdentityPem(identity.Name, files.ReadText(identity.CertificateFile), files.ReadText(identity.KeyFile)));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                wrong.Add(new Diagnostic(Severity.Error, identity.At, $"pki {identity.Name}: {e.Message}"));
            }
        }
        ServerCertificates read = FromPem(config, files, found, out ImmutableArray<Diagnostic> more);
        problems = [.. wrong, .. more];
        return read;
    }

    /// <summary>
    /// Reads them again under the same configuration. What cannot be used now (a key that is replaced before its certificate, an editor at work) stays in force as it
    /// was, with a warning: the rest is renewed all the same.
    /// </summary>
    public ServerCertificates Renew(MailConfig config, FileView files, out ImmutableArray<Diagnostic> problems)
    {
        ServerCertificates read = Load(config, files, out ImmutableArray<Diagnostic> found);
        problems = [.. found.Select(p => p with { Severity = Severity.Warning, Message = p.Message + "; what worked before stays in force" })];
        return new ServerCertificates(
            read._identities.Concat(_identities.Where(old => config.Identities.ContainsKey(old.Key) && !read._identities.ContainsKey(old.Key))),
            read._anchors.Concat(_anchors.Where(old => config.TrustAnchors.ContainsKey(old.Key) && !read._anchors.ContainsKey(old.Key))));
    }

    /// <summary>A key that others may read is looked at again with every renewal: the check of the configuration saw the one before.</summary>
    private static Diagnostic? Exposed(IdentityConfig identity, FileView files)
    {
        const UnixFileMode others = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.GroupWrite;
        FileState key = files.Look(identity.KeyFile);
        return key.Presence != FilePresence.Present || (key.Mode & others) == 0 ? null
            : new Diagnostic(Severity.Error, identity.At, $"pki {identity.Name}: the private key {identity.KeyFile} is open to others (mode {key.Octal})",
                $"run `chmod 600 {identity.KeyFile}`, and consider the key as known to others");
    }

    public static ServerCertificates FromPem(MailConfig config, IEnumerable<IdentityPem> identities, out ImmutableArray<Diagnostic> problems) =>
        FromPem(config, new FileView(), identities, out problems);

    private static ServerCertificates FromPem(MailConfig config, FileView files, IEnumerable<IdentityPem> identities, out ImmutableArray<Diagnostic> problems)
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
                trusted.ImportFromPem(files.ReadText(file));
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

    /// <summary>The names of what works.</summary>
    public IEnumerable<string> Names => _identities.Keys;

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
