using System.Collections.Concurrent;
using System.Collections.Immutable;
using Estafette.Mail;

namespace Estafette.Delivery.Users;

/// <summary>
/// What became of the parts of recipients of which another part must be tried again, so that those that have their copy get no second one. It lives in memory only: after a restart the whole
/// recipient is tried again, as local(8) always does.
/// </summary>
internal sealed class LeafMemory
{
    /// <summary>Recipients remembered; all are forgotten when there are more.</summary>
    private const int MaximumRecipients = 10_000;

    private readonly ConcurrentDictionary<(MessageId Id, uint Recipient), ImmutableDictionary<string, DeliveryPart>> _known = new();

    public DeliveryPart? Find(MessageId id, uint recipient, string leaf) => _known.GetValueOrDefault((id, recipient))?.GetValueOrDefault(leaf);

    public void Keep(MessageId id, uint recipient, IEnumerable<KeyValuePair<string, DeliveryPart>> ended)
    {
        if (_known.Count >= MaximumRecipients)
            _known.Clear();
        _known[(id, recipient)] = ended.ToImmutableDictionary(StringComparer.Ordinal);
    }

    public void Forget(MessageId id, uint recipient) => _known.TryRemove((id, recipient), out _);
}
