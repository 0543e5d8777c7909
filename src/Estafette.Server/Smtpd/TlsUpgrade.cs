using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Authentication;
using Estafette.Config;
using Estafette.Config.Model;

namespace Estafette.Smtpd;

/// <summary>What a handshake came to: the session's TLS, or the reason why there is none, in words.</summary>
internal sealed record TlsStart(TlsInfo? Info, SslStream? Stream, string Reason);

/// <summary>
/// Starts TLS on a session, at connect (465) or after STARTTLS: one road for both. On success the transport's pipes are the encrypted ones and
/// nothing read before counts. On failure the connection is of no more use. TLS 1.2 and 1.3 only, never a renegotiation (RFC 8996, E53).
/// </summary>
internal static class TlsUpgrade
{
    /// <summary>A session that waits for its client keeps no buffer meanwhile: thousands of them wait.</summary>
    private static readonly StreamPipeReaderOptions s_reading = new(leaveOpen: true, useZeroByteReads: true);
    private static readonly StreamPipeWriterOptions s_writing = new(leaveOpen: true);

    public static async ValueTask<TlsStart> StartAsync(SmtpSession session, ListenerConfig listener, CancellationToken cancellationToken)
    {
        SessionTransport transport = session.Transport;
        ServerCertificates certificates = session.Services.Certificates;
        (PipeReader input, PipeWriter output) = transport.Pipes;
        var stream = new SslStream(new PipeStream(input, output), leaveInnerStreamOpen: false);
        ClientCertificateCheck? check = listener.ClientCertificate == ClientCertificateDemand.None ? null : new ClientCertificateCheck(listener, certificates, session.Parts.Clock);
        transport.Arm(session.Limits.TlsHandshake);
        try
        {
            await stream.AuthenticateAsServerAsync((_, hello, _, _) => ValueTask.FromResult(Options(listener, certificates, hello.ServerName, check)), null, cancellationToken);
        }
        catch (Exception e) when (IsHandshakeTrouble(e))
        {
            await stream.DisposeAsync();
            return new TlsStart(null, null, check is { Refusal.Length: > 0 } ? check.Refusal : TlsFailureText.Of(e, transport.IsTimeOver));
        }
        transport.Replace(PipeReader.Create(stream, s_reading), PipeWriter.Create(stream, s_writing));
        CipherSuite suite = CipherSuites.Of(stream.NegotiatedCipherSuite);
        return new TlsStart(new TlsInfo(SslStreamTerms.NameOf(stream.SslProtocol), suite.OpenSslName, suite.Bits, check is not null, check?.Shown), stream, "");
    }

    /// <summary>What the peer can bring about: a certificate may hold anything, and the runtime says so with more than one type.</summary>
    private static bool IsHandshakeTrouble(Exception e) => e is AuthenticationException or IOException or OperationCanceledException or InvalidOperationException or NotSupportedException
        or System.Security.Cryptography.CryptographicException or ArgumentException;

    /// <summary>A certificate of the client is judged by what this handshake has seen; without one there is nothing of a single handshake in the options.</summary>
    private static SslServerAuthenticationOptions Options(ListenerConfig listener, ServerCertificates certificates, string? serverName, ClientCertificateCheck? check)
    {
        if (certificates.Choose(listener, serverName) is not { } identity)
            throw new AuthenticationException("there is no certificate that could be shown");
        if (check is null)
            return certificates.Options(listener, identity, New);
        SslServerAuthenticationOptions options = New(listener, identity);
        options.ClientCertificateRequired = true;
        options.CertificateChainPolicy = check.Policy();
        options.RemoteCertificateValidationCallback = (_, certificate, chain, errors) => check.Accept(certificate, chain, errors);
        // A resumed session does not show the certificates between the client's and the anchor again.
        options.AllowTlsResume = false;
        return options;
    }

    private static SslServerAuthenticationOptions New(ListenerConfig listener, SslStreamCertificateContext identity)
    {
        TlsSettings settings = listener.TlsSettings;
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = identity,
            EnabledSslProtocols = SslStreamTerms.Versions(settings),
            CipherSuitesPolicy = SslStreamTerms.Ciphers(settings),
            AllowRenegotiation = false,
            AllowTlsResume = settings.Tickets,
        };
    }
}
