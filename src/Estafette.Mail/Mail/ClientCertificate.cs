namespace Estafette.Mail;

/// <summary>
/// The certificate that a client showed in the TLS handshake, which proves that it has the key. Names are text from outside: whoever writes them somewhere makes them
/// safe. A fingerprint is SHA-256, 64 lower-case hex digits.
/// </summary>
public sealed record ClientCertificate
{
    public required string Subject { get; init; }
    public required string Issuer { get; init; }

    /// <summary>The subject's common name, or what comes nearest to it.</summary>
    public string CommonName { get; init; } = "";
    public string IssuerName { get; init; } = "";
    public DateTimeOffset NotBefore { get; init; }
    public DateTimeOffset NotAfter { get; init; }
    public required string Fingerprint { get; init; }

    /// <summary>Of the public key alone (SubjectPublicKeyInfo): it outlives a renewal that keeps the key.</summary>
    public required string KeyFingerprint { get; init; }

    /// <summary>Name of the trust anchor that vouches for it; empty for one of the system's.</summary>
    public string Anchor { get; init; } = "";

    /// <summary>Why it is not trusted; empty where it is.</summary>
    public string Distrust { get; init; } = "";
    public bool IsVerified => Distrust.Length == 0;
}
