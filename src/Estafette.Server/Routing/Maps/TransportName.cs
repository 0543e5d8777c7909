namespace Estafette.Routing.Maps;

/// <summary><c>transport:nexthop</c> as transport(5) and the <c>*_transport</c> parameters have it: what stands before the first colon is the transport.</summary>
internal readonly record struct TransportName(string Action, string NextHop)
{
    /// <summary>Transports whose next hop is a text for the sender.</summary>
    public const string Error = "error", Retry = "retry";

    private const string NoReason = "Address is undeliverable";

    public static TransportName Parse(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? new(text, "") : new(text[..colon], text[(colon + 1)..]);
    }

    /// <summary>This value on top of another one, as a row of transport(5): without a transport only the next hop changes; a transport alone goes to the recipient's domain.</summary>
    public TransportName Over(TransportName below, string domain)
    {
        if (Action.Length == 0)
            return NextHop.Length == 0 ? below : below with { NextHop = NextHop };
        return NextHop.Length > 0 ? this : this with { NextHop = Action is Error or Retry ? NoReason : domain };
    }
}
