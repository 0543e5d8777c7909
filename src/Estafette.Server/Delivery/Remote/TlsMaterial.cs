using System.Net.Security;
using Estafette.Config;

namespace Estafette.Delivery.Remote;

/// <summary>Where the sending side's TLS takes its certificates from: our own by the name of their identity, trust anchors from files.</summary>
public sealed record TlsMaterial(Func<string, SslStreamCertificateContext?> Identities, Func<FileView> Files)
{
    /// <summary>No certificate of our own.</summary>
    public static TlsMaterial Anonymous { get; } = new(_ => null, static () => new FileView());
}
