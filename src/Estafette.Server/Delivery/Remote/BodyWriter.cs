using System.Buffers;
using Estafette.Smtp;
using Estafette.Spool;

namespace Estafette.Delivery.Remote;

internal enum BodyEnd : byte { Sent, ConnectionFailed, Damaged }

/// <summary>
/// Streams a stored message to a connection in pieces of <see cref="RelayLimits.BodyPiece"/>, dot-stuffed, with the final dot in the last send. Nothing is held in
/// memory but one piece. A message that cannot be read to its end is never ended with a dot.
/// </summary>
internal readonly struct BodyWriter(SmtpConnection connection, TimeSpan limit)
{
    public async ValueTask<BodyEnd> SendAsync(SpoolBody body, ReadOnlyMemory<byte> prefix, CancellationToken cancellationToken)
    {
        int piece = (int)Math.Min(RelayLimits.BodyPiece, Math.Max(body.Length, 1));
        byte[] input = ArrayPool<byte>.Shared.Rent(piece);
        try
        {
            var stuffer = new DotStuffer(stuff: true);
            ReadOnlyMemory<byte> rest = prefix;
            long offset = 0;
            while (true)
            {
                while (!rest.IsEmpty)
                {
                    rest = Encode(ref stuffer, rest, connection.Output);
                    if (connection.Output.Length >= RelayLimits.BodyPiece && !await connection.FlushAsync(limit))
                        return BodyEnd.ConnectionFailed;
                }
                int count = await ReadAsync(body, offset, input.AsMemory(0, piece), cancellationToken);
                if (count < 0 || (count == 0 && offset < body.Length))
                    return BodyEnd.Damaged;
                if (count == 0)
                    break;
                offset += count;
                rest = input.AsMemory(0, count);
            }
            connection.Output.Advance(stuffer.Finish(connection.Output.GetSpan(DotStuffer.FinishRoom)));
            return await connection.FlushAsync(limit) ? BodyEnd.Sent : BodyEnd.ConnectionFailed;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(input);
        }
    }

    /// <summary>Appends <c>BDAT n LAST</c> and the whole small message to what waits to be sent. False when the stored octets are damaged.</summary>
    public async ValueTask<bool> AppendChunkAsync(SpoolBody body, ReadOnlyMemory<byte> prefix, CancellationToken cancellationToken)
    {
        int size = (int)body.Length;
        byte[] input = ArrayPool<byte>.Shared.Rent(size + 1);
        try
        {
            for (int filled = 0; filled < size;)
            {
                int count = await ReadAsync(body, filled, input.AsMemory(filled, size - filled), cancellationToken);
                if (count <= 0)
                    return false;
                filled += count;
            }
            OutputBuffer output = connection.Output;
            int start = output.Length;
            int announced = prefix.Length + size;
            // What is stored is nearly always fit as it is; only otherwise its new length must be announced instead.
            for (int written = AppendOnce(announced); written != announced; written = AppendOnce(announced))
            {
                announced = written;
                output.Truncate(start);
            }
            return true;

            int AppendOnce(int length)
            {
                CommandWriter.Chunk(output, length, last: true);
                int from = output.Length;
                var encoder = new DotStuffer(stuff: false);
                for (ReadOnlyMemory<byte> rest = prefix; !rest.IsEmpty;)
                    rest = Encode(ref encoder, rest, output);
                for (ReadOnlyMemory<byte> rest = input.AsMemory(0, size); !rest.IsEmpty;)
                    rest = Encode(ref encoder, rest, output);
                output.Advance(encoder.Finish(output.GetSpan(DotStuffer.FinishRoom)));
                return output.Length - from;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(input);
        }
    }

    /// <summary>Encodes what fits into one piece of output, with a little room for the lines that grow; gives the rest back.</summary>
    private static ReadOnlyMemory<byte> Encode(ref DotStuffer stuffer, ReadOnlyMemory<byte> source, OutputBuffer output)
    {
        Span<byte> room = output.GetSpan(Math.Min(source.Length, RelayLimits.BodyPiece) + 64);
        stuffer.Encode(source.Span, room, out int consumed, out int written);
        output.Advance(written);
        return source[consumed..];
    }

    /// <summary>-1 where the spool finds its octets damaged.</summary>
    private static async ValueTask<int> ReadAsync(SpoolBody body, long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await body.ReadAsync(offset, buffer, cancellationToken);
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            return -1;
        }
    }
}
