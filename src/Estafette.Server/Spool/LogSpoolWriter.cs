using System.Runtime.CompilerServices;
using Estafette.Mail;

namespace Estafette.Spool;

/// <summary>
/// A message on its way into the log. Octets gather in one pooled buffer and go to the log a chunk at a time; a small message is one piece with its
/// commit record. A chunk that is under way holds the caller back, so memory stays at one chunk.
/// </summary>
internal sealed class LogSpoolWriter : ISpoolWriter
{
    private const int FirstCapacity = 8 << 10;
    private readonly LogSpool _spool;
    private readonly SpoolIndex _index;
    private readonly List<RecordPlace> _chunks = [];
    private readonly RecordBuffer _buffer = new(FirstCapacity);
    private readonly Submission _submission;
    private SpoolStatus _failure;
    private State _state;
    private bool _isUnderWay;

    private enum State : byte { Open, Committing, Ended }

    public LogSpoolWriter(LogSpool spool, SpoolIndex index, MessageId id)
    {
        _spool = spool;
        _index = index;
        Id = id;
        _submission = new Submission(this);
        _buffer.BeginRecord();
    }

    public MessageId Id { get; }
    public long Length { get; private set; }

    public ValueTask<SpoolStatus> WriteAsync(ReadOnlyMemory<byte> octets, CancellationToken cancellationToken)
    {
        if (_state != State.Open)
            throw new InvalidOperationException("The writer has ended.");
        cancellationToken.ThrowIfCancellationRequested();
        // New mail is refused while there is trouble; what has begun goes on while there is prepared room.
        if (Length == 0 && _failure == SpoolStatus.Ok && _spool.Trouble is { } trouble)
            _failure = trouble.Status;
        if (_failure != SpoolStatus.Ok)
            return new(_failure);
        if (_buffer.PayloadLength + octets.Length >= _spool.ChunkSize)
            return WriteChunksAsync(octets, cancellationToken);
        _buffer.Write(octets.Span);
        Length += octets.Length;
        return new(SpoolStatus.Ok);
    }

    public async ValueTask<SpoolStatus> CommitAsync(Envelope envelope, bool lease, SpoolUpdate? with, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(envelope);
        ProgressRules.Check(envelope, Id);
        if (_state != State.Open)
            throw new InvalidOperationException("The writer has ended.");
        cancellationToken.ThrowIfCancellationRequested();
        if (Length == 0 && _failure == SpoolStatus.Ok && _spool.Trouble is { } trouble)
            _failure = trouble.Status;
        if (_failure != SpoolStatus.Ok)
            return _failure;
        PendingUpdate? pending = null;
        if (with is not null)
        {
            pending = _spool.Prepare(with);
            if (pending is null)
                return SpoolStatus.Unknown;
        }
        try
        {
            Author(envelope, with);
            _submission.BeginCommit(new LoadedMessage(envelope, ProgressRules.Fresh(envelope.Recipients.Length)), lease, pending);
            _failure = await SubmitAsync();
            if (_failure != SpoolStatus.Ok)
                ReleaseChunks();
            return _failure;
        }
        finally
        {
            if (pending is not null)
                _spool.Release(pending.Entry, pending.Loaded);
        }
    }

    public ValueTask DisposeAsync()
    {
        lock (_index.Gate)
            _index.Close(this);
        // Whoever leaves while something is under way gets no say in how it ends; the log still reads the buffer.
        if (_isUnderWay || _state == State.Ended)
            return ValueTask.CompletedTask;
        ReleaseChunks();
        _buffer.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Under the index' lock: chunks that are in the segment and can still be moved.</summary>
    public IEnumerable<RecordPlace> MovableChunks(Segment segment) =>
        _state == State.Open ? _chunks.Where(chunk => ReferenceEquals(chunk.Segment, segment)) : [];

    /// <summary>Under the index' lock: a chunk was copied. False when it is too late; the copy is not needed then.</summary>
    public bool TryMove(RecordPlace from, RecordPlace to)
    {
        int place = _state == State.Open ? _chunks.IndexOf(from) : -1;
        if (place < 0)
            return false;
        _chunks[place] = to;
        from.Segment.Live -= from.Length;
        to.Segment.Live += to.Length;
        return true;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<SpoolStatus> WriteChunksAsync(ReadOnlyMemory<byte> octets, CancellationToken cancellationToken)
    {
        while (!octets.IsEmpty)
        {
            int count = Math.Min(octets.Length, _spool.ChunkSize - _buffer.PayloadLength);
            _buffer.Write(octets.Span[..count]);
            Length += count;
            octets = octets[count..];
            if (_buffer.PayloadLength < _spool.ChunkSize)
                break;
            cancellationToken.ThrowIfCancellationRequested();
            _submission.BeginChunk(_buffer.EndRecord(RecordType.Chunk, 0, Id.Value));
            _failure = await SubmitAsync();
            if (_failure != SpoolStatus.Ok)
                return _failure;
            _buffer.Clear();
            _buffer.BeginRecord();
        }
        return SpoolStatus.Ok;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<SpoolStatus> SubmitAsync()
    {
        _isUnderWay = true;
        SpoolStatus status = await _spool.SubmitAsync(_submission);
        _isUnderWay = false;
        return status;
    }

    private void ReleaseChunks()
    {
        lock (_index.Gate)
        {
            _state = State.Ended;
            foreach (RecordPlace chunk in _chunks)
                chunk.Segment.Live -= chunk.Length;
            _chunks.Clear();
        }
    }

    /// <summary>The commit record behind the last octets. From here on the chunks stay where they are.</summary>
    private void Author(Envelope envelope, SpoolUpdate? with)
    {
        int adjacent = _buffer.PayloadLength;
        if (adjacent > 0)
            _buffer.EndRecord(RecordType.Chunk, 0, Id.Value);
        else
            _buffer.Clear();
        BodyExtent[] extents;
        lock (_index.Gate)
        {
            _state = State.Committing;
            extents = [.. _chunks.Select(chunk => new BodyExtent(chunk.Segment.Number, chunk.Offset, _spool.ChunkSize))];
        }
        int before = _buffer.Length;
        _buffer.BeginRecord();
        CommitPayload.Write(_buffer, envelope, new CommitHead(envelope.Hold, envelope.Recipients.Length, adjacent, extents, null, null), with, null);
        _submission.CommitLength = _buffer.EndRecord(RecordType.Commit, 0, Id.Value);
        _submission.AdjacentLength = before;
    }

    /// <summary>What the writer hands to the log, one thing at a time: a full chunk, or the end of the message.</summary>
    private sealed class Submission(LogSpoolWriter writer) : LogOperation
    {
        private LoadedMessage? _message;
        private PendingUpdate? _with;
        private bool _lease;
        private int _chunkLength;

        public int AdjacentLength { get; set; }
        public int CommitLength { get; set; }
        public override RecordBuffer Records => writer._buffer;
        public override bool NeedsFlush => _message is not null;

        public void BeginChunk(int length) => _chunkLength = length;

        public void BeginCommit(LoadedMessage message, bool lease, PendingUpdate? with)
        {
            _message = message;
            _lease = lease;
            _with = with;
        }

        public override SpoolStatus Prepare() => _with?.Prepare(mayBeWhole: false) ?? SpoolStatus.Ok;

        public override void Rollback() => _with?.Rollback();

        public override void Apply()
        {
            if (_message is null)
                ApplyChunk();
            else
                ApplyCommit(_message);
        }

        private void ApplyChunk()
        {
            if (writer._state == State.Ended)
                return;
            writer._chunks.Add(new RecordPlace(Segment, Offset, _chunkLength));
            Segment.Live += _chunkLength;
        }

        private void ApplyCommit(LoadedMessage message)
        {
            var place = new RecordPlace(Segment, Offset + AdjacentLength, CommitLength);
            // The chunks' needs pass from the writer to the message.
            BodyShare[]? elsewhere = BodyShares.Of(writer._chunks);
            foreach (RecordPlace chunk in writer._chunks)
                chunk.Segment.Live -= chunk.Length;
            writer._chunks.Clear();
            writer._index.Add(new IndexEntry
            {
                Id = writer.Id.Value,
                Commit = place,
                AdjacentLength = AdjacentLength,
                Elsewhere = elsewhere,
                IsLeased = _lease,
                IsHeld = message.Envelope.Hold,
                DueTicks = ProgressRules.DueTicks(message.Progress),
                Loaded = _lease ? message : null,
            });
            _with?.Apply(place);
        }
    }
}
