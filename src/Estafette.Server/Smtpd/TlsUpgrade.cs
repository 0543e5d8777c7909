using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Estafette.Config.Model;

namespace Estafette.Smtpd;

/// <summary>
/// Starts TLS on a session, at connect (465) or after STARTTLS: one road for both. On success the transport's pipes are the encrypted ones and
/// nothing read before counts. On failure the connection is of no more use.
/// </summary>
internal static class TlsUpgrade
{
    private static readonly TimeSpan s_handshake = TimeSpan.FromSeconds(60);

    /// <summary>Null and a reason where it failed.</summary>
    public static async ValueTask<(TlsInfo? Info, SslStream? Stream, string Reason)> StartAsync(
        SessionTransport transport, ListenerConfig listener, ServerCertificates certificates, CancellationToken cancellationToken)
    {
        (PipeReader input, PipeWriter output) = transport.Pipes;
        var stream = new SslStream(new PipeStream(input, output), leaveInnerStreamOpen: false);
        bool verified = false;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_handshake);
        try
        {
            await stream.AuthenticateAsServerAsync(
                (_, hello, _, _) => ValueTask.FromResult(Options(listener, certificates, hello.ServerName, () => verified = true)), null, limit.Token);
        }
        catch (Exception e) when (e is AuthenticationException or IOException or OperationCanceledException or InvalidOperationException or NotSupportedException)
        {
            await stream.DisposeAsync();
            return (null, null, e is OperationCanceledException ? "timeout" : e.InnerException?.Message ?? e.Message);
        }
        transport.Replace(PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true)), PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true)));
        string cipher = stream.NegotiatedCipherSuite.ToString();
        return (new TlsInfo(ProtocolName(stream.SslProtocol), CipherName(cipher), CipherBits(cipher), verified), stream, "");
    }

    private static SslServerAuthenticationOptions Options(ListenerConfig listener, ServerCertificates certificates, string? serverName, Action clientVerified)
    {
        bool wantsClient = listener.ClientCertificate == ClientCertificateDemand.Require;
        X509Certificate2Collection? anchor = certificates.TrustAnchor(listener.ClientCa);
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = certificates.Choose(listener, serverName),
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            AllowRenegotiation = false,
            ClientCertificateRequired = wantsClient,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
            {
                if (!wantsClient)
                    return true;
                if (certificate is not X509Certificate2 client || !IsTrusted(client, chain, anchor, errors))
                    return false;
                clientVerified();
                return true;
            },
        };
    }

    private static bool IsTrusted(X509Certificate2 client, X509Chain? sent, X509Certificate2Collection? anchor, SslPolicyErrors errors)
    {
        if (anchor is null)
            return errors == SslPolicyErrors.None;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(anchor);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        // A certificate that says what it is for must be for clients (RFC 5280 s4.2.1.12).
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.2"));
        if (sent is not null)
            chain.ChainPolicy.ExtraStore.AddRange(sent.ChainPolicy.ExtraStore);
        return chain.Build(client);
    }

    private static string ProtocolName(SslProtocols protocol) => protocol switch
    {
        SslProtocols.Tls13 => "TLSv1.3",
        SslProtocols.Tls12 => "TLSv1.2",
        _ => protocol.ToString(),
    };

    /// <summary>The name by which mail logs know a cipher: <c>TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384</c> is <c>ECDHE-RSA-AES256-GCM-SHA384</c>; those of TLS 1.3 keep theirs.</summary>
    private static string CipherName(string suite) => suite.Contains("_WITH_", StringComparison.Ordinal)
        ? suite.Replace("TLS_", "", StringComparison.Ordinal).Replace("WITH_", "", StringComparison.Ordinal)
            .Replace("AES_", "AES", StringComparison.Ordinal).Replace('_', '-')
        : suite;

    private static int CipherBits(string suite) =>
        suite.Contains("256", StringComparison.Ordinal) && !suite.Contains("128_CBC", StringComparison.Ordinal) && !suite.Contains("AES_128", StringComparison.Ordinal) || suite.Contains("CHACHA20", StringComparison.Ordinal) ? 256 : 128;
}
