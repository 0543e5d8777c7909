using System.Net.Security;

namespace Estafette.Delivery.Remote;

/// <summary>A TLS stream that remembers what its peer's certificate turned out to be, so that connections to one host can share their options.</summary>
internal sealed class PeerTlsStream(Stream inner) : SslStream(inner, leaveInnerStreamOpen: false)
{
    /// <summary>Null until the peer has shown its certificate.</summary>
    public PeerFinding? Finding { get; set; }
}
