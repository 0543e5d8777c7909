using System.Buffers;
using System.Runtime.CompilerServices;
using Estafette.Smtp;

namespace Estafette.Smtpd;

/// <summary>
/// Carries the octets of a message from the client through the decoder to the intake, in pooled buffers. Every wait is under the session's timer, and a message that
/// takes longer than the data time-out must keep the minimal pace (E47).
/// </summary>
internal static class BodyReceiver
{
    private const int BufferSize = 64 << 10;

    /// <summary>Source octets decoded at a time: the decoder may write two for one.</summary>
    private const int SliceSize = (BufferSize / 2) - 16;

    /// <summary>Reads to the end of DATA. A result means the session cannot go on as usual.</summary>
    public static async ValueTask<CommandResult?> ReceiveAsync(SmtpSession session, MessageReception message, DataDecoder decoder, CancellationToken cancellationToken)
    {
        TimeSpan begun = session.Transport.Elapsed;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            while (!decoder.Ended)
            {
                (WaitEnd end, ReadOnlySequence<byte> octets) = await session.Transport.ReadAsync(session.Limits.DataTimeout);
                if (end != WaitEnd.None)
                    return BrokenOff(session, end, message.Received);
                SequencePosition consumed = await DecodeAsync(message, decoder, octets, buffer, cancellationToken);
                session.Transport.AdvanceTo(consumed);
                if (Broken(session, message, decoder, begun) is { } broken)
                    return broken;
            }
            session.Counts.Commands.EndOfMessage();
            await message.CompleteAsync(cancellationToken);
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Reads one chunk of BDAT. A result means the session cannot go on as usual.</summary>
    public static async ValueTask<CommandResult?> ReceiveChunkAsync(
        SmtpSession session, MessageReception message, DataDecoder decoder, BdatCommand chunk, CancellationToken cancellationToken)
    {
        TimeSpan begun = session.Transport.Elapsed;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            for (long rest = chunk.Size; rest > 0;)
            {
                (WaitEnd end, ReadOnlySequence<byte> octets) = await session.Transport.ReadAsync(session.Limits.DataTimeout);
                if (end != WaitEnd.None)
                    return BrokenOff(session, end, message.Received);
                octets = octets.Length > rest ? octets.Slice(0, rest) : octets;
                rest -= octets.Length;
                await DecodeAsync(message, decoder, octets, buffer, cancellationToken);
                session.Transport.AdvanceTo(octets.End);
                if (Broken(session, message, decoder, begun) is { } broken)
                    return broken;
            }
            if (!chunk.Last)
                return null;
            int written = decoder.Finish(buffer);
            await message.WriteAsync(buffer.AsMemory(0, written), cancellationToken);
            session.Counts.Commands.EndOfMessage();
            await message.CompleteAsync(cancellationToken);
            return Broken(session, message, decoder, begun);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Reads and forgets the octets of a refused chunk.</summary>
    public static async ValueTask<CommandResult?> DropAsync(SmtpSession session, long size)
    {
        for (long rest = size; rest > 0;)
        {
            (WaitEnd end, ReadOnlySequence<byte> octets) = await session.Transport.ReadAsync(session.Limits.DataTimeout);
            if (end != WaitEnd.None)
                return SessionLoop.ReplyTo(session, end);
            octets = octets.Length > rest ? octets.Slice(0, rest) : octets;
            rest -= octets.Length;
            session.Transport.AdvanceTo(octets.End);
        }
        return null;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<SequencePosition> DecodeAsync(
        MessageReception message, DataDecoder decoder, ReadOnlySequence<byte> octets, byte[] buffer, CancellationToken cancellationToken)
    {
        long consumed = 0;
        int written = 0;
        foreach (ReadOnlyMemory<byte> segment in octets)
        {
            ReadOnlyMemory<byte> rest = segment;
            while (!rest.IsEmpty && !decoder.Ended)
            {
                if (buffer.Length - written < DataDecoder.MaximumOutput(Math.Min(rest.Length, SliceSize)))
                {
                    await message.WriteAsync(buffer.AsMemory(0, written), cancellationToken);
                    written = 0;
                }
                ReadOnlyMemory<byte> slice = rest[..Math.Min(rest.Length, SliceSize)];
                (int used, int made) = decoder.Decode(slice.Span, buffer.AsSpan(written));
                written += made;
                consumed += used;
                rest = rest[used..];
            }
        }
        if (written > 0)
            await message.WriteAsync(buffer.AsMemory(0, written), cancellationToken);
        return octets.GetPosition(consumed);
    }

    private static CommandResult BrokenOff(SmtpSession session, WaitEnd end, long octets)
    {
        session.Counts.Commands.BrokeOff(end, octets);
        return SessionLoop.ReplyTo(session, end);
    }

    /// <summary>What ends the session in the middle of a message.</summary>
    private static CommandResult? Broken(SmtpSession session, MessageReception message, DataDecoder decoder, TimeSpan begun)
    {
        if (decoder.Problem is DataProblem.BareLineFeed or DataProblem.BareCarriageReturn)
        {
            session.Abuse("line ends other than CRLF in a message");
            return session.Replies.BareLineEnd;
        }
        if (message.IsHopeless)
            return session.Replies.MessageTooBigAtEnd.ThenClose();
        TimeSpan taken = session.Transport.Elapsed - begun;
        if (taken > session.Limits.DataTimeout && message.Received < taken.TotalSeconds * session.Limits.MinimumDataRate)
            return session.Replies.TooSlow;
        return null;
    }
}
