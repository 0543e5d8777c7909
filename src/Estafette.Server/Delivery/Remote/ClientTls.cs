using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Estafette.Config;
using Estafette.Config.Model;

namespace Estafette.Delivery.Remote;

/// <summary>
/// Our side of handshakes: SNI, versions, ciphers, our own certificate, and the check of the peer's. Options are made once for each policy and host and shared by all
/// connections until a file behind them changes. Sessions may be resumed: the peer's certificate is part of the session and is checked again each time.
/// </summary>
internal sealed class ClientTls(TlsMaterial material, TrustAnchorFiles anchors, TimeProvider clock)
{
    /// <summary>Options kept; all are forgotten when there are more.</summary>
    private const int Remembered = 4096;

    private readonly ConcurrentDictionary<Key, Entry> _options = new();

    private readonly record struct Key(TlsPolicy Policy, string Host, string NextHop);

    private sealed record Entry(SslClientAuthenticationOptions Options, X509Certificate2Collection? Anchors);

    public SslClientAuthenticationOptions Options(TlsPolicy policy, RelayEndPoint target, MailConfig config)
    {
        string? file = policy.TrustAnchor is string name ? config.TrustAnchors.GetValueOrDefault(name, name) : null;
        X509Certificate2Collection? trusted = file is null ? null : anchors.Of(file);
        SslStreamCertificateContext? own = policy.Identity is string identity ? material.Identities(identity) : null;
        var key = new Key(policy, target.Host, target.NextHop);
        if (_options.TryGetValue(key, out Entry? known) && ReferenceEquals(known.Anchors, trusted) && ReferenceEquals(known.Options.ClientCertificateContext, own))
            return known.Options;
        var check = new PeerCheck(policy, NamesOf(policy, target), file, clock);
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = policy.ServerName ?? (RoutePlanner.TryLiteral(target.Host, out IPAddress literal) ? literal.ToString() : target.Host),
            EnabledSslProtocols = SslStreamTerms.Versions(policy.Settings),
            CipherSuitesPolicy = SslStreamTerms.Ciphers(policy.Settings),
            AllowTlsResume = policy.Settings.Tickets,
            AllowRenegotiation = false,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            CertificateChainPolicy = CertificateTrust.Policy(CertificateTrust.ForServers, trusted),
            ClientCertificateContext = own,
            RemoteCertificateValidationCallback = (stream, certificate, chain, errors) =>
            {
                PeerFinding finding = check.Examine(certificate as X509Certificate2, chain, errors);
                ((PeerTlsStream)stream).Finding = finding;
                return finding.Refusal is null;
            },
        };
        if (_options.Count >= Remembered)
            _options.Clear();
        _options[key] = new Entry(options, trusted);
        return options;
    }

    /// <summary>The names that may stand in the certificate, <c>hostname</c> and <c>nexthop</c> put in.</summary>
    internal static ImmutableArray<TlsName> NamesOf(TlsPolicy policy, RelayEndPoint target)
    {
        ImmutableArray<TlsName> asked = policy.Names.IsEmpty ? TlsPolicy.NamesOf(policy.Level) : policy.Names;
        return [.. asked.Select(n => n.Kind switch
        {
            TlsNameKind.Hostname => new TlsName(TlsNameKind.Literal, target.Host),
            TlsNameKind.NextHop => new TlsName(TlsNameKind.Literal, target.NextHop),
            TlsNameKind.BelowNextHop => new TlsName(TlsNameKind.BelowLiteral, target.NextHop),
            _ => n,
        })];
    }
}
