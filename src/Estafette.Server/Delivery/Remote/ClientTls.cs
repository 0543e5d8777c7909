using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Estafette.Config.Model;
using Estafette.Events;

namespace Estafette.Delivery.Remote;

/// <summary>
/// What our side of a handshake asks for: the name to verify, the trust anchor, our own certificate. Opportunistic TLS verifies nothing, because clear text
/// would be the alternative (RFC 7435).
/// </summary>
internal sealed class ClientTls(Func<string, SslStreamCertificateContext?> identities, EventSink events)
{
    public SslClientAuthenticationOptions Options(string host, bool verify, ActionConfig.Relay action, MailConfig config)
    {
        string name = host.Length > 2 && RoutePlanner.TryLiteral(host, out System.Net.IPAddress literal) ? literal.ToString() : host;
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = name,
            EnabledSslProtocols = SslProtocols.None,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            ClientCertificateContext = action.Identity is string identity ? identities(identity) : null,
        };
        if (!verify)
            options.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
        else if (action.TrustAnchor is string anchor)
            options.CertificateChainPolicy = Policy(config.TrustAnchors.GetValueOrDefault(anchor, anchor));
        return options;
    }

    /// <summary>Only the given anchors count. An unreadable file leaves none, so that verification fails instead of falling back to the system's.</summary>
    private X509ChainPolicy Policy(string file)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        try
        {
            policy.CustomTrustStore.ImportFromPemFile(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            events.Publish(new OperatorWarning("mta", $"Trust anchor {file} cannot be read: {e.Message}") { At = events.Now });
        }
        return policy;
    }
}
