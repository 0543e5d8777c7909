using Estafette.Mail;
using Estafette.Smtp;

namespace Estafette.Delivery.Remote;

/// <summary>Outcomes that name the peer.</summary>
internal static class PeerOutcome
{
    /// <summary>A refusal, final for 5xx, temporary for everything else that is not positive.</summary>
    public static DeliveryOutcome Of(ServerReply reply, RelayEndPoint peer, OutcomeScope scope) => Of(reply, peer, scope, reply.IsPermanent);

    public static DeliveryOutcome Of(ServerReply reply, RelayEndPoint peer, OutcomeScope scope, bool permanent) => new()
    {
        Kind = permanent ? OutcomeKind.Failed : OutcomeKind.Deferred,
        Scope = scope,
        Status = reply.Status with { Class = (byte)(permanent ? 5 : 4) },
        Text = reply.Text,
        ReplyCode = reply.Code,
        Peer = peer.Label,
        RemoteMta = peer.Host,
    };

    public static DeliveryOutcome Deferred(EnhancedStatus status, string text, RelayEndPoint peer, OutcomeScope scope) =>
        DeliveryOutcome.Deferred(status, text, scope) with { Peer = peer.Label };
}
