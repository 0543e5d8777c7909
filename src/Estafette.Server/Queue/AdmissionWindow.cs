using System.Diagnostics.CodeAnalysis;

namespace Estafette.Queue;

/// <summary>
/// Lets only some batches of one message into the ready queues at a time; the others follow as these end, so that 10,000 destinations of one message do not stand
/// before a new one. Guarded by the ready queues' lock.
/// </summary>
internal sealed class AdmissionWindow
{
    /// <summary>Batches of one message in ready queues at once.</summary>
    internal const int BatchesPerMessage = 64;

    private readonly Queue<ActiveMessage> _toAdmit = new();

    public void Add(ActiveMessage message, IEnumerable<Batch> batches)
    {
        message.Unadmitted ??= new Queue<Batch>();
        foreach (Batch batch in batches)
            message.Unadmitted.Enqueue(batch);
        _toAdmit.Enqueue(message);
    }

    /// <summary>The next batch that may enter.</summary>
    public bool TryNext([NotNullWhen(true)] out Batch? batch)
    {
        while (_toAdmit.TryPeek(out ActiveMessage? message))
        {
            if (message.Admitted < BatchesPerMessage && message.Unadmitted!.TryDequeue(out batch))
            {
                message.Admitted++;
                return true;
            }
            _toAdmit.Dequeue();
        }
        batch = null;
        return false;
    }

    /// <summary>So many recipients of a batch are out of the ready queues.</summary>
    public void Finish(Batch batch, int recipients)
    {
        batch.Left -= recipients;
        if (batch.Left > 0)
            return;
        batch.Message.Admitted--;
        if (batch.Message.Unadmitted is { Count: > 0 })
            _toAdmit.Enqueue(batch.Message);
    }
}
