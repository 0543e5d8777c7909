using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Estafette.Mail;

namespace Estafette.Spool;

/// <summary>
/// A spool without a disk, for the tests of other rooms: the same answers as the log spool, nothing durable. Bodies are held in memory.
/// <see cref="Trouble"/> can be set to see how a caller copes: <see cref="SpoolStatus.Full"/> refuses new mail and still takes progress,
/// <see cref="SpoolStatus.Unhealthy"/> refuses both.
/// </summary>
public sealed class MemorySpool : ISpool
{
    private readonly Lock _gate = new();
    private readonly Dictionary<uint, Waiting> _waiting = [];
    private readonly HashSet<uint> _open = [];
    private readonly DueHeap<Waiting> _due = new();
    private readonly MessageIdSource _ids;
    private volatile SpoolTrouble? _trouble;

    public MemorySpool(TimeProvider clock) => _ids = new MessageIdSource(clock);

    public MemorySpool() : this(TimeProvider.System) { }

    public SpoolTrouble? Trouble { get => _trouble; set => _trouble = value; }

    public int Count
    {
        get
        {
            lock (_gate)
                return _waiting.Count;
        }
    }

    public DateTimeOffset? NextDue
    {
        get
        {
            lock (_gate)
                return _due.First is { } first ? ProgressRules.TimeOf(first.DueTicks) : null;
        }
    }

    public ISpoolWriter Begin()
    {
        lock (_gate)
        {
            MessageId id = _ids.Next(low => _waiting.ContainsKey(low) || _open.Contains(low));
            _open.Add((uint)id.Value);
            return new Writer(this, id);
        }
    }

    public ValueTask<SpoolStatus> RecordAsync(SpoolUpdate update, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(update);
        if (_trouble is { Status: SpoolStatus.Unhealthy })
            return new(SpoolStatus.Unhealthy);
        lock (_gate)
        {
            if (Find(update.Id) is not { } waiting)
                return new(SpoolStatus.Unknown);
            ProgressRules.Check(update, waiting.Message.Progress.Length);
            Apply(waiting, update);
            return new(SpoolStatus.Ok);
        }
    }

    public ValueTask<SpoolBody?> OpenBodyAsync(MessageId id, CancellationToken cancellationToken)
    {
        lock (_gate)
            return new(Find(id) is { } waiting ? new Body(waiting.Octets) : null);
    }

    public ValueTask<IReadOnlyList<SpooledMessage>> LeaseDueAsync(DateTimeOffset now, int max, CancellationToken cancellationToken)
    {
        var leased = new List<SpooledMessage>();
        lock (_gate)
        {
            while (leased.Count < max && _due.First is { } first && first.DueTicks <= now.UtcTicks)
            {
                _due.Remove(first);
                first.IsLeased = true;
                leased.Add(first.Message);
            }
        }
        return new(leased);
    }

    public async IAsyncEnumerable<SpooledMessage> ScanAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        SpooledMessage[] snapshot;
        lock (_gate)
            snapshot = [.. _waiting.Values.Select(waiting => waiting.Message)];
        foreach (SpooledMessage message in snapshot)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return message;
        }
        await Task.CompletedTask;
    }

    public ValueTask<SpooledMessage?> FindAsync(MessageId id, CancellationToken cancellationToken)
    {
        lock (_gate)
            return new(Find(id)?.Message);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private Waiting? Find(MessageId id) =>
        _waiting.TryGetValue((uint)id.Value, out Waiting? waiting) && waiting.Id == id.Value ? waiting : null;

    private void Apply(Waiting waiting, SpoolUpdate update)
    {
        ImmutableArray<RecipientProgress> progress = ProgressRules.Apply(waiting.Message.Progress, update);
        waiting.Message = waiting.Message with { Progress = progress, Held = update.Held ?? waiting.Message.Held };
        waiting.IsLeased &= !update.Release;
        _due.Remove(waiting);
        if (update.Remove || ProgressRules.IsFinished(progress))
            _waiting.Remove((uint)waiting.Id);
        else
            Schedule(waiting);
    }

    private void Schedule(Waiting waiting)
    {
        waiting.DueTicks = ProgressRules.DueTicks(waiting.Message.Progress);
        if (!waiting.IsLeased && !waiting.Message.Held)
            _due.Add(waiting);
    }

    private SpoolStatus Commit(Writer writer, Envelope envelope, bool lease, SpoolUpdate? with)
    {
        lock (_gate)
        {
            Waiting? other = null;
            if (with is not null)
            {
                if ((other = Find(with.Id)) is null)
                    return SpoolStatus.Unknown;
                ProgressRules.Check(with, other.Message.Progress.Length);
            }
            var message = new SpooledMessage(envelope, ProgressRules.Fresh(envelope.Recipients.Length), envelope.Hold);
            var waiting = new Waiting { Id = envelope.Id.Value, Message = message, Octets = writer.Octets, IsLeased = lease };
            _waiting.Add((uint)waiting.Id, waiting);
            Schedule(waiting);
            if (other is not null)
                Apply(other, with!);
            return SpoolStatus.Ok;
        }
    }

    private void Close(MessageId id)
    {
        lock (_gate)
            _open.Remove((uint)id.Value);
    }

    private sealed class Waiting : DueEntry
    {
        public required SpooledMessage Message { get; set; }
        public required byte[] Octets { get; init; }
        public bool IsLeased { get; set; }
    }

    private sealed class Writer(MemorySpool spool, MessageId id) : ISpoolWriter
    {
        private readonly MemoryStream _octets = new();
        private bool _ended;

        public MessageId Id => id;
        public long Length { get; private set; }
        public byte[] Octets => _octets.ToArray();

        public ValueTask<SpoolStatus> WriteAsync(ReadOnlyMemory<byte> octets, CancellationToken cancellationToken)
        {
            if (_ended)
                throw new InvalidOperationException("The writer has ended.");
            if (spool.Trouble is { } trouble)
                return new(trouble.Status);
            _octets.Write(octets.Span);
            Length += octets.Length;
            return new(SpoolStatus.Ok);
        }

        public ValueTask<SpoolStatus> CommitAsync(Envelope envelope, bool lease, SpoolUpdate? with, CancellationToken cancellationToken)
        {
            ArgumentNullException.ThrowIfNull(envelope);
            if (_ended)
                throw new InvalidOperationException("The writer has ended.");
            ProgressRules.Check(envelope, id);
            SpoolStatus status = spool.Trouble?.Status ?? spool.Commit(this, envelope, lease, with);
            _ended = true;
            return new(status);
        }

        public ValueTask DisposeAsync()
        {
            _ended = true;
            spool.Close(id);
            _octets.Dispose();
            return ValueTask.CompletedTask;
        }
    }

    private sealed class Body(byte[] octets) : SpoolBody
    {
        public override long Length => octets.Length;

        public override ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            if (offset >= octets.Length)
                return new(0);
            int count = (int)Math.Min(buffer.Length, octets.Length - offset);
            octets.AsSpan((int)offset, count).CopyTo(buffer.Span);
            return new(count);
        }
    }
}
