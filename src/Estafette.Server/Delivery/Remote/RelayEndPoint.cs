using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Estafette.Config.Model;

namespace Estafette.Delivery.Remote;

/// <summary>One address to connect to, and what the configuration asks of that connection.</summary>
public sealed record RelayEndPoint(string Host, EndPoint Address)
{
    public RelayProtocol Protocol { get; init; }
    public RelayTls Tls { get; init; }

    /// <summary>Key into the credentials table; null means no AUTH.</summary>
    public string? AuthLabel { get; init; }

    /// <summary>As logs tell it: <c>mx.example.org[192.0.2.1]:25</c>, or the path of a socket.</summary>
    public string Label { get; } = Address switch
    {
        IPEndPoint ip => string.Create(CultureInfo.InvariantCulture, $"{Host}[{ip.Address}]:{ip.Port}"),
        UnixDomainSocketEndPoint => Host,
        _ => Address.ToString() ?? Host,
    };
}
