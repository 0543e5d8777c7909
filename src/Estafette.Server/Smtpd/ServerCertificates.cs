using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net.Security;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Estafette.Config;
using Estafette.Config.Model;

namespace Estafette.Smtpd;

/// <summary>
/// The certificates that listeners show, by the name of their identity, and the trust anchors for client certificates. Loading tells every problem and keeps what
/// works: a listener whose certificate is missing answers STARTTLS with 454.
/// </summary>
public sealed class ServerCertificates
{
    private readonly FrozenDictionary<string, ServerIdentity> _identities;
    private readonly FrozenDictionary<string, X509Certificate2Collection> _anchors;

    private readonly ConcurrentDictionary<(ListenerConfig, SslStreamCertificateContext), SslServerAuthenticationOptions> _options = new(ByReference.Instance);

    private ServerCertificates(IEnumerable<KeyValuePair<string, ServerIdentity>> identities, IEnumerable<KeyValuePair<string, X509Certificate2Collection>> anchors)
    {
        _identities = identities.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
        _anchors = anchors.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
    }

    public static ServerCertificates None { get; } = new([], []);

    /// <summary>Reads the files that the configuration names.</summary>
    public static ServerCertificates Load(MailConfig config, FileView files, out ImmutableArray<Diagnostic> problems) => Load(config, files, None, out problems);

    private static ServerCertificates Load(MailConfig config, FileView files, ServerCertificates before, out ImmutableArray<Diagnostic> problems)
    {
        var found = new List<IdentityPem>();
        var wrong = ImmutableArray.CreateBuilder<Diagnostic>();
        foreach (IdentityConfig identity in config.Identities.Values)
        {
            if (identity is { SelfSigned: true, CertificateFile.Length: 0 })
                continue;
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
        ServerCertificates read = FromPem(config, files, found, before, out ImmutableArray<Diagnostic> more);
        problems = [.. wrong, .. more];
        return read;
    }

    /// <summary>
    /// Reads them again under the same configuration. What cannot be used now (a key that is replaced before its certificate, an editor at work) stays in force as it
    /// was, with a warning: the rest is renewed all the same. Where nothing changed the same objects stay: sessions of their clients can be resumed.
    /// </summary>
    public ServerCertificates Renew(MailConfig config, FileView files, out ImmutableArray<Diagnostic> problems)
    {
        ServerCertificates read = Load(config, files, this, out ImmutableArray<Diagnostic> found);
        problems = [.. found.Select(p => p with { Severity = Severity.Warning, Message = p.Message + "; what worked before stays in force" })];
        return new ServerCertificates(
            read._identities.Concat(_identities.Where(old => config.Identities.ContainsKey(old.Key) && !read._identities.ContainsKey(old.Key))),
            read._anchors.Concat(_anchors.Where(old => config.TrustAnchors.ContainsKey(old.Key) && !read._anchors.ContainsKey(old.Key))));
    }

    /// <summary>A key that others may read is looked at again with every renewal: the check of the configuration saw the one before.</summary>
    private static Diagnostic? Exposed(IdentityConfig identity, FileView files) =>
        files.Look(identity.KeyFile) is { Presence: FilePresence.Present } key && KeyFile.Problem(identity.KeyFile, key.Mode) is { } problem
            ? new Diagnostic(Severity.Error, identity.At, $"pki {identity.Name}: {problem.Message}", problem.Cure) : null;

    public static ServerCertificates FromPem(MailConfig config, IEnumerable<IdentityPem> identities, out ImmutableArray<Diagnostic> problems) =>
        FromPem(config, new FileView(), identities, None, out problems);

    private static ServerCertificates FromPem(
        MailConfig config, FileView files, IEnumerable<IdentityPem> identities, ServerCertificates before, out ImmutableArray<Diagnostic> problems)
    {
        var wrong = ImmutableArray.CreateBuilder<Diagnostic>();
        var usable = new Dictionary<string, ServerIdentity>(StringComparer.OrdinalIgnoreCase);
        foreach (IdentityPem pem in identities)
        {
            SourceSpan at = config.Identities.TryGetValue(pem.Name, out IdentityConfig? identity) ? identity.At : SourceSpan.None;
            if (before._identities.GetValueOrDefault(pem.Name) is { } known && known.IsOf(pem))
                usable[pem.Name] = known;
            else if (ServerIdentity.Read(pem, at, out Diagnostic? problem) is { } read)
                usable[pem.Name] = read;
            else
                wrong.Add(identity is null or { SelfSigned: true } ? problem! : problem! with { Message = $"{problem.Message} (certificate {identity.CertificateFile}, key {identity.KeyFile})" });
        }
        var anchors = new Dictionary<string, X509Certificate2Collection>(StringComparer.OrdinalIgnoreCase);
        foreach ((string name, string file) in config.TrustAnchors)
        {
            if (CertificateTrust.ReadAnchors(files, file, out string trouble) is { } trusted)
                anchors[name] = trusted;
            else
                wrong.Add(new Diagnostic(Severity.Error, SourceSpan.None, $"ca {name}: {trouble}", "the file must hold `-----BEGIN CERTIFICATE-----`"));
        }
        problems = wrong.ToImmutable();
        return new ServerCertificates(usable, anchors);
    }

    /// <summary>The names of what works.</summary>
    public IEnumerable<string> Names => _identities.Keys;

    /// <summary>The certificate of a name, for who shows one as a client; null when it has none that works.</summary>
    public SslStreamCertificateContext? Find(string name) => _identities.GetValueOrDefault(name)?.Context;

    /// <summary>Warnings for the certificates that are not valid, or not for long: at the start, at each reload, and once a day.</summary>
    public ImmutableArray<Diagnostic> Expiring(MailConfig config, DateTimeOffset now) =>
        [.. _identities.Values.Select(i => i.Expiry(config.Identities.GetValueOrDefault(i.Name), now)).OfType<Diagnostic>().OrderBy(d => d.At.Line)];

    /// <summary>The listener's certificate for the name the client asks for (SNI), else its first; null when it has none that works.</summary>
    internal SslStreamCertificateContext? Choose(ListenerConfig listener, string? serverName)
    {
        SslStreamCertificateContext? first = null;
        ImmutableArray<string> names = listener.Identities.IsEmpty ? [listener.HostName] : listener.Identities;
        foreach (string name in names)
        {
            if (Find(name) is not { } context)
                continue;
            if (string.IsNullOrEmpty(serverName) || IsFor(context.TargetCertificate, serverName))
                return context;
            first ??= context;
        }
        return first;
    }

    /// <summary>The client may ask for any octets: what is no name at all is none of ours, and not worth a broken session.</summary>
    private static bool IsFor(X509Certificate2 certificate, string name)
    {
        try
        {
            return certificate.MatchesHostname(name.TrimEnd('.'));
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            return false;
        }
    }

    /// <summary>The certificates of an anchor; none where its file could not be read, so that nothing is trusted.</summary>
    internal X509Certificate2Collection TrustAnchor(string name) => _anchors.GetValueOrDefault(name) ?? [];

    /// <summary>The options for handshakes of one listener with one certificate: made once, used by all.</summary>
    internal SslServerAuthenticationOptions Options(
        ListenerConfig listener, SslStreamCertificateContext identity, Func<ListenerConfig, SslStreamCertificateContext, SslServerAuthenticationOptions> create) =>
        _options.GetOrAdd((listener, identity), static (key, create) => create(key.Item1, key.Item2), create);

    /// <summary>The same objects: a listener's values need not be compared for every handshake.</summary>
    private sealed class ByReference : IEqualityComparer<(ListenerConfig Listener, SslStreamCertificateContext Identity)>
    {
        public static ByReference Instance { get; } = new();

        public bool Equals((ListenerConfig Listener, SslStreamCertificateContext Identity) x, (ListenerConfig Listener, SslStreamCertificateContext Identity) y) =>
            ReferenceEquals(x.Listener, y.Listener) && ReferenceEquals(x.Identity, y.Identity);

        public int GetHashCode((ListenerConfig Listener, SslStreamCertificateContext Identity) key) =>
            HashCode.Combine(RuntimeHelpers.GetHashCode(key.Listener), RuntimeHelpers.GetHashCode(key.Identity));
    }
}
