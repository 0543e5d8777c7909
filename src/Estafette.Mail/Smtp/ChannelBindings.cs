using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Estafette.Smtp;

/// <summary>What ties an exchange to the TLS connection it runs in (RFC 5056); null where that kind cannot be had there. Somebody in the middle has other values.</summary>
public sealed record ChannelBindings
{
    public static ChannelBindings None { get; } = new();

    /// <summary><c>tls-exporter</c> (RFC 9266): TLS 1.3, and 1.2 with an extended master secret.</summary>
    public byte[]? Exporter { get; init; }

    /// <summary><c>tls-server-end-point</c> (RFC 5929 s4): the hash of our certificate.</summary>
    public byte[]? ServerEndPoint { get; init; }

    /// <summary><c>tls-unique</c> (RFC 5929 s3): TLS 1.2 only.</summary>
    public byte[]? Unique { get; init; }

    public bool Any => Exporter is not null || ServerEndPoint is not null || Unique is not null;

    public byte[]? Find(string name) => name switch
    {
        "tls-exporter" => Exporter,
        "tls-server-end-point" => ServerEndPoint,
        "tls-unique" => Unique,
        _ => null,
    };

    /// <summary>
    /// <c>tls-server-end-point</c> of a certificate (RFC 5929 s4.1): by the hash of its signature, MD5 and SHA-1 by SHA-256; null for signatures without one that is defined.
    /// </summary>
    public static byte[]? EndPointOf(X509Certificate2 certificate) => certificate.SignatureAlgorithm.Value switch
    {
        "1.2.840.113549.1.1.4" or "1.2.840.113549.1.1.5" or "1.2.840.10045.4.1" or "1.2.840.113549.1.1.11" or "1.2.840.10045.4.3.2" => SHA256.HashData(certificate.RawData),
        "1.2.840.113549.1.1.12" or "1.2.840.10045.4.3.3" => SHA384.HashData(certificate.RawData),
        "1.2.840.113549.1.1.13" or "1.2.840.10045.4.3.4" => SHA512.HashData(certificate.RawData),
        _ => null,
    };

    public override string ToString() => "channel bindings";
}
