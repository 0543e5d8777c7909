using Estafette.Mail;
using Estafette.Spool;

namespace Estafette.Tests.Queue;

/// <summary>Counts what reaches the spool behind it.</summary>
internal sealed class CountingSpool(ISpool inner) : ISpool
{
    private int _records;
    private int _commits;

    public int Records => Volatile.Read(ref _records);
    public int Commits => Volatile.Read(ref _commits);
    public SpoolTrouble? Trouble => inner.Trouble;
    public int Count => inner.Count;
    public DateTimeOffset? NextDue => inner.NextDue;

    public ISpoolWriter Begin()
    {
        Interlocked.Increment(ref _commits);
        return inner.Begin();
    }

    public ValueTask<SpoolStatus> RecordAsync(SpoolUpdate update, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _records);
        return inner.RecordAsync(update, cancellationToken);
    }

    public ValueTask<SpoolBody?> OpenBodyAsync(MessageId id, CancellationToken cancellationToken) => inner.OpenBodyAsync(id, cancellationToken);

    public ValueTask<IReadOnlyList<SpooledMessage>> LeaseDueAsync(DateTimeOffset now, int max, CancellationToken cancellationToken) => inner.LeaseDueAsync(now, max, cancellationToken);

    public IAsyncEnumerable<SpooledMessage> ScanAsync(CancellationToken cancellationToken) => inner.ScanAsync(cancellationToken);

    public ValueTask<SpooledMessage?> FindAsync(MessageId id, CancellationToken cancellationToken) => inner.FindAsync(id, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
