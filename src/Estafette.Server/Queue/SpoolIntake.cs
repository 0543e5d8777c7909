using Estafette.Mail;
using Estafette.Spool;

namespace Estafette.Queue;

/// <summary>
/// The intake over a spool: a committed message is leased with its commit and goes to its ready queue without being read again. Takes nothing while
/// the daemon stops or the spool is in trouble.
/// </summary>
internal sealed class SpoolIntake(ISpool spool, INewMail newMail, Func<bool> isStopping) : Intake
{
    private static readonly SpoolTrouble s_stopping = new(SpoolStatus.Stopping, "the server is stopping");

    public override SpoolTrouble? Trouble => isStopping() ? s_stopping : spool.Trouble;

    public override IntakeMessage Begin() => new Message(spool.Begin(), newMail);

    private sealed class Message(ISpoolWriter writer, INewMail newMail) : IntakeMessage
    {
        public override MessageId Id => writer.Id;
        public override long Length => writer.Length;

        public override ValueTask<SpoolStatus> WriteAsync(ReadOnlyMemory<byte> octets, CancellationToken cancellationToken) =>
            writer.WriteAsync(octets, cancellationToken);

        /// <summary>Not refused while stopping: a message that was taken so far is better safe than sent again.</summary>
        public override async ValueTask<SpoolStatus> CommitAsync(Envelope envelope, CancellationToken cancellationToken)
        {
            ArgumentNullException.ThrowIfNull(envelope);
            if (envelope.Size != writer.Length)
                envelope = envelope with { Size = writer.Length };
            bool lease = !envelope.Hold && newMail.HasRoom;
            SpoolStatus status = await writer.CommitAsync(envelope, lease, null, cancellationToken);
            if (status is not SpoolStatus.Ok)
                return status;
            WhenDurable?.Invoke(envelope);
            newMail.Committed(envelope, lease);
            return status;
        }

        public override ValueTask DisposeAsync() => writer.DisposeAsync();
    }
}
