using System.Collections.Concurrent;
using System.Text;
using global::Estafette.Mail;
using global::Estafette.Queue;
using global::Estafette.Spool;

namespace Estafette.Tests.Smtpd;

/// <summary>An intake that keeps what was committed, and answers as a test wants it to.</summary>
internal sealed class CollectingIntake : Intake
{
    private ulong _next = 0x1000_0000_0000_0000;

    public ConcurrentQueue<(Envelope Envelope, string Text)> Messages { get; } = new();
    public SpoolTrouble? Answer { get; set; }
    public SpoolStatus WriteStatus { get; set; } = SpoolStatus.Ok;
    public SpoolStatus CommitStatus { get; set; } = SpoolStatus.Ok;
    public int Open => _open;
    private int _open;

    public override SpoolTrouble? Trouble => Answer;

    public override IntakeMessage Begin()
    {
        Interlocked.Increment(ref _open);
        return new Message(this, new MessageId(Interlocked.Increment(ref _next)));
    }

    private sealed class Message(CollectingIntake intake, MessageId id) : IntakeMessage
    {
        private readonly MemoryStream _octets = new();

        public override MessageId Id => id;
        public override long Length => _octets.Length;

        public override ValueTask<SpoolStatus> WriteAsync(ReadOnlyMemory<byte> octets, CancellationToken cancellationToken)
        {
            _octets.Write(octets.Span);
            return ValueTask.FromResult(intake.WriteStatus);
        }

        public override ValueTask<SpoolStatus> CommitAsync(Envelope envelope, CancellationToken cancellationToken)
        {
            if (intake.CommitStatus != SpoolStatus.Ok)
                return ValueTask.FromResult(intake.CommitStatus);
            WhenDurable?.Invoke(envelope);
            intake.Messages.Enqueue((envelope, Encoding.Latin1.GetString(_octets.ToArray())));
            return ValueTask.FromResult(intake.CommitStatus);
        }

        public override ValueTask DisposeAsync()
        {
            Interlocked.Decrement(ref intake._open);
            return ValueTask.CompletedTask;
        }
    }
}
