using System.Net.Security;
using System.Security.Authentication;
using Estafette.Config.Model;

namespace Estafette.Config;

/// <summary><see cref="TlsSettings"/> as the runtime wants them, and what it negotiated as mail logs name it: the same words on both sides of a handshake.</summary>
internal static class SslStreamTerms
{
    public static SslProtocols Versions(TlsSettings settings) =>
        (settings.Minimum == TlsVersion.Tls12 ? SslProtocols.Tls12 : default) | (settings.Maximum == TlsVersion.Tls13 ? SslProtocols.Tls13 : default);

    /// <summary>Null leaves the choice to the library.</summary>
    public static CipherSuitesPolicy? Ciphers(TlsSettings settings) =>
        settings.CipherSuites.IsEmpty || !OperatingSystem.IsLinux() ? null : new CipherSuitesPolicy(CipherSuites.Values(settings));

    public static string NameOf(SslProtocols protocol) => protocol switch
    {
        SslProtocols.Tls13 => "TLSv1.3",
        SslProtocols.Tls12 => "TLSv1.2",
        _ => protocol.ToString(),
    };
}
