using System.Net;
using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Smtpd;

/// <summary>The name that the DNS gives a client's address. <paramref name="Verified"/> where that name leads back to the address (forward-confirmed).</summary>
public readonly record struct ReverseName(string? Name, bool Verified)
{
    public static ReverseName None { get; }

    /// <summary>The name server could not say; or it was not waited for.</summary>
    public bool IsUnsure { get; init; }
}

/// <summary>Asks for a client's reverse name; must not throw. The caller waits a few seconds at most.</summary>
public delegate ValueTask<ReverseName> ReverseLookup(IPAddress address, CancellationToken cancellationToken);

/// <summary>What is known of a connection and stays so until it ends.</summary>
internal sealed record ConnectionInfo
{
    public required ulong SessionId { get; init; }
    public required DateTimeOffset Opened { get; init; }

    /// <summary>Null for local submission.</summary>
    public IPEndPoint? Remote { get; init; }

    /// <summary>The listener of the snapshot the session runs with; null for local submission.</summary>
    public ListenerConfig? Listener { get; init; }

    /// <summary>Told by the kernel (SO_PEERCRED); null for the network.</summary>
    public uint? LocalUid { get; init; }

    /// <summary>The name the server uses towards this client.</summary>
    public required string HostName { get; init; }
    public ReverseName Reverse { get; init; }

    public bool IsLocal => Listener is null;

    public string? FilterName { get; init; }

    /// <summary>Line ends other than CRLF in a message are mended and not refused: local programs, and clients that the listener names (E2).</summary>
    public bool MendsLineEnds { get; init; }

    /// <summary>What its lines in a log of the Postfix style begin with.</summary>
    public string Service => Listener?.LogTag ?? "";

    /// <summary>Stands in log lines and in SessionOpened.</summary>
    public string ListenerText => Listener?.EndPoint.ToString() ?? "local";
}

/// <summary>What TLS came to, as the Received field tells it.</summary>
/// <param name="ClientAsked">A certificate was asked for; the client need not have had one.</param>
internal sealed record TlsInfo(string Protocol, string Cipher, int Bits, bool ClientAsked, ClientCertificate? Client);
