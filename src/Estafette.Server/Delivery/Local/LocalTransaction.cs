using Estafette.Mail;
using Estafette.Spool;

namespace Estafette.Delivery.Local;

/// <summary>One message for one recipient, on its way to the privileged side: <paramref name="Trace"/> is what stands above the stored message.</summary>
internal sealed record LocalTransaction(string Sender, LocalEnvelope Envelope, ReadOnlyMemory<byte> Trace, SpoolBody Body)
{
    /// <summary>Further recipients of the same run of a command (pipe(8)).</summary>
    public IReadOnlyList<LocalEnvelope> Others { get; init; } = [];
}
