using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Estafette.Mail;

namespace Estafette.Queue;

/// <summary>
/// A message leased from the spool for one round of attempts: each due recipient gets one outcome, then the lease goes back or the message is
/// finished. It gathers what is not yet durable; one writer at a time takes it from here (<see cref="TakePart"/>), so records of one message
/// never overtake each other. Safe for several threads.
/// </summary>
internal sealed class ActiveMessage
{
    /// <summary>A failure waits this long for others of the same round before the sender is told.</summary>
    internal static readonly TimeSpan GatherFor = TimeSpan.FromMinutes(5);

    private readonly ImmutableArray<RecipientProgress> _progress;
    private List<Settled>? _settled;
    private HashSet<int>? _removed;
    private DateTimeOffset _oldestFailure = DateTimeOffset.MaxValue;
    private int _outstanding;
    private int _undone;
    private bool _writing;
    private bool _urgent;
    private int _expired;

    /// <param name="envelope">The message.</param>
    /// <param name="progress">Default for a message that has just been received.</param>
    public ActiveMessage(Envelope envelope, ImmutableArray<RecipientProgress> progress)
    {
        Envelope = Stored = envelope;
        _progress = progress;
        _undone = envelope.Recipients.Length;
        if (progress.IsDefault)
            return;
        foreach (RecipientProgress one in progress)
            _undone -= one.IsDone ? 1 : 0;
    }

    /// <summary>The message; where maps route, its due recipients as they were resolved last (<see cref="Route"/>).</summary>
    public Envelope Envelope { get; private set; }

    /// <summary>The message as the spool has it.</summary>
    public Envelope Stored { get; }

    /// <summary>Timestamp of when its round began.</summary>
    public long ActivatedAt { get; set; }

    /// <summary>Set by an operator: what has not started is left alone, and the lease goes back.</summary>
    public volatile bool IsStopped;

    /// <summary>Set by an operator: what this round does not deliver goes back to the sender.</summary>
    public volatile bool MustExpire;

    /// <summary>Batches beyond the <see cref="AdmissionWindow"/>; guarded by the lock of <see cref="ReadyQueues"/>, like <see cref="Admitted"/>.</summary>
    public Queue<Batch>? Unadmitted { get; set; }
    public int Admitted { get; set; }

    /// <summary>Progress before this round.</summary>
    public RecipientProgress ProgressOf(int recipient) => _progress.IsDefault ? RecipientProgress.New : _progress[recipient];

    /// <summary>True once a round: the log tells of a message that expired, not of each recipient.</summary>
    public bool IsFirstToExpire() => Interlocked.Exchange(ref _expired, 1) == 0;

    public void Expect(int recipients) => _outstanding = recipients;

    /// <summary>Says where recipients go in this round. What is already on its way keeps what it was told.</summary>
    public void Route(ReadOnlySpan<int> indexes, ReadOnlySpan<Recipient> routed)
    {
        lock (this)
        {
            ImmutableArray<Recipient> now = Envelope.Recipients;
            var recipients = new Recipient[now.Length];
            now.CopyTo(recipients);
            for (int i = 0; i < indexes.Length; i++)
                recipients[indexes[i]] = routed[i];
            Envelope = Envelope with { Recipients = ImmutableCollectionsMarshal.AsImmutableArray(recipients) };
        }
    }

    /// <summary>Adds outcomes. True: the caller must write (call <see cref="TakePart"/> until it gives null).</summary>
    public bool Settle(ReadOnlySpan<Settled> settled, int attempted, DateTimeOffset now)
    {
        lock (this)
        {
            _outstanding -= attempted;
            if (settled.Length > 0)
            {
                _settled ??= new List<Settled>(settled.Length);
                _settled.AddRange(settled);
            }
            foreach (Settled one in settled)
            {
                _urgent |= one.Notice == NoticeKind.Succeeded || (one.Notice == NoticeKind.None && one.Progress.IsDone);
                if (one.Notice == NoticeKind.Failed && now < _oldestFailure)
                    _oldestFailure = now;
            }
            if (_writing || !(_outstanding == 0 || _urgent || now - _oldestFailure > GatherFor))
                return false;
            return _writing = true;
        }
    }

    /// <summary>What can be made durable now; null when there is nothing and the writer shall go. Mid-round only what is final; failures wait for the round's end.</summary>
    public MessagePart? TakePart(DateTimeOffset now)
    {
        lock (this)
        {
            bool ends = _outstanding == 0;
            bool tellFailures = ends || (_oldestFailure != DateTimeOffset.MaxValue && now - _oldestFailure > GatherFor);
            if (!ends && !_urgent && !tellFailures)
            {
                _writing = false;
                return null;
            }
            List<Settled> all = _settled ?? [];
            _settled = null;
            if (_removed is not null)
                all.RemoveAll(one => _removed.Contains(one.Recipient));
            List<Settled> take = all;
            if (!tellFailures)
            {
                take = all.FindAll(one => one.Notice != NoticeKind.Failed);
                _settled = take.Count == all.Count ? null : all.FindAll(one => one.Notice == NoticeKind.Failed);
            }
            else
            {
                _oldestFailure = DateTimeOffset.MaxValue;
            }
            _urgent = false;
            return new MessagePart(take, ends);
        }
    }

    /// <summary>Notes what is durable; true when no recipient is left.</summary>
    public bool Recorded(int done)
    {
        lock (this)
            return (_undone -= done) <= 0;
    }

    /// <summary>An operator removed recipients: whatever their attempt says is not recorded any more.</summary>
    public void Remove(IEnumerable<int> recipients)
    {
        lock (this)
        {
            _removed ??= [];
            foreach (int recipient in recipients)
            {
                if (_removed.Add(recipient))
                    _undone--;
            }
        }
    }
}

/// <summary>One recipient's result of this round, on its way into the spool.</summary>
internal readonly record struct Settled(int Recipient, RecipientProgress Progress, NoticeKind Notice);

/// <summary>What one write of the recorder takes from a message.</summary>
internal sealed record MessagePart(List<Settled> Settled, bool EndsRound);
