using Estafette.Mail;

namespace Estafette.Delivery.Local;

/// <summary>What an answer of the privileged side means in the words of Postfix's logs.</summary>
internal static class LocalOutcome
{
    private const string OutputMark = "Command output: ";

    /// <param name="reply">The answer.</param>
    /// <param name="delivered">What a delivery is told as: <c>delivered to mailbox</c>.</param>
    /// <param name="peer">Who delivered, as logs name it: the service.</param>
    public static DeliveryOutcome Of(LocalReply reply, string delivered, string peer) => reply.Code switch
    {
        < 300 => DeliveryOutcome.Delivered(delivered) with { Peer = peer },
        < 500 => DeliveryOutcome.Deferred(reply.Status, reply.Text) with { Peer = peer },
        _ => DeliveryOutcome.Failed(reply.Status, reply.Text) with { Peer = peer },
    };

    /// <summary>With what the command itself said as the diagnostic (RFC 3464 s2.3.6).</summary>
    public static DeliveryOutcome OfCommand(LocalReply reply, string delivered, string peer)
    {
        DeliveryOutcome outcome = Of(reply, delivered, peer);
        if (outcome.Kind is OutcomeKind.Delivered)
            return outcome;
        int mark = reply.Text.IndexOf(OutputMark, StringComparison.Ordinal);
        string said = mark >= 0 ? reply.Text[(mark + OutputMark.Length)..] : reply.Text.StartsWith("Command died", StringComparison.Ordinal) ? "internal software error" : reply.Text;
        return outcome with { Diagnostic = "x-unix; " + said };
    }
}
