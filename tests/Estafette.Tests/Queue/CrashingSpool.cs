using System.Text;
using Estafette.Mail;
using Estafette.Spool;

namespace Estafette.Tests.Queue;

/// <summary>
/// A disk that outlives daemons. Each life of the daemon has its own view; after <see cref="Crash"/> nothing that life does reaches the disk, and
/// its leases are gone.
/// </summary>
internal sealed class CrashingSpool(TimeProvider clock)
{
    private readonly MemorySpool _disk = new(clock);
    private readonly HashSet<MessageId> _leased = [];
    private Life? _life;

    public ISpool NewLife() => _life = new Life(this);

    public void Crash()
    {
        lock (_leased)
        {
            _life!.IsDead = true;
            foreach (MessageId id in _leased)
                _disk.RecordAsync(new SpoolUpdate(id) { Release = true }, CancellationToken.None).AsTask().GetAwaiter().GetResult();
            _leased.Clear();
        }
    }

    public async Task<string> BodyOf(MessageId id)
    {
        using SpoolBody? body = await _disk.OpenBodyAsync(id, CancellationToken.None);
        byte[] octets = new byte[body!.Length];
        int read = await body.ReadAsync(0, octets, CancellationToken.None);
        return Encoding.UTF8.GetString(octets, 0, read);
    }

    private sealed class Life(CrashingSpool owner) : ISpool
    {
        private static readonly SpoolTrouble s_dead = new(SpoolStatus.Unhealthy, "the machine is off");

        public bool IsDead { get; set; }
        public SpoolTrouble? Trouble => IsDead ? s_dead : owner._disk.Trouble;
        public int Count => owner._disk.Count;
        public DateTimeOffset? NextDue => IsDead ? null : owner._disk.NextDue;

        public ISpoolWriter Begin() => new Writer(this, owner._disk.Begin());

        public ValueTask<SpoolStatus> RecordAsync(SpoolUpdate update, CancellationToken cancellationToken)
        {
            lock (owner._leased)
            {
                if (IsDead)
                    return new(SpoolStatus.Unknown);
                if (update.Release)
                    owner._leased.Remove(update.Id);
                return owner._disk.RecordAsync(update, cancellationToken);
            }
        }

        public ValueTask<SpoolBody?> OpenBodyAsync(MessageId id, CancellationToken cancellationToken) => owner._disk.OpenBodyAsync(id, cancellationToken);

        public async ValueTask<IReadOnlyList<SpooledMessage>> LeaseDueAsync(DateTimeOffset now, int max, CancellationToken cancellationToken)
        {
            await Task.CompletedTask;
            lock (owner._leased)
            {
                if (IsDead)
                    return [];
                IReadOnlyList<SpooledMessage> due = owner._disk.LeaseDueAsync(now, max, cancellationToken).AsTask().GetAwaiter().GetResult();
                owner._leased.UnionWith(due.Select(message => message.Envelope.Id));
                return due;
            }
        }

        public IAsyncEnumerable<SpooledMessage> ScanAsync(CancellationToken cancellationToken) => owner._disk.ScanAsync(cancellationToken);

        public ValueTask<SpooledMessage?> FindAsync(MessageId id, CancellationToken cancellationToken) => owner._disk.FindAsync(id, cancellationToken);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private sealed class Writer(Life life, ISpoolWriter inner) : ISpoolWriter
        {
            public MessageId Id => inner.Id;
            public long Length => inner.Length;

            public ValueTask<SpoolStatus> WriteAsync(ReadOnlyMemory<byte> octets, CancellationToken cancellationToken) => inner.WriteAsync(octets, cancellationToken);

            public ValueTask<SpoolStatus> CommitAsync(Envelope envelope, bool lease, SpoolUpdate? with, CancellationToken cancellationToken) => life.Commit(inner, envelope, lease, with);

            public ValueTask DisposeAsync() => inner.DisposeAsync();
        }

        private ValueTask<SpoolStatus> Commit(ISpoolWriter inner, Envelope envelope, bool lease, SpoolUpdate? with)
        {
            lock (owner._leased)
            {
                if (IsDead)
                    return new(SpoolStatus.Unhealthy);
                if (lease)
                    owner._leased.Add(envelope.Id);
                return inner.CommitAsync(envelope, lease, with, CancellationToken.None);
            }
        }
    }
}
