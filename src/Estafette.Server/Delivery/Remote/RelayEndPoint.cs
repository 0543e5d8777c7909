using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Estafette.Config.Model;

namespace Estafette.Delivery.Remote;

/// <summary>One address to connect to, and what the configuration asks of that connection.</summary>
public sealed record RelayEndPoint(string Host, EndPoint Address)
{
    public RelayProtocol Protocol { get; init; }

    /// <summary>What the host's URL says of TLS; null where it says nothing.</summary>
    public TlsLevel? Tls { get; init; }

    /// <summary>The URL's label; null means no login by label.</summary>
    public string? AuthLabel { get; init; }

    /// <summary>The domain the mail goes to, or the fixed host as it was written: what policies and certificates are held against.</summary>
    public string NextHop { get; init; } = Host;

    /// <summary>The next hop as it was written; empty where there is none but the domain.</summary>
    public string Written { get; init; } = "";

    /// <summary>Given by the configuration, not found by MX.</summary>
    public bool Fixed { get; init; }

    /// <summary>The host and its port, whichever of its addresses this is.</summary>
    public string Service => Address is IPEndPoint ip ? string.Create(CultureInfo.InvariantCulture, $"{Host}:{ip.Port}") : Host;

    /// <summary>As logs tell it: <c>mx.example.org[192.0.2.1]:25</c>, or the path of a socket.</summary>
    public string Label { get; } = Address switch
    {
        IPEndPoint ip => string.Create(CultureInfo.InvariantCulture, $"{Host}[{ip.Address}]:{ip.Port}"),
        UnixDomainSocketEndPoint => Host,
        _ => Address.ToString() ?? Host,
    };
}
