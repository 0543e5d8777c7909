using System.Collections.Immutable;

namespace Estafette.Config.Model;

/// <summary>Protocol versions that are still safe to speak (RFC 8996 took the older ones away).</summary>
public enum TlsVersion : byte { Tls12, Tls13 }

/// <summary>How TLS is spoken on a connection, whichever side begins it. The default is what the system's library thinks best.</summary>
public sealed record TlsSettings
{
    public static TlsSettings Default { get; } = new();

    public TlsVersion Minimum { get; init; } = TlsVersion.Tls12;
    public TlsVersion Maximum { get; init; } = TlsVersion.Tls13;

    /// <summary>Cipher suites in order of preference, by their registered names (<c>TLS_AES_128_GCM_SHA256</c>); empty leaves the choice to the library.</summary>
    public ImmutableArray<string> CipherSuites { get; init; } = [];

    /// <summary>Session tickets (RFC 5077, RFC 8446 s4.6.1): off for peers that stumble over them (E53).</summary>
    public bool Tickets { get; init; } = true;
}
