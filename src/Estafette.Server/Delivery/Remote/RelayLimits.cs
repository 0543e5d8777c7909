namespace Estafette.Delivery.Remote;

/// <summary>Bounds on what one attempt does for a peer or a DNS answer, whatever either says (E40).</summary>
internal static class RelayLimits
{
    public const int Exchangers = 20;
    public const int AddressesPerHost = 8;

    /// <summary>Addresses tried for one message in one attempt; the others have their turn by the shuffle of a later attempt.</summary>
    public const int AddressesPerAttempt = 10;

    /// <summary>After this many messages a connection is closed and another one opened, so that load balancers get their share.</summary>
    public const int MessagesPerConnection = 1000;

    /// <summary>How long a connection serves while a host that the route prefers rests.</summary>
    public static TimeSpan StandIn { get; } = TimeSpan.FromSeconds(30);

    /// <summary>RCPT commands in one group: their replies must fit the peer's and our socket buffers, or both wait for ever (RFC 2920 s3.1).</summary>
    public const int RecipientsPerGroup = 100;

    /// <summary>Octets of a message that travels with its envelope in one BDAT, refused recipients or not.</summary>
    public const int SingleChunk = 32 * 1024;

    /// <summary>Octets of one read from the spool, and about those of one send.</summary>
    public const int BodyPiece = 64 * 1024;

    /// <summary>Challenges of one AUTH exchange.</summary>
    public const int AuthenticationSteps = 4;

    /// <summary>Octets of a header that is read to see whether it needs SMTPUTF8.</summary>
    public const int HeaderScan = 1 << 20;
}
